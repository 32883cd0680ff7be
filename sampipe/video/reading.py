"""Frames from a file, a camera, a stream or a sample, all by the same three lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.samples import PREFIX
from sampipe.video.newest import Newest
from sampipe.video.samples import FPS, FRAMES, moving_camera
from sampipe.video.upright import upright

_CAMERA = "camera:"
_LIVE = ("rtsp://", "rtsps://", "rtp://", "udp://", "srt://")
_PATIENCE = 20.0  # seconds for a stream to open, and between two of its packets
_FALLBACK_FPS = 25.0
_SAY_THEIR_LENGTH = ("mov", "matroska", "avi")  # formats whose header says how long the video is; others are estimated
_MISSING_FRAMES, _MISSING_SECONDS = 3, 0.25  # at the end of a file, before it counts as cut short


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One frame of a video.

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
        """Why reading ended before the end of the video, if it did."""
        self._container: Any = None
        self.fps: float
        self.count: int | None
        """Frames in all, where the source says or lets it be estimated: for a progress bar."""
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
        self.count = None if self.live else self._stream.frames or self._estimated_count()

    def _estimated_count(self) -> int | None:
        duration = self._container.duration
        return None if duration is None else round(duration / 1e6 * self.fps)

    def _declared_seconds(self) -> float | None:
        """How long the video is by the file's header; None where it does not say, or speaks of sound as well."""
        if self.live or not any(name in self._container.format.name for name in _SAY_THEIR_LENGTH):
            return None
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        if len(self._container.streams) > 1 or self._container.duration is None:
            return None
        return float(self._container.duration / 1e6)

    @property
    def name(self) -> str:
        """A stem for files about it."""
        if self.source.startswith(PREFIX):
            return self.source.removeprefix(PREFIX)
        if self.source.startswith(_CAMERA):
            return self.source.replace(":", "")
        path = unquote(urlsplit(self.source).path) if "://" in self.source else self.source
        return Path(path).stem or "video"

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
        index, began, end = 0, None, 0.0
        for frame in self._frames():
            seconds = frame.time if frame.time is not None else index / self.fps
            began = seconds if began is None else began
            end = max(end, seconds - began + float((frame.duration or 0) * frame.time_base or 1 / self.fps))
            yield VideoFrame(Image.from_array(upright(frame)), index, seconds - began)
            index += 1
        if not index:
            raise DataError(f"{self.source}: no frame of it can be decoded.")
        declared = self._declared_seconds()
        missing = 0.0 if declared is None else declared - end
        if self.breaks_off is None and missing > max(_MISSING_FRAMES / self.fps, _MISSING_SECONDS):
            self.breaks_off = f"its header says {declared:.2f} s, its frames end at {end:.2f} s"

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


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
