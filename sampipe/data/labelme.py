"""LabelMe: a JSON file for each image.

Objects are shapes of the type ``mask``, a PNG inside their box: the only one of LabelMe's shapes that keeps holes and
parts. With ``polygons`` they are outlines, which LabelMe can edit: one shape a part, those of an object under one
``group_id``; holes are lost, because LabelMe has none.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image as Pillow

from sampipe.data import annotated
from sampipe.data._linked import about, note_bare, ours
from sampipe.data.annotated import AnnotatedImage, Dataset, Files, GroundTruth
from sampipe.data.extras import extra_fields
from sampipe.data.format import Format, SidecarWriter, Tolerance
from sampipe.data.label_png import numbers_of
from sampipe.data.names import Places, begins_elsewhere, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, corners, parse_json, read_bytes, read_json, refuse
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks
from sampipe.types.image import image_hw
from sampipe.types.rasterize import rasterize
from sampipe.types.rle import merge

VERSION = "5.5.0"
_LOOKED_AT = 5
_LEAST_CORNERS = {"polygon": 3, "rectangle": 2, "circle": 2, "mask": 2, "oriented_rectangle": 4}
_NO_AREA = ("point", "points", "line", "linestrip")
_CIRCLE = 64  # corners
_FIELDS = ("version", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")
_OF_SHAPES = ("label", "points", "group_id", "shape_type", "mask")


def write_labelme(
    masks: Masks,
    image_path: str,
    *,
    polygons: bool = False,
    tolerance: float = 1.0,
    extra: Mapping[str, Any] | None = None,
    extras: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The JSON text for an image's masks.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        image_path: of the image file, as seen from the JSON file.
        polygons: outlines in place of masks.
        tolerance: pixels by which an outline may be simplified.
        extra, extras: other fields of the file, and of each object's shapes, such as ``flags``.
    """
    rles = masks.rle()
    shapes = []
    for i in (i for i, rle in enumerate(rles) if rle.area):
        name, group, more = annotated.label(masks, i), i + 1, _other_fields(extras[i] if extras else {}, _OF_SHAPES)
        if polygons:
            parts = masks.select([i]).polygons(tolerance)[0]
            shapes += [_shape(name, group, "polygon", part.exterior.tolist()) | more for part in parts]
        else:
            x0, y0, x1, y1 = rles[i].box.tolist()
            shape = _shape(name, group, "mask", [[x0, y0], [x1 - 1, y1 - 1]])
            shapes.append({**shape, **more, "mask": _png(rles[i].window())})
    height, width = masks.hw
    document: dict[str, Any] = {
        "version": VERSION,
        "flags": {},
        **_other_fields(extra or {}, _FIELDS),
        "shapes": shapes,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)


def read_labelme(text: str | bytes) -> Masks:
    """The masks of a LabelMe file that says its image's size, see :func:`read_shapes`.

    Raises:
        DataError: it is no LabelMe file, or a shape in it is damaged; names the shape.
    """
    place = "the LabelMe file"
    document = Row(parse_json(text, place), place)
    objects = read_shapes(document, document.hw("imageHeight", "imageWidth"), ReadReport())
    return AnnotatedImage(Path("image"), objects, document.hw("imageHeight", "imageWidth")).masks()


def read_shapes(document: Row, hw: tuple[int, int], report: ReadReport) -> tuple[GroundTruth, ...]:
    """Masks, polygons, rectangles (turned or not) and circles, cut at the image's edge; other shapes are counted.

    Shapes of one label and one ``group_id`` are one object.

    Raises:
        DataError: a shape is damaged; names it.
    """
    parts: dict[Any, list[RLE]] = {}
    names: dict[Any, str] = {}
    extras: dict[Any, dict[str, Any]] = {}
    for index, shape in enumerate(document.rows("shapes")):
        kind = shape.text("shape_type") if shape.has("shape_type") else "polygon"
        if kind not in _LEAST_CORNERS:
            known = ", which covers no area" if kind in _NO_AREA else ", which is not known"
            report.leave_out(f"a LabelMe {kind}{known}", shape.place)
            continue
        label = shape.text("label")
        group = shape.id("group_id") if shape.has("group_id") else None
        key = ("alone", index) if group is None else (label, group)
        parts.setdefault(key, []).append(_mask(shape, kind, hw))
        names[key] = label
        extra = _said(extra_fields(shape, _OF_SHAPES))
        if key in extras and extra != extras[key]:
            report.note(
                "image has shapes of one object with different fields, of which the first are kept", shape.place
            )
        extras.setdefault(key, extra)
        report.keep()
    found = zip(names.values(), parts.values(), extras.values(), strict=True)
    return tuple(
        GroundTruth.of_mask(key, label, merge(rles), extra=extra)
        for key, (label, rles, extra) in enumerate(found, start=1)
    )


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that say something: flags and descriptions are mostly empty."""
    return {key: value for key, value in fields.items() if value not in (None, "", {}, [])}


def _other_fields(extra: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Other fields as LabelMe takes them: flags are yes or no by name."""
    flags = extra.get("flags", {})
    odd = not isinstance(flags, dict) or not all(isinstance(one, bool) for one in flags.values())
    return {
        ("other_flags" if key == "flags" and odd else key): value for key, value in extra.items() if key not in known
    }


