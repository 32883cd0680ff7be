"""Decoded images, kept up to a limit: decoding is the most of what an example costs."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe.types import Image


class ImageCache:
    """Images by path, least recently used first out. Each worker process has its own.

    Args:
        max_bytes: of pixels held; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._images: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()

    def open(self, path: Path) -> Pillow.Image:
        """The image, upright and RGB.

        Raises:
            DataError: it cannot be read.
        """
        pixels = self._images.get(path)
        if pixels is None:
            pixels = Image.open(path).pixels
            self._keep(path, pixels)
        else:
            self._images.move_to_end(path)
        return Pillow.fromarray(pixels)

    def _keep(self, path: Path, pixels: NDArray[np.uint8]) -> None:
        if pixels.nbytes > self.max_bytes:
            return
        self._images[path] = pixels
        self.nbytes += pixels.nbytes
        while self.nbytes > self.max_bytes:
            _, oldest = self._images.popitem(last=False)
            self.nbytes -= oldest.nbytes
