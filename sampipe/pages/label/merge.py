"""Changes to one image's record, merged so that windows which do not know of each other lose nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sampipe.pages.label.record import ImageRecord, MaskRecord, new_id


@dataclass(frozen=True)
class Put:
    """A mask as a window wants it; ``base`` is the revision of the mask that it started from, None for a new one."""

    mask: MaskRecord
    base: int | None = None


@dataclass(frozen=True)
class Remove:
    """A mask to delete, if it still is the one of revision ``base``."""

    mask_id: int
    base: int


@dataclass(frozen=True)
class Complete:
    """Whether a person says that nothing is missing on the image."""

    complete: bool


@dataclass(frozen=True)
class Propose:
    """Masks of a detector, a text or a node, which wait for a person; with ``source`` noted as having been asked."""

    masks: tuple[MaskRecord, ...]
    source: str


Change = Put | Remove | Complete | Propose

KEPT_BOTH = "Another window changed the same mask. Both versions are kept: delete the one you do not want."
PUT_BACK = "Another window deleted this mask while you worked on it. Yours is kept."
NOT_DELETED = "Another window changed this mask in the meantime, so it was not deleted. Look at it and delete it again."


def merged(record: ImageRecord, changes: Sequence[Change]) -> tuple[ImageRecord, list[str]]:
    """The record after the changes, one revision later, and what to tell whoever made them.

    A change that says what is so already changes nothing, so a request may be sent twice.
    """
    after, notices = record, []
    revision = record.revision + 1
    for change in changes:
        if isinstance(change, Put):
            after, notice = _put(after, change, revision)
        elif isinstance(change, Remove):
            after, notice = _removed(after, change)
        elif isinstance(change, Complete):
            after, notice = after.replace(complete=change.complete), None
        else:
            after, notice = _proposed(after, change, revision), None
        if notice:
            notices.append(notice)
    return (record if after == record else after.replace(revision=revision)), notices


def _put(record: ImageRecord, put: Put, revision: int) -> tuple[ImageRecord, str | None]:
    mask = put.mask.replace(revision=revision)
    there = record.find(mask.id)
    if there is None:
        return record.replace(masks=(*record.masks, mask)), None if put.base is None else PUT_BACK
    if there.says_the_same_as(mask):
        return record, None
    if there.revision != put.base:
        if any(one.says_the_same_as(mask) for one in record.masks):
            return record, None
        return record.replace(masks=(*record.masks, mask.replace(id=new_id()))), KEPT_BOTH
    return record.replace(masks=tuple(mask if one.id == mask.id else one for one in record.masks)), None


def _removed(record: ImageRecord, remove: Remove) -> tuple[ImageRecord, str | None]:
    there = record.find(remove.mask_id)
    if there is None:
        return record, None
    if there.revision != remove.base:
        return record, NOT_DELETED
    return record.replace(masks=tuple(one for one in record.masks if one.id != remove.mask_id)), None


def _proposed(record: ImageRecord, propose: Propose, revision: int) -> ImageRecord:
    known = {mask.id for mask in record.masks}
    new = tuple(mask.replace(revision=revision, accepted=False) for mask in propose.masks if mask.id not in known)
    sources = record.proposed_by if propose.source in record.proposed_by else (*record.proposed_by, propose.source)
    return record.replace(masks=(*record.masks, *new), proposed_by=sources)
