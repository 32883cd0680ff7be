"""Label Studio: brush labels as run lengths of bits, in tasks that its import and its API take.

The bits, after Label Studio's ``thi.ng/rle-pack``: 32 for the number of values, 5 for the bits of a value less one,
four times 4 for the bits of four sizes of runs less one; then runs: one bit says whether one value repeats or each
follows, two choose the size, the length less one, the value or values. The values are RGBA pixels, row by row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import quote

import numpy as np

from sampipe.data import annotated
from sampipe.data._linked import name_below, ours
from sampipe.data.annotated import AnnotatedImage, Dataset, GroundTruth, Reads
from sampipe.data.format import Format, SidecarWriter
from sampipe.data.images import SUFFIXES
from sampipe.data.names import Places, plain, task_image
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, checked_text, parse_json, read_json, refuse
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks
from sampipe.types.image import image_hw

_VALUE_BITS = 8
_SIZES = (3, 4, 8, 16)
_CHANNELS = 4


def write_label_studio(
    masks: Masks, image_url: str, *, from_name: str = "tag", to_name: str = "image", model_version: str = "sampipe"
) -> str:
    """One task with a prediction: the JSON text.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        image_url: what Label Studio loads the image from.
        from_name, to_name: of the ``BrushLabels`` and the ``Image`` tag in the project's labelling setup.
        model_version: shown with the prediction.
    """
    rles = masks.rle()
    height, width = masks.hw
    results = []
    for i in (i for i, rle in enumerate(rles) if rle.area):
        value = {"format": "rle", "rle": encode_brush(rles[i].decode()), "brushlabels": [annotated.label(masks, i)]}
        result = {
            "id": f"{i + 1:08d}",
            "type": "brushlabels",
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": value,
        }
        known = annotated.score(masks, i)
        results.append(result if known is None else {**result, "score": round(known, 6)})
    task = {"data": {to_name: image_url}, "predictions": [{"model_version": model_version, "result": results}]}
    return json.dumps(task, allow_nan=False, ensure_ascii=False)


def read_label_studio(text: str | bytes, hw: tuple[int, int] | None = None) -> Masks:
    """The brush labels of one task, exported or predicted, see :func:`read_task`.

    Args:
        text: the task's JSON.
        hw: height and width of the image, for a task without a brush label.

    Raises:
        DataError: it is no task, its brush labels are damaged or of several sizes, or there are none and no ``hw``.
    """
    place = "the Label Studio task"
    objects = read_task(Row(parse_json(text, place), place), hw, ReadReport())
    if not objects and hw is None:
        raise DataError("the task has no brush label, so the size of its image is not known; give hw")
    return AnnotatedImage(Path("image"), objects, hw or objects[0].mask.hw).masks()


def read_task(task: Row, hw: tuple[int, int] | None, report: ReadReport) -> tuple[GroundTruth, ...]:
    """The brush labels of a task: of the first annotation that holds regions and was not skipped by its author, else
    of the first such prediction. Regions of other types and of other answers are counted.

    Raises:
        DataError: a region is damaged, or not of ``hw``; names it.
    """
    objects: list[GroundTruth] = []
    for index, region in enumerate(_regions(task, report), start=1):
        if region.value.get("type") not in ("brushlabels", "brush"):
            report.leave_out(f"a Label Studio region of the type {region.value.get('type')}", region.place)
            continue
        if region.optional_number("image_rotation"):
            report.leave_out("a Label Studio region of a turned image", region.place)
            continue
        size = region.hw("original_height", "original_width")
        if (hw or size) != size:
            raise DataError(f"{region.place}: brush labels of several sizes in one task: {size} and {hw}")
        hw = size
        value = region.row("value")
        bits = value.numbers("rle")
        label = first_text(value.value.get("brushlabels"), f"{value.place}: brushlabels") or annotated.NAMELESS
        scores = {"score": region.number("score")} if region.has("score") else {}
        try:
            mask = RLE.from_mask(decode_brush([int(one) for one in bits], size))
        except DataError as error:
            raise DataError(f"{value.place}: {error}") from error
        objects.append(GroundTruth.of_mask(index, label, mask, scores=scores))
        report.keep()
    return tuple(objects)


def first_text(labels: object, place: str) -> str:
    """The first of a region's labels; empty where there are none.

    Raises:
        DataError: they are no list of text.
    """
    if labels is None or labels == []:
        return ""
    if not isinstance(labels, list) or not isinstance(labels[0], str):
        refuse(place, labels, "a list of labels")
    return checked_text(labels[0], place)


def _regions(task: Row, report: ReadReport) -> list[Row]:
    """Those of the first answer that has some; those of others are counted."""
    taken: list[Row] = []
    for kind in ("annotation", "prediction"):
        for one in task.rows(f"{kind}s", optional=True):
            rows = one.rows("result") if one.value.get("result") else []
            skipped = bool(one.value.get("was_cancelled"))
            if not taken and not skipped:
                taken = rows
                continue
            reason = "an answer that its author skipped" if skipped else f"a further {kind}"
            for row in rows:
                report.leave_out(f"a Label Studio region of {reason}", row.place)
    return taken


def encode_brush(mask: np.ndarray) -> list[int]:
    """A bool mask (h, w) as Label Studio's list of bytes: 255 in all four channels inside, 0 outside."""
    flat = mask.ravel().astype(np.int8)
    starts = np.flatnonzero(np.diff(flat, prepend=1 - flat[0] if flat.size else 0))
    lengths = np.diff(starts, append=flat.size) * _CHANNELS
    bits = [_bits(flat.size * _CHANNELS, 32), _bits(_VALUE_BITS - 1, 5), *(_bits(size - 1, 4) for size in _SIZES)]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        bits += [_run(part, 255 * int(flat[start])) for part in _parts(length)]
    text = "".join(bits)
    return np.packbits(np.frombuffer(text.encode(), np.uint8) - ord("0")).tolist()


