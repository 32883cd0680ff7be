"""Images into a video file."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe._optional import require
from sampipe.types import Image
from sampipe.types._arrays import UInt8Array

if TYPE_CHECKING:
    from typing_extensions import Self

_CODECS = ("libx264", "libopenh264", "h264_videotoolbox", "mpeg4")  # the first that this FFmpeg has
_CLOCK = 90_000  # ticks a second
_QUALITY = {"crf": "20", "preset": "veryfast"}


class VideoWriter:
    """An MP4 file (H.264) that browsers play; use it as a context manager.

    Sides that are odd get one more line: the format has colors for two by two pixels only. An image of another size
    than the first is scaled to fit into it, with black around it: a file has one size.

    Args:
        path: the file; nothing of it can be played before the block ends.
        fps: for players; each image may have a time of its own.

    Raises:
        MissingDependencyError: ``pip install "sampipe[video]"``.
    """

    def __init__(self, path: str | os.PathLike[str], *, fps: float = 25.0) -> None:
        self._av = require("av", "video")
        self._fps = Fraction(fps).limit_denominator(1001)
        self._container = self._av.open(os.fspath(path), "w", format="mp4", options={"movflags": "faststart"})
        self._stream: Any = None
        self._hw = (0, 0)
        self._ticks = -1

    def add(self, image: Image, seconds: float | None = None) -> None:
        """Add an image at its time in seconds; without one, right after the image before."""
        if self._stream is None:
            self._begin(image.hw)
        pixels = image.pixels if image.hw == self._hw else _fitted(image, self._hw)
        step = round(_CLOCK / self._fps)
        wanted = self._ticks + step if seconds is None else round(seconds * _CLOCK)
        self._ticks = max(wanted, self._ticks + 1, 0)
        pixels = np.pad(pixels, [(0, self._hw[0] % 2), (0, self._hw[1] % 2), (0, 0)], mode="edge")
        frame = self._av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = self._ticks, Fraction(1, _CLOCK)
        self._container.mux(self._stream.encode(frame))

    def _begin(self, hw: tuple[int, int]) -> None:
        self._hw = hw
        codec = next(name for name in _CODECS if name in self._av.codecs_available)
        self._stream = self._container.add_stream(codec, rate=self._fps)
        self._stream.height, self._stream.width = (side + side % 2 for side in hw)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _CLOCK)
        if codec == "libx264":
            self._stream.options = _QUALITY

    def close(self) -> None:
        """Write what is still in the encoder, and the end of the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _fitted(image: Image, hw: tuple[int, int]) -> UInt8Array:
    """The image's pixels inside a black frame of ``hw``, as large as fits, in the middle."""
    scale = min(hw[0] / image.height, hw[1] / image.width)
    height, width = (max(1, min(limit, round(side * scale))) for side, limit in zip(image.hw, hw, strict=True))
    top, left = (hw[0] - height) // 2, (hw[1] - width) // 2
    framed = np.zeros((*hw, 3), np.uint8)
    framed[top : top + height, left : left + width] = np.asarray(image.to_pil().resize((width, height)))
    return framed
