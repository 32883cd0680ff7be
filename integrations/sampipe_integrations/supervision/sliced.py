"""A detector over tiles of a large image, by supervision's InferenceSlicer."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe_integrations._detections import Count, Fraction

if TYPE_CHECKING:
    import supervision as sv

OverlapFilter = Literal["nms", "merge", "none"]
OverlapMetric = Literal["ios", "iou"]
WidthAndHeight = Annotated[
    Sequence[int], Field(min_length=2, max_length=2, description="two whole numbers, width and height")
]
_FILTERS = {"nms": "NON_MAX_SUPPRESSION", "merge": "NON_MAX_MERGE", "none": "NONE"}


class SlicedDetector(sp.Node):
    """Boxes from another detector, run on overlapping tiles: small things in large images.

    Boxes come back in pixels of the whole image; what two tiles both saw is one box. Points and texts that
    the inner detector may give are left out.

    Args:
        detector: the inner detector's short name, as in ``--detector``: ``face``, ``ultralytics:yolo11n.pt``.
        detector_params: its parameters.
        tile: width and height of a tile, in pixels.
        overlap: width and height that neighbours share, in pixels.
        overlap_filter: of boxes of one class that overlap: "nms" keeps the best, "merge" joins them, "none"
            keeps all. Without scores the largest is the best.
        overlap_metric: how overlap is counted: "ios", the intersection over the smaller box, sees that the part
            which a tile's border cut off belongs to the whole that its neighbour saw; "iou" does not.
        overlap_threshold: overlap above which two boxes are one.
        threads: tiles at a time.

    Raises:
        DataError: sizes that make no tiles, or a choice that is not listed.
        SpecError: no such detector.
    """

    detector: str
    detector_params: Mapping[str, Any] | None = None
    tile: WidthAndHeight = (640, 640)
    overlap: WidthAndHeight = (128, 128)
    overlap_filter: OverlapFilter = "nms"
    overlap_metric: OverlapMetric = "ios"
    overlap_threshold: Fraction = 0.5
    threads: Count = 1

    def __post_init__(self) -> None:
        if not all(0 <= shared < side for side, shared in zip(self.tile, self.overlap, strict=True)):
            raise sp.DataError(
                f"overlap: got {tuple(self.overlap)} for tiles of {tuple(self.tile)}; wanted at least 0 and less "
                "than the tile"
            )

    def requirements(self) -> Sequence[sp.Requirement]:
        """What the inner detector needs."""
        return self._inner().requirements()

    def _inner(self) -> sp.Node:
        return detector(self.detector, **(self.detector_params or {}))

    @sp.resource
    def inner(self) -> sp.Node:
        """The detector that sees the tiles."""
        return self._inner()

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``, tile by tile."""
        import supervision as sv

        inner: Any = self.inner
        slicer = sv.InferenceSlicer(
            callback=lambda tile: _detections(inner.run(image=sp.Image.from_array(tile)), tile.size),
            slice_wh=(self.tile[0], self.tile[1]),
            overlap_wh=(self.overlap[0], self.overlap[1]),
            overlap_filter=sv.OverlapFilter[_FILTERS[self.overlap_filter]],
            overlap_metric=sv.OverlapMetric[self.overlap_metric.upper()],
            iou_threshold=self.overlap_threshold,
            thread_workers=self.threads,
        )
        found = slicer(image.pixels.copy())
        if not len(found):
            return sp.Prompts.empty()
        return sp.Prompts.from_boxes(
            found.xyxy,
            labels=[str(label) for label in found.data["class_name"]],
            class_ids=found.data["known_id"],
            scores=found.data["known_score"],
            source=f"{self.type_id} > {inner.type_id}",
        ).sanitize(image.hw)


def _detections(prompts: sp.Prompts, area: int) -> sv.Detections:
    """A tile's boxes; suppression, which goes by class id, is within what has one id and one name.

    Args:
        prompts: what was found on the tile.
        area: of the tile; a box without a score is as good as its share of it.
    """
    import supervision as sv

    rows = prompts.select(prompts.has_boxes)
    count = len(rows)
    labels = rows.labels or ("",) * count
    ids = np.full(count, -1) if rows.class_ids is None else rows.class_ids
    scores = np.full(count, np.nan, np.float32) if rows.scores is None else rows.scores
    kinds = [zlib.crc32(repr((int(one), label)).encode()) for one, label in zip(ids, labels, strict=True)]
    boxes = np.zeros((0, 4), np.float32) if rows.boxes is None else rows.boxes.copy()
    share = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / max(area, 1)
    return sv.Detections(
        xyxy=boxes,
        confidence=np.where(np.isnan(scores), share, scores),
        class_id=np.array(kinds, dtype=np.int64),
        data={
            "class_name": np.array(labels, dtype=np.str_),
            "known_id": np.array(ids, dtype=np.int64),
            "known_score": np.array(scores, dtype=np.float32),
        },
    )
