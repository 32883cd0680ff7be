"""A table of boxes: one line an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

import sampipe as sp
from sampipe.data.annotated import class_number
from sampipe.data.csv_boxes import BoxRow, read_rows
from sampipe_integrations._detections import Fraction
from sampipe_integrations.files.lookup import PromptRows, existing

BoxFormat = Literal["xyxy", "xywh", "cxcywh"]


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
    confidence: Fraction = 0.0
    delimiter: str = ","

    def requirements(self) -> Sequence[sp.Requirement]:
        """The file."""
        return (sp.Requirement.file(self.path),)

    def input_files(self) -> Sequence[str]:
        """The file."""
        return (self.path,)

    @sp.resource
    def rows(self) -> PromptRows[BoxRow]:
        """The lines by image, all of them checked."""
        file = existing(self.path, "a CSV file")
        return PromptRows(read_rows(file, box=self.box, delimiter=self.delimiter), self.path)

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """The lines that meet no image."""
        return self.rows.left_out(sources)

    def run(self, image: sp.Image) -> sp.Prompts:
        """The image's boxes."""
        found, notes = self.rows.find(image.source)
        rows = [row for row in found if row.score is None or row.score >= self.confidence]
        if not rows:
            return sp.Prompts.empty().replace(notes=notes)
        size = np.array([*image.wh, *image.wh] if self.fractions else [1, 1, 1, 1], np.float32)
        prompts = sp.Prompts.from_boxes(
            np.array([row.xyxy for row in rows], np.float32) * size,
            labels=[row.label for row in rows],
            class_ids=[class_number(row.class_id) for row in rows],
            scores=[np.nan if row.score is None else row.score for row in rows],
            source=self.type_id,
        )
        return prompts.replace(notes=notes).sanitize(image.hw)