def decode_brush(data: Sequence[int], hw: tuple[int, int]) -> np.ndarray:
    """The bool mask (h, w): where the alpha channel is not 0.

    Raises:
        DataError: the bytes end too early or do not fill the image.
    """
    reader = _Bits(data)
    count, value_bits = reader.take(32), reader.take(5) + 1
    sizes = [reader.take(4) + 1 for _ in range(4)]
    if count != hw[0] * hw[1] * _CHANNELS:
        raise DataError(f"a brush label of {count} values for an image of {hw}, which has {hw[0] * hw[1] * _CHANNELS}")
    values = np.zeros(count, np.uint8)
    done = 0
    while done < count:
        repeats = reader.take(1)
        end = done + 1 + reader.take(sizes[reader.take(2)])
        if end > count:
            raise DataError("a brush label with a run beyond its end")
        if repeats:
            values[done:end] = reader.take(value_bits) > 0
        else:
            values[done:end] = [reader.take(value_bits) > 0 for _ in range(end - done)]
        done = end
    return values[_CHANNELS - 1 :: _CHANNELS].reshape(hw).astype(bool)


class _Bits:
    def __init__(self, data: Sequence[int]) -> None:
        array = np.asarray(data)
        if array.ndim != 1 or (array.size and (array.min() < 0 or array.max() > 255)):
            raise DataError("a brush label's rle is a list of numbers from 0 to 255")
        self._bits = "".join(map(str, np.unpackbits(array.astype(np.uint8))))
        self._at = 0

    def take(self, count: int) -> int:
        if self._at + count > len(self._bits):
            raise DataError("a brush label that ends too early")
        self._at += count
        return int(self._bits[self._at - count : self._at], 2)


def _bits(value: int, count: int) -> str:
    return f"{value:0{count}b}"


