"""A video through a graph into files: an overlay to look at, and rows to compute with."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import atomic_file
from sampipe.errors import DataError, GraphError
from sampipe.graph import Graph, Node
from sampipe.graph.chain import as_graph
from sampipe.nodes import Annotate
from sampipe.types import Image, Masks
from sampipe.video.reading import Video
from sampipe.video.rows import FrameRows
from sampipe.video.streaming import Done, through
from sampipe.video.writing import VideoWriter

OVERLAY, ROWS = "overlay", "rows"
KINDS = (OVERLAY, ROWS)


@dataclass(frozen=True)
class Recording:
    """How far it is.

    Args:
        done: frames so far.
        total: frames in all, where the video knows.
        objects: in this frame.
        frames_per_second: since the beginning.
        overlay: this frame with its masks drawn on it, where an overlay is made.
    """

    done: int
    total: int | None
    objects: int
    frames_per_second: float
    overlay: Image | None


@dataclass(frozen=True)
class Recorded:
    """What became of a video.

    Args:
        frames: that were worked on.
        failed: of those, the ones where the graph failed; their rows say why.
        tracks: how many different objects there were, by track id; 0 without ids.
        masks: on all frames together.
        seconds: that it took.
        damaged: packets of the video that could not be decoded.
        dropped: frames of a live source that came too fast.
        resized: frames of another size than the first; the overlay shows them scaled to fit.
        breaks_off: why the video, or the work on it, ended before its end, if it did.
        interrupted: whether Ctrl-C ended it.
        files: what was written.
    """

    frames: int
    failed: int
    tracks: int
    masks: int
    seconds: float
    damaged: int
    dropped: int
    resized: int
    breaks_off: str | None
    interrupted: bool
    files: tuple[Path, ...]


def record(
    graph: Graph | Node,
    video: Video,
    folder: str | Path,
    *,
    save: Collection[str] = KINDS,
    given: Mapping[int, Mapping[str, Any]] | None = None,
    frames: int | None = None,
    progress: Callable[[Recording], object] = lambda recording: None,
) -> Recorded:
    """Write ``<name>.overlay.mp4`` and ``<name>.parquet`` (a row a frame, masks as run lengths).

    The files are written under other names and take theirs at the end. Ctrl-C, a video that breaks off, or any error
    after the first frame ends them there: the frames that were finished are in them, and can be played and read.

    Args:
        graph: an image in; its outputs that are masks become rows and are drawn.
        video: where the frames come from.
        folder: where the files go.
        save: of "overlay" and "rows".
        given, frames: see :func:`through`.
        progress: called with each frame.

    Raises:
        GraphError: the graph gives no masks.
        DataError: no frame can be read.
        NodeError: the graph fails on the first frame.
    """
    graph = as_graph(graph)
    outputs = graph.outputs_of(Masks)
    if not outputs or not set(save) <= set(KINDS):
        raise GraphError(f"record: got outputs {', '.join(graph.outputs)} and save {save}; wanted masks, and {KINDS}.")
    files = {OVERLAY: Path(folder) / f"{video.name}.overlay.mp4", ROWS: Path(folder) / f"{video.name}.parquet"}
    kept = [files[kind] for kind in KINDS if kind in save]
    with graph, ExitStack() as stack:
        parts = {kind: stack.enter_context(atomic_file(files[kind])) for kind in KINDS if kind in save}
        tally = _Tally(video, outputs, progress)
        with ExitStack() as open_files:
            rows = open_files.enter_context(FrameRows(parts[ROWS], outputs)) if ROWS in parts else None
            drawn = open_files.enter_context(VideoWriter(parts[OVERLAY], fps=video.fps)) if OVERLAY in parts else None
            try:
                for done in through(graph, video, given=given, frames=frames):
                    with _undivided():
                        tally.add(done, rows, drawn)
            except KeyboardInterrupt:
                tally.interrupted = True
            except Exception as error:  # whatever ends the work: the frames before it are kept
                if not tally.frames:
                    raise
                tally.stopped = f"{type(error).__name__}: {error}"
        if not tally.frames:
            raise KeyboardInterrupt if tally.interrupted else DataError(f"{video.source}: no frame came.")
    return tally.recorded(kept)


class _Tally:
    """Takes frames to the files, and counts."""

    def __init__(self, video: Video, outputs: tuple[str, ...], progress: Callable[[Recording], object]) -> None:
        self.interrupted = False
        self.stopped: str | None = None
        self.frames = self.failed = self.masks = self.resized = 0
        self._hw: tuple[int, int] | None = None
        self._tracks: set[tuple[str, int]] = set()
        self._video, self._outputs, self._progress = video, outputs, progress
        self._annotate = Annotate()
        self._began = time.monotonic()

    def add(self, done: Done, rows: FrameRows | None, drawn: VideoWriter | None) -> None:
        image, result = done.frame.image, done.result
        found = {name: result[name].best() for name in self._outputs} if result is not None else {}
        drawn_frame = None
        if rows is not None:
            told = found if result is not None else str(done.error)
            rows.add(done.frame.index, done.frame.seconds, image.hw, told)
        if drawn is not None:
            drawn_frame = image
            for masks in found.values():
                drawn_frame = self._annotate.run(drawn_frame, masks)
            drawn.add(drawn_frame, done.frame.seconds)
        self._hw = self._hw or image.hw
        self.resized += image.hw != self._hw
        self.frames += 1
        self.failed += result is None
        self.masks += sum(map(len, found.values()))
        self._tracks |= set(_tracks(found))
        rate = self.frames / max(time.monotonic() - self._began, 1e-9)
        objects = sum(map(len, found.values()))
        self._progress(Recording(self.frames, self._video.count, objects, rate, drawn_frame))

    def recorded(self, files: list[Path]) -> Recorded:
        video = self._video
        return Recorded(
            frames=self.frames,
            failed=self.failed,
            tracks=len(self._tracks),
            masks=self.masks,
            seconds=time.monotonic() - self._began,
            damaged=video.damaged,
            dropped=video.dropped,
            resized=self.resized,
            breaks_off=self.stopped or video.breaks_off,
            interrupted=self.interrupted,
            files=tuple(files),
        )


@contextmanager
def _undivided() -> Iterator[None]:
    """Ctrl-C waits for the end: a frame is in all files, and counted, or in none."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked:
        raise KeyboardInterrupt


def _tracks(found: Mapping[str, Masks]) -> Iterator[tuple[str, int]]:
    for name, masks in found.items():
        ids = masks.prompts.track_ids
        for number in np.unique(ids[ids >= 0]).tolist() if ids is not None else ():
            yield name, number
