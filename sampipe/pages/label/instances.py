"""``instances.json``: the accepted masks of all images as COCO, kept in step with the files of the images."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass
from typing import Any

from sampipe._files import write_atomic
from sampipe.data.annotated import AnnotatedImage, GroundTruth
from sampipe.data.coco import annotation, image_row
from sampipe.data.formats import read_images
from sampipe.errors import DataError
from sampipe.pages.label.image_files import ImageFile
from sampipe.pages.label.merge import Put
from sampipe.pages.label.project import Project
from sampipe.pages.label.record import MaskRecord

MADE_HERE = "Written by sampipe annotate from the files in annotations/"
NAMELESS = "object"
_SCORES = ("score", "predicted_iou", "stability")
_BACKUP = "instances.before-annotate.json"


@dataclass(frozen=True)
class Summary:
    """Counts over the folder, for people."""

    images: int
    with_masks: int
    complete: int
    accepted: int
    proposed: int
    seconds: float  # that people spent on accepted masks
    timed: int  # accepted masks on which people spent time


class Instances:
    """The COCO file of a project; what did not change since the last look is not read again.

    Args:
        project: whose masks they are.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = project.folder / "instances.json"
        self._seen: dict[str, tuple[Any, dict[str, Any] | None]] = {}
        self._written: object = None
        self._lock = threading.Lock()

    def write(self) -> bool:
        """Bring the file up to date; False if it was.

        Raises:
            DataError: an image's file is damaged, or the folder cannot be written to.
        """
        with self._lock, self.project.locked():
            documents = self._documents()
            state = [(key, seen[0]) for key, seen in self._seen.items()], self.project.labels
            if state == self._written and self.file.is_file():
                return False
            text = json.dumps(to_coco(documents, self.project.labels), allow_nan=False)
            write_atomic(self.file, text.encode("ascii"))
            self._written = state
            return True

    def documents(self) -> list[tuple[ImageFile, dict[str, Any] | None]]:
        """Every image with its file's content, None where nobody changed anything yet."""
        with self._lock:
            return self._documents()

    def _documents(self) -> list[tuple[ImageFile, dict[str, Any] | None]]:
        for file in self.project.images:
            signature = self.project.signature(file)
            if file.key not in self._seen or self._seen[file.key][0] != signature:
                self._seen[file.key] = signature, self.project.document(file)
        return [(file, self._seen[file.key][1]) for file in self.project.images]

    def summary(self) -> Summary:
        """How far the folder is."""
        documents = [document for _, document in self.documents() if document is not None]
        accepted = [row for document in documents for row in document["annotations"]]
        times = [float(row.get("seconds", 0)) for row in accepted]
        return Summary(
            images=len(self.project.images),
            with_masks=sum(bool(document["annotations"]) for document in documents),
            complete=sum(bool(document.get("sampipe", {}).get("complete")) for document in documents),
            accepted=len(accepted),
            proposed=sum(len(document.get("proposals", ())) for document in documents),
            seconds=sum(times),
            timed=sum(seconds > 0 for seconds in times),
        )


def to_coco(documents: list[tuple[ImageFile, dict[str, Any] | None]], labels: tuple[str, ...]) -> dict[str, Any]:
    """COCO's dictionary of the images with accepted masks, and of those that a person called complete without any.

    Ids stay: a label's is its place in the list + 1, an image's comes from its file name, a mask's is its own.
    """
    ids = {label: number for number, label in enumerate(labels, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for file, document in documents:
        if document is None or not (document["annotations"] or document.get("sampipe", {}).get("complete")):
            continue  # an image without masks would say that nothing is on it
        image, image_id = document["image"], int(file.key[:12], 16)
        known = AnnotatedImage(file.path, size=(image["height"], image["width"]))
        images.append(image_row(known, image_id, known.name))
        for row in document["annotations"]:
            mask = MaskRecord.from_json(row, accepted=True)
            label = mask.label or NAMELESS
            scores = {name: value for name in _SCORES if (value := getattr(mask, name)) is not None}
            one = GroundTruth.of_mask(mask.id, label, mask.rle, scores=scores)
            annotations.append(annotation(one, mask.id, image_id, ids.setdefault(label, len(ids) + 1)))
    return {
        "info": {"description": MADE_HERE},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
    }


def take_in_existing(project: Project) -> int:
    """Masks of a COCO file that something else wrote become accepted masks; returns how many.

    The file itself is kept as ``instances.before-annotate.json``. Images that have annotations of this package are
    left alone.

    Raises:
        DataError: the file is damaged, or speaks of images that are not there: they would be lost from it.
    """
    file = project.folder / "instances.json"
    packed = project.folder / "instances.json.gz"
    if file.is_file():
        with file.open("rb") as opened:
            if MADE_HERE.encode() in opened.read(200):
                return 0
    elif not packed.is_file():
        return 0
    found = read_images(project.folder)
    known = {one.path: one for one in project.images}
    if missing := [one.path for one in found if one.path not in known]:
        raise DataError(
            f"{file if file.is_file() else packed} has masks on {len(missing)} images that are not there, such as "
            f"{missing[0]}: they would be lost. Move that file away, or put the images there"
        )
    count = 0
    for image in found:
        if project.signature(known[image.path]) is None:
            puts = [Put(MaskRecord(rle=one.mask, label=one.category, source="import")) for one in image.objects]
            project.change(known[image.path], image.objects[0].mask.hw, *puts)
            count += len(puts)
    if file.is_file():
        shutil.copy2(file, project.folder / _BACKUP)
    return count
