"""The same number for the same object in every frame, by where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from sampipe._optional import require
from sampipe.graph import Node, Requirement, resource
from sampipe.nodes._limits import Fraction, Number
from sampipe.types import Masks


class Track(Node):
    """Track ids for masks that were found in each frame for itself, by ByteTrack (Zhang et al. 2022).

    The tracker is that of Roboflow's ``trackers``; it sees the masks' boxes, and the detector's scores where they are
    known. An object gets its id in its second frame, and -1 before: a single detection may be a mistake. The memory
    lasts for one job (one ``map``). To find objects in some frames only, see :class:`Follow`.

    Args:
        patience: frames for which an object may be out of sight and keep its id.
        min_iou: overlap of an object's box with where it is expected.
        activation_threshold: score from which a detection begins a new object; weaker ones only continue objects that
            are there.

    Raises:
        DataError: a parameter that does not fit.
        MissingDependencyError: when it runs: ``pip install "sampipe[video]"``.
    """

    pure: ClassVar[bool] = False
    stateful: ClassVar[bool] = True

    patience: Number = 30
    min_iou: Fraction = 0.1
    activation_threshold: Fraction = 0.5

    def requirements(self) -> Sequence[Requirement]:
        """The package with the tracker."""
        return (Requirement.package("trackers", extra="video"),)

    @resource
    def tracker(self) -> Any:
        """Of this job."""
        return require("trackers", "video").ByteTrackTracker(
            lost_track_buffer=self.patience,
            track_activation_threshold=self.activation_threshold,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=self.min_iou,
            high_conf_det_threshold=self.activation_threshold,
        )

    def flush(self) -> None:
        """The job is over; the next one begins with number 1."""
        if "tracker" in self.__dict__.get("_resources", {}):
            self.tracker.reset()

    def run(self, masks: Masks) -> Masks:
        import supervision as sv

        seen = np.flatnonzero(masks.area())
        scores = masks.prompts.scores
        known = scores is not None and bool(np.isfinite(scores[seen]).all())
        boxes = sv.Detections(
            xyxy=masks.boxes()[seen],
            confidence=scores[seen] if known and scores is not None else None,
            data={"row": seen},
        )
        tracked = self.tracker.update(boxes)
        numbers = np.full(len(masks), -1)
        if len(tracked):
            ids = np.asarray(tracked.tracker_id)
            numbers[tracked.data["row"]] = np.where(ids < 0, -1, ids + 1)
        return masks.with_prompts(masks.prompts.replace(track_ids=numbers)).add_step("Track()")
