"""Frames from a file, a camera, a stream or a sample, all by the same three lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.samples import PREFIX
from sampipe.video.newest import Newest
from sampipe.video.samples import FPS, FRAMES, moving_camera

_CAMERA = "camera:"
_LIVE = ("rtsp://", "rtsps://", "rtp://", "udp://", "srt://")
_PATIENCE = 20.0  # seconds for a stream to open, and between two of its packets
_FALLBACK_FPS = 25.0


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One picture of a video.

    Args:
        image: its pixels; turned upright where the file says how.
        index: from 0, by what was read.
        seconds: since the beginning of the video, by its own clock.
    """

    image: Image
    index: int
    seconds: float


class Video:
    """A source of frames, read once, from its beginning on; use it as a context manager.

    ::

        with Video("clip.mp4") as video:
            for frame in video:
                ...

    A camera or a live stream that is read more slowly than it comes drops frames: the next one is always the newest.
    A packet that cannot be decoded is skipped and counted.

    Args:
        source: a file; "camera:0"; an address such as "rtsp://host/stream" or "https://host/clip.mp4"; "sample:coffee",
            a camera that moves over a sample photo.
        format: FFmpeg's name of the input format or device, where it does not follow from the source.
        options: for FFmpeg's input, such as {"rtsp_transport": "tcp"}.
        live: whether frames may be dropped; by default for cameras and the protocols of live streams.

    Raises:
        MissingDependencyError: ``pip install "sampipe[video]"``.
        DataError: there is no such source, or no video in it.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        format: str | None = None,
        options: Mapping[str, str] | None = None,
        live: bool | None = None,
    ) -> None:
        self.source = os.fspath(source)
        self.live = self.source.startswith((_CAMERA, *_LIVE)) if live is None else live
        self.damaged = 0
        """Packets that could not be decoded so far."""
        self.dropped = 0
        """Frames of a live source that came while others were worked on."""
        self.breaks_off: str | None = None
        """Why reading ended before the end, if it did."""
        self._container: Any = None
        self.fps: float
        self.count: int | None
        """Frames in all, where the source knows."""
        if self.source.startswith(PREFIX):
            self._photo = Image.open(self.source)
            self.fps, self.count = FPS, FRAMES
        else:
            self._open(format, dict(options or {}))

    def _open(self, format: str | None, options: dict[str, str]) -> None:
        av = require("av", "video")
        av.logging.set_level(av.logging.FATAL)
        file = self.source
        if file.startswith(_CAMERA):
            file, format = _camera(file.removeprefix(_CAMERA))
        elif "://" not in file and format is None and not Path(file).is_file():
            raise DataError(f"{self.source}: no such file. A video is a file, camera:0, rtsp://... or sample:NAME.")
        timeout = _PATIENCE if "://" in file else None
        try:
            self._container = av.open(file, format=format, options=options, timeout=timeout)
            self._stream = self._container.streams.video[0]
        except IndexError:
            self.close()
            raise DataError(f"{self.source}: there is no video in it, only other streams.") from None
        except (av.FFmpegError, ValueError) as error:
            raise DataError(f"{self.source}: not a video that can be read ({_words(error)}).") from error
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.fps = float(rate) if rate else _FALLBACK_FPS
        self.count = None if self.live else self._stream.frames or self._counted()

    def _counted(self) -> int | None:
        duration = self._container.duration
        return None if duration is None else round(duration / 1e6 * self.fps)

    @property
    def name(self) -> str:
        """A stem for files about it."""
        if self.source.startswith(PREFIX):
            return self.source.removeprefix(PREFIX)
        if self.source.startswith(_CAMERA):
            return self.source.replace(":", "")
        return Path(self.source.partition("?")[0]).stem or "video"

    def __iter__(self) -> Iterator[VideoFrame]:
        if self._container is None:
            yield from self._sampled()
        elif self.live:
            with Newest(self._decoded()) as newest:
                for frame in newest:
                    self.dropped = newest.dropped
                    yield frame
        else:
            yield from self._decoded()

    def _sampled(self) -> Iterator[VideoFrame]:
        for index, image in enumerate(moving_camera(self._photo)):
            yield VideoFrame(image, index, index / self.fps)

    def _decoded(self) -> Iterator[VideoFrame]:
        index, began = 0, None
        for frame in self._frames():
            seconds = frame.time if frame.time is not None else index / self.fps
            began = seconds if began is None else began
            yield VideoFrame(Image.from_array(_upright(frame)), index, seconds - began)
            index += 1
        if not index:
            raise DataError(f"{self.source}: no frame of it can be decoded.")
        if self.count is not None and index < self.count - 2 and self.breaks_off is None:
            self.breaks_off = f"the file speaks of {self.count} frames, {index} are in it"

    def _frames(self) -> Iterator[Any]:
        av = require("av", "video")
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self.breaks_off = _words(error)
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.EOFError:
                return
            except av.FFmpegError:
                self.damaged += 1
                continue
            yield from frames

    def close(self) -> None:
        """Let go of the file or the camera."""
        if self._container is not None:
            self._container.close()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _camera(number: str) -> tuple[str, str]:
    """What FFmpeg calls a camera on this system: a device and its format."""
    if sys.platform == "darwin":
        return number, "avfoundation"
    if sys.platform == "win32":
        return f"video={number}", "dshow"  # there, cameras have names
    return f"/dev/video{number}" if number.isdigit() else number, "v4l2"


def _upright(frame: Any) -> np.ndarray:
    """RGB pixels (h, w, 3), turned by what the frame says (a phone held upright)."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), k=round(frame.rotation / 90) % 4))


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
