"""Masks as one COCO annotation file."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from sampipe._files import write_atomic
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size, check_text
from sampipe.nodes.export._per_image import image_file_name
from sampipe.types import Image, Masks

_NAMELESS = "object"


class SaveCoco(Node):
    """All images of a job and their masks in one COCO instances file.

    Collected in memory and written in one piece when a job ends (``flush``), so that the jobs of one node add up
    until ``close``; an image that comes again replaces its earlier masks. Segmentations are compressed RLE, so that
    holes and parts survive, with ``iscrowd`` 0, so that evaluation counts them. Besides COCO's own fields an
    annotation has, where known, ``score`` (the detector's), ``predicted_iou`` and ``stability``. Objects without a
    pixel are left out: COCO has no such thing.

    One label is one category; its id is the class id + 1. Labels without a class id get ids that are free,
    and objects with neither are an "object".

    Args:
        path: the JSON file.

    Raises:
        DataError: masks of another size than the image.
    """

    pure: ClassVar[bool] = False

    path: str = "annotations.json"

    def __post_init__(self) -> None:
        check_text(self, "path", what="the path of a JSON file")

    @resource
    def collected(self) -> CocoCollection:
        """What came so far."""
        return CocoCollection()

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        self.collected.add(image, masks.best())
        return masks

    def flush(self) -> None:
        """Write the file, if anything came since it was last written."""
        self.collected.write(Path(self.path))


class CocoObject(NamedTuple):
    """One annotation, but for the ids that only the whole file can give."""

    name: str
    class_id: int  # -1: none
    fields: dict[str, Any]


class _Picture(NamedTuple):
    name: str
    hw: tuple[int, int]
    objects: list[CocoObject]


class CocoCollection:
    """Images and their objects until they become a file; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: dict[tuple[str | None, str], _Picture] = {}
        self._changed = False

    def add(self, image: Image, masks: Masks) -> None:
        """Take in an image and its masks, one candidate each."""
        picture = _Picture(image_file_name(image), image.hw, list(coco_objects(masks)))
        with self._lock:
            self._pictures[image.source, image.key] = picture
            self._changed = True

    def write(self, path: Path) -> None:
        """Write everything to ``path``, unless nothing is new."""
        with self._lock:
            if self._changed:
                text = json.dumps(self.to_coco(), allow_nan=False, ensure_ascii=False)
                write_atomic(path, text.encode())
                self._changed = False

    def to_coco(self) -> dict[str, Any]:
        """COCO's dictionary: images, annotations, categories; ids count from 1."""
        ids = category_ids([(one.name, one.class_id) for picture in self._pictures.values() for one in picture.objects])
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for image_id, picture in enumerate(self._pictures.values(), start=1):
            height, width = picture.hw
            images.append({"id": image_id, "file_name": picture.name, "width": width, "height": height})
            for one in picture.objects:
                own = {"id": len(annotations) + 1, "image_id": image_id, "category_id": ids[one.name]}
                annotations.append(own | one.fields)
        categories = [{"id": number, "name": name} for name, number in sorted(ids.items(), key=lambda item: item[1])]
        return {"images": images, "annotations": annotations, "categories": categories}


def coco_objects(masks: Masks) -> Iterable[CocoObject]:
    """The objects of masks of one candidate each that have a pixel at all."""
    prompts = masks.prompts
    for i, rle in enumerate(masks.rle()):
        if rle.area == 0:
            continue
        x0, y0, x1, y1 = rle.box.tolist()
        optional = {
            "score": None if prompts.scores is None else float(prompts.scores[i]),
            "predicted_iou": float(masks.iou_scores[i, 0]),
            "stability": None if masks.stability is None else float(masks.stability[i, 0]),
        }
        fields = {
            "segmentation": rle.to_coco(),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": rle.area,
            "iscrowd": 0,
        }
        known = {
            name: round(value, 6) for name, value in optional.items() if value is not None and math.isfinite(value)
        }
        class_id = -1 if prompts.class_ids is None else int(prompts.class_ids[i])
        label = "" if prompts.labels is None else prompts.labels[i]
        yield CocoObject(label or (f"class {class_id}" if class_id >= 0 else _NAMELESS), class_id, fields | known)


def category_ids(seen: Iterable[tuple[str, int]]) -> dict[str, int]:
    """An id for each name, whatever the order in which names and class ids (-1: none) were seen.

    The lowest class id + 1 where no other name has it, else the lowest free number.
    """
    class_of: dict[str, int] = {}
    for name, class_id in seen:
        known = class_of.get(name, -1)
        class_of[name] = class_id if known < 0 else min(known, class_id) if class_id >= 0 else known
    wanted = {class_id + 1 for class_id in class_of.values() if class_id >= 0}
    free = (number for number in itertools.count(1) if number not in wanted)
    ids: dict[str, int] = {}
    for name, class_id in sorted(class_of.items(), key=lambda item: (item[1] < 0, item[1], item[0])):
        claims = class_id >= 0 and class_id + 1 not in ids.values()
        ids[name] = class_id + 1 if claims else next(free)
    return ids
