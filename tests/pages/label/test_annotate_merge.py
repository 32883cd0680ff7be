"""Two windows on one image: both keep what they did, and hear of each other."""

from __future__ import annotations

from annotate_squares import square

from sampipe.pages.label.merge import KEPT_BOTH, NOT_DELETED, PUT_BACK, Complete, Propose, Put, Remove, merged
from sampipe.pages.label.record import ImageRecord


def test_masks_of_two_windows_are_both_there() -> None:
    first, _ = merged(ImageRecord(), [Put(square(1, 1))])
    both, notices = merged(first, [Put(square(20, 20))])
    assert [mask.rle.box.tolist()[0] for mask in both.masks] == [1, 20]
    assert both.revision == 2 and notices == []


def test_a_change_of_what_one_has_seen_replaces_it() -> None:
    mask = square(1, 1)
    first, _ = merged(ImageRecord(), [Put(mask)])
    after, notices = merged(first, [Put(mask.replace(label="cat"), base=1)])
    assert [one.label for one in after.masks] == ["cat"] and after.masks[0].revision == 2 and notices == []


def test_a_change_of_what_another_has_changed_is_kept_beside_it() -> None:
    mask = square(1, 1)
    record, _ = merged(ImageRecord(), [Put(mask)])
    record, _ = merged(record, [Put(mask.replace(label="cat"), base=1)])
    after, notices = merged(record, [Put(mask.replace(label="dog"), base=1)])
    assert sorted(one.label for one in after.masks) == ["cat", "dog"] and notices == [KEPT_BOTH]
    assert len({one.id for one in after.masks}) == 2
    again, notices = merged(after, [Put(mask.replace(label="dog"), base=1)])
    assert again == after and notices == []  # a request that was sent twice


def test_work_on_a_mask_that_another_deleted_is_kept() -> None:
    mask = square(1, 1)
    record, _ = merged(ImageRecord(), [Put(mask)])
    record, _ = merged(record, [Remove(mask.id, base=1)])
    assert record.masks == ()
    after, notices = merged(record, [Put(mask.replace(label="cat"), base=1)])
    assert [one.label for one in after.masks] == ["cat"] and notices == [PUT_BACK]


def test_what_another_has_changed_is_not_deleted_unseen() -> None:
    mask = square(1, 1)
    record, _ = merged(ImageRecord(), [Put(mask)])
    record, _ = merged(record, [Put(mask.replace(label="cat"), base=1)])
    after, notices = merged(record, [Remove(mask.id, base=1)])
    assert len(after.masks) == 1 and notices == [NOT_DELETED]
    gone, notices = merged(after, [Remove(mask.id, base=2), Remove(mask.id, base=2)])
    assert gone.masks == () and notices == []


def test_a_request_that_says_nothing_new_is_no_revision() -> None:
    mask = square(1, 1)
    record, _ = merged(ImageRecord(), [Put(mask), Complete(True)])
    again, notices = merged(record, [Put(mask), Complete(True)])
    assert again is record and notices == []


def test_proposals_wait_and_are_not_made_twice() -> None:
    found = square(1, 1)
    record, _ = merged(ImageRecord(), [Propose((found,), "face")])
    assert record.accepted == () and record.proposed[0].id == found.id and record.proposed_by == ("face",)
    again, _ = merged(record, [Propose((found,), "face")])
    assert again is record
