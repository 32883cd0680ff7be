from __future__ import annotations

import numpy as np
import pytest
from drawings import grey_image

from sampipe import DataError
from sampipe.nodes import Boxes, PointGrid, Points


def test_each_foreground_point_is_an_object() -> None:
    prompts = Points(points=[[1, 2], [3, 4]])()
    assert prompts.points.tolist() == [[[1, 2]], [[3, 4]]]
    assert prompts.point_labels.tolist() == [[1], [1]]
    assert prompts.source == ("sampipe.Points@1",) * 2


def test_background_points_count_against_every_object() -> None:
    prompts = Points(points=[[1, 2], [9, 9], [3, 4]], labels=[1, 0, 1])()
    assert prompts.points.tolist() == [[[1, 2], [9, 9]], [[3, 4], [9, 9]]]
    assert prompts.point_labels.tolist() == [[1, 0], [1, 0]]


def test_all_points_of_one_object() -> None:
    prompts = Points(points=[[1, 2], [3, 4]], labels=[0, 1], one_object=True, names=["cup"])()
    assert prompts.points.tolist() == [[[1, 2], [3, 4]]]
    assert prompts.point_labels.tolist() == [[0, 1]]
    assert prompts.labels == ("cup",)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"points": [[1, 2, 3]]}, "rows of 2 finite numbers"),
        ({"points": [1, 2]}, "rows of 2 finite numbers"),
        ({"points": [[1, float("nan")]]}, "finite"),
        ({"points": [["a", "b"]]}, "finite"),
        ({"points": [[1, 2]], "labels": [1, 1]}, "for each point"),
        ({"points": [[1, 2]], "labels": [2]}, "0 \\(background\\)"),
        ({"points": [[1, 2]], "labels": [0]}, "only background points"),
        ({"points": [[1, 2]], "names": "cup"}, "a list of strings"),
        ({"points": [[1, 2]], "names": ["cup", "spoon"]}, "2 names for 1 objects"),
    ],
)
def test_points_that_do_not_fit(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Points(**parameters)


def test_no_points_are_no_objects() -> None:
    assert len(Points(points=[])()) == 0
    assert len(Boxes(boxes=[])()) == 0


def test_boxes_keep_their_labels() -> None:
    prompts = Boxes(boxes=[[1, 2, 3, 4], [5, 6, 7, 8]], labels=["cup", "spoon"])()
    assert prompts.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert prompts.labels == ("cup", "spoon")


def test_boxes_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="rows of 4 finite numbers"):
        Boxes(boxes=[[1, 2, 3]])
    with pytest.raises(DataError, match="1 names for 2 objects"):
        Boxes(boxes=[[1, 2, 3, 4]] * 2, labels=["cup"])


def test_the_grid_lies_in_the_middle_of_equal_cells() -> None:
    prompts = PointGrid(per_side=2)(grey_image((40, 80)))
    assert prompts.points[:, 0].tolist() == [[20, 10], [60, 10], [20, 30], [60, 30]]


def test_the_grid_of_a_single_pixel() -> None:
    np.testing.assert_allclose(PointGrid(per_side=1)(grey_image((1, 1))).points, [[[0.5, 0.5]]])


@pytest.mark.parametrize("per_side", [0, 2.0, True, 2000, None])
def test_a_grid_that_does_not_fit(per_side: object) -> None:
    with pytest.raises(DataError, match="a whole number from 1 to 1024"):
        PointGrid(per_side=per_side)
