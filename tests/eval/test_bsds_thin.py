from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import thin as reference

from sampipe.eval.bsds_thin import thin


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_as_scikit_image_thins(share: float) -> None:
    mask = np.random.default_rng(0).random((40, 50)) < share
    assert (thin(mask) == reference(mask)).all()


def test_a_bar_becomes_a_line_and_shapes_hang_together_as_before() -> None:
    mask = np.zeros((30, 40), bool)
    mask[5:12, 3:35] = mask[5:25, 20:26] = True
    thinned = thin(mask)
    assert (thinned <= mask).all()
    assert ndimage.label(thinned, np.ones((3, 3)))[1] == 1
    assert thinned.sum() < 60
    assert (thin(thinned) == thinned).all()


@pytest.mark.parametrize("mask", [np.zeros((4, 5), bool), np.eye(1, dtype=bool)])
def test_nothing_to_thin(mask: np.ndarray) -> None:
    assert (thin(mask) == mask).all()