def _parts(length: int) -> Iterator[int]:
    longest = 1 << _SIZES[-1]
    yield from [longest] * (length // longest)
    if length % longest:
        yield length % longest


def _run(length: int, value: int) -> str:
    which = next(i for i, size in enumerate(_SIZES) if length <= 1 << size)
    return f"1{_bits(which, 2)}{_bits(length - 1, _SIZES[which])}{_bits(value, _VALUE_BITS)}"


def read(folder: Path) -> Dataset:
    """All tasks of the JSON files of a folder: exports (lists of tasks) and single tasks.

    Raises:
        DataError: there is none, or a task does not say its image.
    """
    report, places = ReadReport(), Places.of(folder)
    readers: list[Reads] = []
    for file in ours(folder, _is_ours, "Label Studio's", report):
        for task in tasks_of(file):
            readers.append(partial(_read_image, task, places, folder, report))
    return Dataset(folder, "label_studio", readers, (), report)


def tasks_of(file: Path) -> list[Row]:
    """The tasks of an export, or the one task of a file.

    Raises:
        DataError: it is neither.
    """
    document = read_json(file)
    rows = document if isinstance(document, list) else [document]
    return [Row(one, f"{file}: task {index}") for index, one in enumerate(rows)]


def _read_image(task: Row, places: Places, root: Path, report: ReadReport) -> AnnotatedImage:
    data = task.row("data")
    name = _image_of(data)
    path = _find(places, task_image(name)) if name else None
    objects = read_task(task, None, report)
    hw = objects[0].mask.hw if objects else image_hw(path) if path else None
    report.images += 1
    if path is None:
        report.note("image file is not there", f"{task.place}: {name}")
        path = root / plain(task_image(name) or "image")
    return AnnotatedImage(path, objects, hw, name_below(path, root))


def _find(places: Places, name: str) -> Path | None:
    """The image; of one that was uploaded also without the eight digits that Label Studio puts before its name."""
    found, folder, own = places.find(name), *name.rpartition("/")[::2]
    uploaded = "upload/" in f"{folder}/" and re.match(r"[0-9a-f]{8}-(.+)", own)
    return places.find(f"{folder}/{uploaded[1]}") if found is None and uploaded else found


def _image_of(data: Row) -> str:
    """The image among a task's data: the field ``image``, else the first text that ends as images do."""
    texts = {key: value for key, value in data.value.items() if isinstance(value, str) and value}
    ends = (value for value in texts.values() if PurePosixPath(task_image(value)).suffix.lower() in SUFFIXES)
    return texts.get("image") or next(ends, next(iter(texts.values()), ""))


def _is_ours(file: Path) -> bool:
    try:
        rows = [row.value for row in tasks_of(file)]
    except DataError:
        return False
    return bool(rows) and all("data" in row and ("annotations" in row or "predictions" in row) for row in rows)


def _recognize(folder: Path) -> bool:
    return any(_is_ours(file) for file in islice(folder.rglob("*.json"), 5))


@dataclass(kw_only=True)
class LabelStudioWriter(SidecarWriter):
    """``<stem>.task.json``: a task with the masks as brush labels to accept or mend.

    Args:
        url: what the image's name is appended to, as Label Studio is to load it.
        from_name, to_name: of the ``BrushLabels`` and the ``Image`` tag in the project's labelling setup.
    """

    suffix: ClassVar[str] = ".task.json"

    url: str = "/data/local-files/?d="
    from_name: str = "tag"
    to_name: str = "image"

    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        url = self.url + quote(image.name if self.images == "none" else self.name_in_folder(image))
        text = write_label_studio(image.masks(), url, from_name=self.from_name, to_name=self.to_name)
        return {self.suffix: text.encode()}


FORMAT = Format(
    name="label_studio",
    title="Label Studio tasks",
    read=read,
    recognize=_recognize,
    writer=LabelStudioWriter,
    files="{stem}.task.json",
    cannot_hold="category ids, crowds",
    opened_by="label-studio-converter 0.0.59 (its brush decoder)",
)
