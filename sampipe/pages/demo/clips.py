"""Clips of a page: their frames as small images to scrub through, and any of them in full when it is asked for."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sampipe.errors import DataError
from sampipe.pages.shared import ImageStore, Kept, smaller
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
    """The clips of all windows; those used longest ago go first."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sampipe-clips-"))
        self._kept = Kept[Clip]("clip", _KEPT, gone=self._forget)
        self._frames = ImageStore(max_bytes=256 << 20)
        self._keys: dict[tuple[str, int], str] = {}

    def new(self) -> Path:
        """A folder for the small images of one more clip."""
        folder = self.path / uuid.uuid4().hex
        folder.mkdir()
        return folder

    def keep(self, clip: Clip) -> None:
        """Hold a clip whose small images are there."""
        self._kept.put(clip.key, clip)

    def get(self, key: object) -> Clip:
        """The clip of a key.

        Raises:
            DataError: there is no key, or it is not held any more.
        """
        return self._kept.get(key)

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

    def _forget(self, key: str) -> None:
        shutil.rmtree(self.path / key, ignore_errors=True)
        self._keys = {frame: held for frame, held in self._keys.items() if frame[0] != key}


def write_small(image: Image, folder: Path, number: int) -> None:
    """The image that is scrubbed through."""
    smaller(image, _SIDE).save(folder / f"{number}.jpg", quality=88)
