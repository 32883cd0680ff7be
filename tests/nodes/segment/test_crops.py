from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sampipe.nodes.segment._crops import layered_crops, touches_inner_edge


def test_no_layers_are_the_image() -> None:
    assert layered_crops((30, 40), 0, 0.3) == [(0, (0, 0, 40, 30))]


def test_two_by_two_overlapping_crops() -> None:
    # The short side is 30: neighbours share 0.4 * 30 = 12 pixels, so each is (40 + 12) / 2 by (30 + 12) / 2.
    assert [crop.box for crop in layered_crops((30, 40), 1, 0.4)[1:]] == [
        (0, 0, 26, 21), (14, 0, 40, 21), (0, 9, 26, 30), (14, 9, 40, 30),
    ]  # fmt: skip


def test_the_paper_s_layers() -> None:
    crops = layered_crops((1500, 2250), 2, 512 / 1500)
    assert [crop.layer for crop in crops] == [0] + [1] * 4 + [2] * 16
    first, second = crops[1], crops[2]
    assert first.box[2] - second.box[0] == 512
    assert crops[5].box[2] - crops[6].box[0] == 256


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 4), st.floats(0, 0.9))
def test_crops_cover_the_image_and_stay_in_it(height: int, width: int, layers: int, overlap: float) -> None:
    crops = layered_crops((height, width), layers, overlap)
    assert len(set(crops)) == len(crops)
    for layer in range(layers + 1):
        covered = np.zeros((height, width), bool)
        for _, (x0, y0, x1, y1) in (crop for crop in crops if crop.layer == layer):
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            covered[y0:y1, x0:x1] = True
        assert covered.all()


def test_boxes_cut_by_an_inner_edge() -> None:
    boxes = np.array([
        [0, 0, 50, 50],  # at the image's own corner
        [60, 60, 100, 90],  # at the crop's right edge
        [60, 60, 95, 90],  # close to it
        [30, 30, 60, 60],  # in the middle
    ])  # fmt: skip
    assert touches_inner_edge(boxes, (0, 0, 100, 100), (100, 200), margin=5).tolist() == [False, True, True, False]
    assert touches_inner_edge(boxes, (0, 0, 100, 100), (100, 100), margin=5).tolist() == [False] * 4
    assert touches_inner_edge(np.zeros((0, 4)), (0, 0, 9, 9), (9, 9), margin=5).tolist() == []
