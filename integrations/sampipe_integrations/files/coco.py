"""COCO's JSON: boxes and key points of instances.json, person_keypoints.json or of a detector's results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import sampipe as sp
from sampipe.data.annotated import class_number
from sampipe.data.coco_results import CocoRow, read_rows
from sampipe.data.report import ReadReport
from sampipe_integrations._detections import Fraction
from sampipe_integrations._keypoints import keypoint_prompts
from sampipe_integrations.files.lookup import PromptRows, existing


class CocoBoxes(sp.Node):
    """The boxes (and key points) that a COCO file has for the image, as prompts.

    The image is found by its file name. ``iscrowd`` boxes, which stand for many things, are left out,
    and noted.

    Args:
        path: a COCO file with ``images`` and ``annotations``; boxes are x, y, width, height.
        results: a results file (a list of detections with ``image_id`` and ``score``) to take in place of the
            annotations.
        confidence: keep detections with at least this score.
        keypoints: send the visible key points along as points.
        boxes: send the boxes; without them the key points speak alone.

    Raises:
        DataError: no such file, not COCO's format, or an image that does not come from a file.
    """

    path: str
    results: str | None = None
    confidence: Fraction = 0.0
    keypoints: bool = False
    boxes: bool = True

    def __post_init__(self) -> None:
        if not (self.boxes or self.keypoints):
            raise sp.DataError("CocoBoxes: neither boxes nor keypoints: wanted at least one of them")

    def requirements(self) -> Sequence[sp.Requirement]:
        """The files."""
        return tuple(map(sp.Requirement.file, self.input_files()))

    def input_files(self) -> Sequence[str]:
        """The file, and that of the results."""
        return [path for path in (self.path, self.results) if path]

    @sp.resource
    def rows(self) -> PromptRows[CocoRow]:
        """The annotations by the image's file name; every row of the file is checked."""
        report, results = ReadReport(), existing(self.results, "results") if self.results else None
        found = read_rows(existing(self.path, "a COCO file"), results, report)
        kept = {name: [row for row in rows if not row.crowd] for name, rows in found.items()}
        crowds = {name: ["a crowd"] * (len(rows) - len(kept[name])) for name, rows in found.items()}
        return PromptRows(kept, self.results or self.path, skipped=crowds, report=report)

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """The rows that meet no image."""
        return self.rows.left_out(sources)

    def run(self, image: sp.Image) -> sp.Prompts:
        """The image's boxes."""
        found, notes = self.rows.find(image.source)
        rows = [row for row in found if (1.0 if row.score is None else row.score) >= self.confidence]
        if not rows:
            return sp.Prompts.empty().replace(notes=notes)
        count = max(len(row.keypoints) // 3 for row in rows) if self.keypoints else 0
        points = np.array([_points(row, count) for row in rows], np.float32).reshape(len(rows), count, 3)
        prompts = keypoint_prompts(
            points[..., :2] if count else np.zeros((len(rows), 1, 2)),
            visible=points[..., 2] > 0 if count else np.zeros((len(rows), 1), bool),
            boxes=_boxes(rows) if self.boxes else None,
            labels=[row.label for row in rows],
            class_ids=[class_number(row.category_id) for row in rows],
            scores=[np.nan if row.score is None else row.score for row in rows],
            source=self.type_id,
        )
        if not count:
            prompts = prompts.replace(points=None, point_labels=None)
        return prompts.replace(notes=(*notes, *prompts.notes)).sanitize(image.hw)


def _points(row: CocoRow, count: int) -> list[float]:
    """COCO's x, y, v of each point; v is 0 for a point that was not labelled."""
    values = list(row.keypoints)[: count * 3]
    return values + [0.0] * (count * 3 - len(values))


def _boxes(rows: Sequence[CocoRow]) -> np.ndarray:
    return np.array([row.xyxy for row in rows], np.float32).reshape(-1, 4)
