from __future__ import annotations

import numpy as np
import pytest
from drawings import drawing, mask, masks_of

from sampipe import DataError, Masks, Prompts
from sampipe.nodes import MergeMasks, ResolveOverlaps

LEFT, RIGHT = mask("###..", "###.."), mask("..###", "..#..")


def rows(masks: Masks) -> list[list[str]]:
    return [drawing(rle) for rle in masks.rle()]


@pytest.mark.parametrize(
    ("by", "winner"),
    [("iou", 1), ("score", 0), ("area", 1)],
)
def test_a_shared_pixel_goes_to_one(by: str, winner: int) -> None:
    masks = masks_of([LEFT, RIGHT], ious=[0.5, 0.9], scores=[0.9, 0.5])
    expected = [["###..", "###.."], ["...##", "....."]] if winner == 0 else [["##...", "##..."], ["..###", "..#.."]]
    resolved = ResolveOverlaps(by=by)(masks)
    assert rows(resolved) == expected
    assert resolved.binary().sum(axis=0).max() == 1


def test_by_default_the_smaller_lies_on_top() -> None:
    """By predicted IoU a bowl swallowed the bananas in it."""
    bowl, banana = mask("####", "####"), mask(".##.", "....")
    masks = masks_of([bowl, banana], ious=[0.95, 0.6], scores=[0.9, 0.5])
    assert rows(ResolveOverlaps()(masks)) == [["#..#", "####"], [".##.", "...."]]


def test_the_earlier_object_wins_a_draw() -> None:
    assert rows(ResolveOverlaps(by="iou")(masks_of([LEFT, RIGHT], ious=[0.5, 0.5])))[0] == ["###..", "###.."]


def test_without_scores_the_predicted_iou_decides() -> None:
    masks = masks_of([LEFT, RIGHT], ious=[0.5, 0.9])
    assert rows(ResolveOverlaps(by="score")(masks))[1] == ["..###", "..#.."]


def test_an_object_that_loses_everything_keeps_its_place() -> None:
    masks = masks_of([mask("#..."), mask("####"), mask("..##")], ious=[0.1, 0.9, 0.2])
    assert ResolveOverlaps(by="iou")(masks).area().tolist() == [0, 4, 0]


def test_nothing_to_resolve() -> None:
    assert len(ResolveOverlaps()(Masks.empty((2, 2)))) == 0
    assert ResolveOverlaps()(masks_of([mask("..")])).area().tolist() == [0]
    with pytest.raises(DataError, match="'area', 'iou', 'score'"):
        ResolveOverlaps(by="size")


def test_merge_by_label() -> None:
    masks = masks_of(
        [mask("##.."), mask("...#"), mask(".##.")],
        ious=[0.9, 0.6, 0.3],
        labels=["cup", "pot", "cup"],
        class_ids=[4, 7, 4],
        scores=[0.2, 0.4, 0.6],
    )
    merged = MergeMasks()(masks)
    assert rows(merged) == [["###."], ["...#"]]
    assert merged.prompts.labels == ("cup", "pot")
    assert merged.prompts.class_ids.tolist() == [4, 7]
    np.testing.assert_allclose(merged.iou_scores, [[0.6], [0.6]])  # 2 pixels of 0.9 and 2 of 0.3
    np.testing.assert_allclose(merged.prompts.scores, [0.4, 0.4])


def test_merge_everything_keeps_all_clicks_and_the_box_around_all_boxes() -> None:
    prompts = Prompts(
        points=np.array([[[0, 0], [1, 0]], [[3, 0], [0, 0]]], np.float32),
        point_labels=np.array([[1, 0], [1, -1]], np.int8),
        boxes=np.array([[0, 0, 2, 1], [np.nan] * 4], np.float32),
    )
    merged = MergeMasks(by="all")(masks_of([mask("##.."), mask("...#")], prompts=prompts))
    assert rows(merged) == [["##.#"]]
    assert merged.prompts.points.tolist() == [[[0, 0], [1, 0], [3, 0], [0, 0]]]
    assert merged.prompts.point_labels.tolist() == [[1, 0, 1, -1]]
    assert merged.prompts.boxes.tolist() == [[0, 0, 2, 1]]


def test_merge_by_class_id_where_there_are_no_labels() -> None:
    merged = MergeMasks()(masks_of([mask("#..."), mask(".#.."), mask("..#.")], class_ids=[2, -1, 2]))
    assert rows(merged) == [["#.#."], [".#.."]]


def test_objects_without_a_name_stay_apart() -> None:
    assert len(MergeMasks()(masks_of([mask("#."), mask(".#")]))) == 2
    assert len(MergeMasks()(masks_of([mask("#."), mask(".#")], labels=["", ""]))) == 2
    assert len(MergeMasks(by="all")(Masks.empty((2, 2)))) == 0


def test_merge_of_empty_masks() -> None:
    merged = MergeMasks(by="all")(masks_of([mask(".."), mask("..")], ious=[0.2, 0.4]))
    assert merged.area().tolist() == [0]
    np.testing.assert_allclose(merged.iou_scores, [[0.3]], rtol=1e-6)
