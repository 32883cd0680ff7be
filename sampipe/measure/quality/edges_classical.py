"""Edges by classical methods, as rows to compare with; both by scikit-image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sampipe.errors import DataError
from sampipe.types import EdgeMap, Image

SOBEL_SIGMA = 1.0
"""Pixels of smoothing before gradients are taken; the one that comes nearest to the published figure."""
CANNY_SIGMA = 2.0
"""The same for Canny, as in the Berkeley group's own."""
_NOISE = 1e-6  # what rounding leaves of the gradients of an image without any
_LEVELS = 50
_LOW_TO_HIGH = 1 / 3


def sobel(image: Image) -> EdgeMap:
    """Sobel gradients of the smoothed grey image, thinned across the gradient, relative to the strongest."""
    from scipy import ndimage
    from skimage import filters

    smoothed = _smoothed(image, SOBEL_SIGMA)
    down, right = filters.sobel_h(smoothed), filters.sobel_v(smoothed)
    magnitude = np.hypot(down, right)
    y, x = np.nonzero(magnitude)
    own, across = magnitude[y, x], np.stack([down[y, x], right[y, x]]) / magnitude[y, x]
    kept = np.ones(len(own), np.bool_)
    for side in (-1, 1):
        beside = ndimage.map_coordinates(magnitude, np.stack([y, x]) + side * across, order=1, mode="nearest")
        kept &= own >= beside
    thinned = np.zeros(image.hw, np.float32)
    thinned[y[kept], x[kept]] = own[kept]
    return _scaled(thinned)


def canny(image: Image) -> EdgeMap:
    """Canny edges as a soft map: a pixel's strength is the highest of 50 thresholds that leaves it.

    Thresholds are relative to the image's strongest gradient; the lower one of the hysteresis is a third of the
    higher one.
    """
    from scipy import ndimage
    from skimage import color, feature

    smoothed = _smoothed(image, CANNY_SIGMA)
    magnitude = np.hypot(ndimage.sobel(smoothed, 0), ndimage.sobel(smoothed, 1))
    across = feature.canny(color.rgb2gray(image.pixels), CANNY_SIGMA, low_threshold=0, high_threshold=0)
    thinned = np.where(across, magnitude, 0)
    strength = np.zeros(image.hw, np.float32)
    for level in np.arange(1, _LEVELS) / _LEVELS:
        high = level * float(magnitude.max())
        lines, count = ndimage.label(thinned >= max(high * _LOW_TO_HIGH, _NOISE), np.ones((3, 3)))
        kept = np.zeros(count + 1, np.bool_)
        kept[lines[thinned >= max(high, _NOISE)]] = True
        if not kept.any():
            break
        strength[kept[lines]] = level
    return EdgeMap(strength)


def _smoothed(image: Image, sigma: float) -> np.ndarray:
    from skimage import color, filters

    return filters.gaussian(color.rgb2gray(image.pixels), sigma)


def _scaled(strength: np.ndarray) -> EdgeMap:
    strongest = strength.max()
    return EdgeMap(strength / strongest if strongest > _NOISE else np.zeros_like(strength))


Detector = Callable[[Image], EdgeMap]
DETECTORS: dict[str, Detector] = {"sobel": sobel, "canny": canny}


def detectors(names: Sequence[str]) -> dict[str, Detector]:
    """The classical methods of these names, in this order.

    Raises:
        DataError: an unknown name.
    """
    unknown = [name for name in names if name not in DETECTORS]
    if unknown:
        raise DataError(f"competitors: got {', '.join(unknown)}; there are {', '.join(DETECTORS)}")
    return {name: DETECTORS[name] for name in names}
