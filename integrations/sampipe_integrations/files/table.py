"""A table of boxes: one line an object."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import check_fraction
from sampipe_integrations.files.lookup import existing, file_digest, key_of

BoxFormat = Literal["xyxy", "xywh", "cxcywh"]
_FORMATS: dict[str, tuple[str, ...]] = {
    "xyxy": ("x0", "y0", "x1", "y1"),
    "xywh": ("x", "y", "width", "height"),
    "cxcywh": ("cx", "cy", "width", "height"),
}
_OTHER_NAMES = {
    "x0": ("xmin", "left", "x_min"), "y0": ("ymin", "top", "y_min"),
    "x1": ("xmax", "right", "x_max"), "y1": ("ymax", "bottom", "y_max"),
    "width": ("w",), "height": ("h",), "cx": ("x_center",), "cy": ("y_center",),
    "image": ("file_name", "filename", "path", "image_path", "file"),
    "label": ("class", "class_name", "name", "category"), "class_id": ("category_id",),
    "score": ("confidence", "conf"),
}  # fmt: skip


class CsvBoxes(sp.Node):
    """The boxes that a CSV file has for the image, as prompts.

    The first line names the columns, in any order and case: ``image``, the four of ``box``, and if there are any
    ``label``, ``class_id`` and ``score`` (usual other names such as ``xmin`` and ``file_name`` are known too).

    Args:
        path: the file.
        box: the columns of a box: "xyxy" (x0, y0, x1, y1), "xywh" (x, y, width, height) or "cxcywh".
        fractions: boxes are fractions of the image's width and height.
        confidence: keep boxes with at least this score.
        delimiter: between columns.

    Raises:
        DataError: no such file, missing columns, a box that is no numbers, or an image that is not from a file.
    """

    path: str
    box: BoxFormat = "xyxy"
    fractions: bool = False
    confidence: float = 0.0
    delimiter: str = ","

    def __post_init__(self) -> None:
        check_fraction(confidence=self.confidence)
        if self.box not in _FORMATS:
            raise sp.DataError(f"box: got {self.box!r}, wanted one of {', '.join(_FORMATS)}")

    def requirements(self) -> Sequence[sp.Requirement]:
        """The file."""
        return (sp.Requirement.file(self.path),)

    def digest(self) -> str:
        """The parameters and what is in the file now."""
        return file_digest(self.path, super().digest())

    @sp.resource
    def rows(self) -> Mapping[str, list[dict[str, str]]]:
        """The lines by image."""
        file = existing(self.path, "a CSV file")
        with file.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened, delimiter=self.delimiter)
            columns = _columns([name or "" for name in reader.fieldnames or ()], _FORMATS[self.box], self.path)
            rows: dict[str, list[dict[str, str]]] = {}
            for row in reader:
                named = {name: row[column] or "" for name, column in columns.items()}
                rows.setdefault(named["image"], []).append({**named, "line": str(reader.line_num)})
        return rows

    def run(self, image: sp.Image) -> sp.Prompts:
        """The image's boxes."""
        name = key_of(image, self.rows, self.path)
        rows = self.rows.get(name or "", ())
        scores = np.array([self._number(row, "score", np.nan) for row in rows], np.float32)
        keep = ~(scores < self.confidence)
        if not keep.any():
            return sp.Prompts.empty()
        numbers = np.array([[self._number(row, column) for column in _FORMATS[self.box]] for row in rows], np.float32)
        size = np.array([*image.wh, *image.wh] if self.fractions else [1, 1, 1, 1], np.float32)
        prompts = sp.Prompts.from_boxes(
            _corners(numbers * size, self.box),
            labels=[row.get("label", "") for row in rows],
            class_ids=[int(self._number(row, "class_id", -1)) for row in rows],
            scores=scores,
            source=self.type_id,
        )
        return prompts.select(keep).sanitize(image.hw)

    def _number(self, row: Mapping[str, str], column: str, otherwise: float | None = None) -> float:
        text = row.get(column, "").strip()
        if not text and otherwise is not None:
            return otherwise
        try:
            return float(text)
        except ValueError:
            raise sp.DataError(f"{self.path}, line {row['line']}: {column} is {text!r}, wanted a number") from None


def _columns(header: Sequence[str], box: Sequence[str], path: str) -> dict[str, str]:
    """Our name of each column to the file's."""
    by_name = {name.strip().lower(): name for name in header}
    found = {}
    for name in ("image", *box, "label", "class_id", "score"):
        for candidate in (name, *_OTHER_NAMES.get(name, ())):
            if candidate in by_name:
                found[name] = by_name[candidate]
                break
    missing = [name for name in ("image", *box) if name not in found]
    if missing:
        raise sp.DataError(
            f"{path}: no column {', '.join(missing)}; its first line names {', '.join(header) or 'none'}"
        )
    return found


def _corners(boxes: np.ndarray, kind: str) -> np.ndarray:
    if kind == "xyxy":
        return boxes
    size = boxes[:, 2:]
    start = boxes[:, :2] - (size / 2 if kind == "cxcywh" else 0)
    return np.concatenate([start, start + size], axis=1)
