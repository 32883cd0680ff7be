"""How far something moved from one frame of a video to the next, measured on the pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image as PilImage

from sampipe.types import Image

_SIDE = 432  # pixels of the longest side that are looked at: a match costs milliseconds, a shift of a cell is seen
_MARGIN = 24  # pixels of the small frame around the expected place
_LEAST = 4  # a smaller patch looks like everything
_ALIKE = 0.5  # normalised cross-correlation; below it, what moved is not in sight


class SmallFrame:
    """A frame, grey and small, to compare with the next one.

    Args:
        image: the frame.
    """

    def __init__(self, image: Image) -> None:
        self.scale = min(1.0, _SIDE / max(image.hw))
        width, height = (max(1, round(side * self.scale)) for side in image.wh)
        grey = PilImage.fromarray(np.asarray(image.pixels)).convert("L").resize((width, height))
        self.grey = np.asarray(grey, np.float32)

    def motion_to(self, later: SmallFrame, box: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Pixels of the full frame, (2,) x and y, by which what is in ``box`` moved.

        The place of best normalised cross-correlation (Lewis 1995) around the expected one.

        Args:
            later: the next frame, of the same size.
            box: xyxy in pixels of the full frame.
            expected: the motion that it had; the answer where the pixels tell nothing.
        """
        from skimage.feature import match_template

        height, width = self.grey.shape
        x0, y0 = np.maximum((box[:2] * self.scale).round().astype(int), 0)
        x1, y1 = np.minimum((box[2:] * self.scale).round().astype(int), (width, height))
        patch = self.grey[y0:y1, x0:x1]
        if min(patch.shape) < _LEAST or patch.std() == 0:
            return expected
        x, y = (expected * self.scale).round().astype(int)
        left, top = max(x0 + x - _MARGIN, 0), max(y0 + y - _MARGIN, 0)
        around = later.grey[top : max(y1 + y + _MARGIN, 0), left : max(x1 + x + _MARGIN, 0)]
        if any(has < wanted for has, wanted in zip(around.shape, patch.shape, strict=True)):
            return expected
        likeness = match_template(around, patch)
        down, right = np.unravel_index(int(likeness.argmax()), likeness.shape)
        if likeness[down, right] < _ALIKE:
            return expected
        return np.array([left + right - x0, top + down - y0]) / self.scale
