"""Clips of a page: their frames as small images to scrub through, and any of them in full when it is asked for."""

from __future__ import annotations

import shutil
import tempfile
import threading
import uuid
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.pages.shared import ImageStore
from sampipe.types import Image

FOLDER = "clips"
MOST_FRAMES = 300
_KEPT = 8  # of all windows together
_SIDE = 960  # pixels of what is scrubbed through


@dataclass(frozen=True)
class Clip:
    """A clip that a page works on.

    Args:
        key: its name, which nobody guesses.
        source: the file, or sample:NAME.
        name: for people, and for files about it.
        wh: of its frames.
        seconds: when each frame comes.
        fps: frames a second.
        breaks_off: why it ended before its end, if it did.
    """

    key: str
    source: str
    name: str
    wh: tuple[int, int]
    seconds: tuple[float, ...]
    fps: float
    breaks_off: str | None = None

    def told(self) -> dict[str, Any]:
        """What the page's script wants to know."""
        return {
            "key": self.key,
            "name": self.name,
            "width": self.wh[0],
            "height": self.wh[1],
            "count": len(self.seconds),
            "fps": self.fps,
            "folder": f"/sampipe/{FOLDER}/{self.key}/",
            "breaks_off": self.breaks_off,
        }


class Clips:
    """The clips of all windows; the oldest go first."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sampipe-clips-"))
        self._lock = threading.Lock()
        self._kept: dict[str, Clip] = {}
        self._frames = ImageStore(max_bytes=256 << 20)
        self._keys: dict[tuple[str, int], str] = {}

    def new(self) -> Path:
        """A folder for the small images of one more clip."""
        folder = self.path / uuid.uuid4().hex
        folder.mkdir()
        return folder

    def keep(self, clip: Clip) -> None:
        """Hold a clip whose small images are there."""
        with self._lock:
            self._kept[clip.key] = clip
            while len(self._kept) > _KEPT:
                oldest = next(iter(self._kept))
                del self._kept[oldest]
                shutil.rmtree(self.path / oldest, ignore_errors=True)

    def get(self, key: object) -> Clip:
        """The clip of a key.

        Raises:
            DataError: there is no key, or it is not held any more.
        """
        if not key:
            raise DataError("Choose a clip first.")
        with self._lock:
            clip = self._kept.get(key) if isinstance(key, str) else None
        if clip is None:
            raise DataError("This clip is no longer held; choose it again.")
        return clip

    def frame(self, clip: Clip, number: int) -> Image:
        """A frame in full; what was asked for lately is not decoded again.

        Raises:
            DataError: there is no such frame.
        """
        from sampipe.video import Video

        if not 0 <= number < len(clip.seconds):
            raise DataError(f"{clip.name} has the frames 0 to {len(clip.seconds) - 1}, and none of number {number}.")
        held = self._keys.get((clip.key, number))
        if held is not None:
            try:
                return self._frames.get(held)
            except DataError:  # others took its place
                pass
        with Video(clip.source) as video:
            image = next(islice(video, number, None)).image
        self._keys[clip.key, number] = self._frames.keep(image)
        return image


def write_small(image: Image, folder: Path, number: int) -> None:
    """The image that is scrubbed through."""
    picture = image.to_pil()
    picture.thumbnail((_SIDE, _SIDE), Pillow.Resampling.BILINEAR)
    picture.save(folder / f"{number}.jpg", quality=88)