def _shape(name: str, group: int, kind: str, points: list[list[float]]) -> dict[str, Any]:
    return {"label": name, "group_id": group, "description": "", "shape_type": kind, "flags": {}, "points": points}


def _png(window: np.ndarray) -> str:
    buffer = io.BytesIO()
    Pillow.fromarray(window).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _mask(shape: Row, kind: str, hw: tuple[int, int]) -> RLE:
    points = corners(shape.take("points"), f"{shape.place}: points", least=_LEAST_CORNERS[kind])
    if kind == "mask":
        x, y = np.floor(points[0]).astype(int).tolist()
        return RLE.from_mask(_window(shape)).place_cut((x, y), hw)
    if kind == "rectangle":
        canvas = np.zeros(hw, dtype=bool)
        limits = (hw[1], hw[0])
        (x0, y0), (x1, y1) = (
            side.round().astype(int).clip(0, limits) for side in (points.min(axis=0), points.max(axis=0))
        )
        canvas[y0:y1, x0:x1] = True
        return RLE.from_mask(canvas)
    if kind == "circle":
        angles = np.arange(_CIRCLE) * 2 * np.pi / _CIRCLE
        radius = float(np.hypot(*(points[1] - points[0])))
        points = points[0] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return RLE.from_mask(rasterize([points], hw))


def _window(shape: Row) -> np.ndarray:
    text = shape.text("mask")
    try:
        png = base64.b64decode(text)
    except ValueError:
        refuse(f"{shape.place}: mask", text, "a PNG as base64")
    return numbers_of(png, f"{shape.place}: mask").astype(bool)


def read(folder: Path) -> Dataset:
    """The JSON files of a folder and those below; each says where its image is.

    Raises:
        DataError: there is none. Files are read one by one.
    """
    report = ReadReport()
    files = ours(folder, _is_ours, "LabelMe's", report, besides=".task.json")
    if not files:
        raise DataError(f"{folder}: no LabelMe file, JSON with shapes and imagePath")
    note_bare(folder, files, ".json", report)
    places = Places(folder)
    return Dataset(folder, "labelme", Files(folder, files, partial(_read_file, places, folder, report)), (), report)


def _read_file(places: Places, root: Path, report: ReadReport, file: Path) -> AnnotatedImage:
    document = Row(read_json(file), str(file))
    name = document.text("imagePath")
    path = _image_file(places, root, file, name)
    known = document.has("imageHeight") and document.has("imageWidth")
    if path is None and not known:
        raise DataError(f"{file}: its image {name} is not there, and the file does not say its size")
    hw = document.hw("imageHeight", "imageWidth") if known or path is None else image_hw(path)
    found = about(path, file, name, root, read_shapes(document, hw, report), hw, report)
    return replace(found, extra=_said(extra_fields(document, _FIELDS)))


def _image_file(places: Places, root: Path, file: Path, name: str) -> Path | None:
    """What a file calls its image, as seen from itself; after a move to another machine only the end of it is right."""
    if begins_elsewhere(name):
        here = Places(file.parent)
        return here.beside(name) or here.beside(plain(name).rpartition("/")[2]) or places.find(name)
    return Places(file.parent).beside(name) or places.find(f"{file.parent.relative_to(root).as_posix()}/{name}")


def _is_ours(file: Path) -> bool:
    try:
        start = read_bytes(file)
    except DataError:
        return False
    return b'"shapes"' in start and b'"imagePath"' in start


def _recognize(folder: Path) -> bool:
    return any(_is_ours(file) for file in islice(folder.rglob("*.json"), _LOOKED_AT))


@dataclass(kw_only=True)
class LabelMeWriter(SidecarWriter):
    """``<stem>.json``, which names the image as seen from itself, so that LabelMe opens it.

    Args:
        polygons: outlines, which LabelMe can edit but without holes, in place of masks.
        tolerance: pixels by which an outline may be simplified.
    """

    suffix: ClassVar[str] = ".json"
    holds_extra: ClassVar[bool] = True
    holds_extra_of_images: ClassVar[bool] = True

    polygons: bool = False
    tolerance: Tolerance = 1.0

    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        masks = image.masks()
        for one, parts in zip(image.objects, masks.polygons(self.tolerance) if self.polygons else (), strict=False):
            if any(part.holes for part in parts):
                self.report.note("image has a mask whose holes are filled", f"{image.name}: object {one.id}")
        extras = [one.extra for one in image.objects]
        text = write_labelme(
            masks, image_path, polygons=self.polygons, tolerance=self.tolerance, extra=image.extra, extras=extras
        )
        return {self.suffix: text.encode()}


FORMAT = Format(
    name="labelme",
    title="LabelMe",
    read=read,
    recognize=_recognize,
    writer=LabelMeWriter,
    files="{stem}.json",
    cannot_hold="scores, category ids, crowds; with polygons: holes",
    opened_by="labelme 6.3.1",
)
