from __future__ import annotations

import numpy as np
import pytest
import typer

from sampipe.cli._prompts import prompts_from


def test_each_box_is_an_object() -> None:
    prompts = prompts_from(["1,2,30,40", "5, 6, 7.5, 8"], [])
    assert prompts.boxes is not None
    assert prompts.boxes.tolist() == [[1, 2, 30, 40], [5, 6, 7.5, 8]]
    assert prompts.points is None


def test_all_points_are_one_object() -> None:
    prompts = prompts_from([], ["10,20", "30,40,1", "50,60,0"])
    assert prompts.points is not None
    assert prompts.point_labels is not None
    np.testing.assert_array_equal(prompts.points, [[[10, 20], [30, 40], [50, 60]]])
    assert prompts.point_labels.tolist() == [[1, 1, 0]]
    assert prompts.boxes is None


def test_points_and_one_box_are_one_object() -> None:
    prompts = prompts_from(["1,2,30,40"], ["10,20", "5,5,0"])
    assert len(prompts) == 1
    assert prompts.has_boxes.all()
    assert prompts.has_points.all()


@pytest.mark.parametrize("boxes", [["1,2,3"], ["1,2,3,4,5"], ["a,b,c,d"], ["nan,0,5,5"], ["0,0,inf,5"], [""]])
def test_words_that_are_no_box_are_refused(boxes: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=r"wanted x1,y1,x2,y2"):
        prompts_from(boxes, [])


@pytest.mark.parametrize("points", [["1"], ["1,2,2"], ["1,2,-1"], ["x,y"], ["1;2"], ["inf,2"]])
def test_words_that_are_no_point_are_refused(points: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=r"wanted x,y or x,y,1"):
        prompts_from([], points)


def test_points_beside_several_boxes_are_refused() -> None:
    with pytest.raises(typer.BadParameter, match="which box do the points belong to"):
        prompts_from(["1,2,30,40", "1,2,5,6"], ["10,20"])


def test_background_alone_is_no_object() -> None:
    with pytest.raises(typer.BadParameter, match="add one on the object"):
        prompts_from([], ["10,20,0"])


def test_objects_of_several_kinds() -> None:
    prompts = prompts_from(["1,2,30,40"], [], ["box=5,5,9,9 +6,6 -7,7 label=coffee cup", "+1,1 +2,2"])
    assert prompts.boxes is not None and prompts.point_labels is not None
    assert prompts.labels == ("", "coffee cup", "")
    assert prompts.has_boxes.tolist() == [True, True, False]
    assert prompts.point_labels.tolist() == [[-1, -1], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("box=1,2,3", "wanted x1,y1,x2,y2"),
        ("6,6", "got '6,6' in .*wanted box=x1,y1,x2,y2, .x,y"),
        ("-6,6", "neither a box nor a point on the object"),
        ("label=cup", "neither a box nor a point on the object"),
    ],
)
def test_words_that_are_no_object_are_refused(text: str, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        prompts_from([], [], [text])
