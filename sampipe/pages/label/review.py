"""Which masks a person should look at first, and how far the folder is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sampipe.pages.label.image_files import ImageFile
from sampipe.pages.label.instances import Instances, Summary
from sampipe.pages.label.merge import Put
from sampipe.pages.label.project import Project
from sampipe.pages.label.record import ImageRecord, MaskRecord


@dataclass(frozen=True)
class Waiting:
    """A proposal that waits for a person."""

    file: ImageFile
    mask_id: int
    doubt: float


def queue(instances: Instances) -> list[Waiting]:
    """The proposals of all images, the most doubtful first (:attr:`MaskRecord.doubt`)."""
    waiting = [
        Waiting(file, int(row["id"]), round(_doubt(row), 3))
        for file, document in instances.documents()
        for row in (document or {}).get("proposals", ())
    ]
    return sorted(waiting, key=lambda one: -one.doubt)


def _doubt(row: Mapping[str, Any]) -> float:
    return MaskRecord.from_json(row, accepted=False).doubt


def accept_below(project: Project, instances: Instances, doubt: float) -> int:
    """Agree to every proposal of at most this doubt; returns how many."""
    chosen: dict[ImageFile, set[int]] = {}
    for one in queue(instances):
        if one.doubt <= doubt:
            chosen.setdefault(one.file, set()).add(one.mask_id)
    count = 0
    for file, ids in chosen.items():
        record = project.read(file)
        masks = [mask for mask in record.proposed if mask.id in ids]
        if record.hw is not None and masks:
            project.change(file, record.hw, *(Put(mask.replace(accepted=True), mask.revision) for mask in masks))
            count += len(masks)
    return count


def is_untouched(record: ImageRecord, source: str) -> bool:
    """Whether nobody has worked on the image and the source has not been asked about it."""
    return not record.accepted and not record.complete and source not in record.proposed_by


def state_of(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """How far one image is, for the list of images."""
    found = document or {}
    return {
        "accepted": len(found.get("annotations", ())),
        "proposed": len(found.get("proposals", ())),
        "complete": bool(found.get("sampipe", {}).get("complete")),
    }


def summary_json(summary: Summary) -> dict[str, Any]:
    """The counts, with the mean time that people took for a mask; None where nobody's time is known."""
    mean = summary.seconds / summary.timed if summary.timed else None
    return {**asdict(summary), "seconds_per_mask": mean}
