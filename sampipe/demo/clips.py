"""Clips of a page: taken through a graph in the background, and kept for a while to be looked at."""

from __future__ import annotations

import shutil
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any

from sampipe._report import following
from sampipe.demo.jobs import Job
from sampipe.graph import Graph
from sampipe.types import Image
from sampipe.video import Recorded, Recording, Video, record

_KEPT = 8  # of all windows together


class ClipFolder:
    """Where the page's clips lie, under names that nobody guesses; the oldest go first."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sampipe-clips-"))
        self._lock = threading.Lock()
        self._names: list[str] = []

    def new(self) -> Path:
        """A place for one more."""
        with self._lock:
            self._names.append(uuid.uuid4().hex)
            while len(self._names) > _KEPT:
                shutil.rmtree(self.path / self._names.pop(0), ignore_errors=True)
            return self.path / self._names[-1]


class ClipJob(Job):
    """A video through a graph into files; its result is a :class:`sampipe.video.Recorded`.

    Args:
        graph: an image in, masks out.
        source: a file, or sample:NAME.
        folder: where the files go.
        frames: at most.
        device: whose turn it takes.
    """

    def __init__(self, graph: Graph, source: str, folder: Path, *, frames: int, device: str) -> None:
        self.picture: Image | None = None
        """The newest frame, drawn on."""
        self._source, self._folder, self._frames = source, folder, frames
        super().__init__(graph, {}, device=device)

    def work(self) -> Recorded:
        """The whole clip."""
        with Video(self._source) as video, following(self._heard):
            return record(self._graph, video, self._folder, frames=self._frames, progress=self._frame)

    def _frame(self, now: Recording) -> None:
        self.picture = now.overlay
        self._told(now.done / max(1, min(now.total or self._frames, self._frames)))

    def _heard(self, share: float) -> Any:
        """A node tells how far it is with one frame: a chance to stop, no news of the clip."""
        self._told(self.share or 0.0)
