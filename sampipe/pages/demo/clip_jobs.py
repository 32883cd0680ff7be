"""What takes a while with a clip: reading it, and following objects through it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Any

from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.graph.run.events import following
from sampipe.pages.demo.clips import MOST_FRAMES, Clip, Clips, write_small
from sampipe.pages.demo.jobs import PageJob
from sampipe.types import Masks, Prompts


class _Telling(PageJob):
    """A job whose page hears of what happened since it asked last."""

    def __init__(self, *, device: str) -> None:
        self.events: list[dict[str, Any]] = []
        super().__init__(device=device)

    def since(self, after: int, seconds: float) -> list[dict[str, Any]]:
        """The events after the first ``after`` ones; waits for one for at most ``seconds``."""
        until = time.monotonic() + seconds
        while len(self.events) <= after and not self.look(0.05) and time.monotonic() < until:
            pass
        return self.events[after:]


class OpenClip(_Telling):
    """Reads a clip and writes its small images; its result is the :class:`Clip`.

    Args:
        source: a file, or sample:NAME.
        clips: where it is kept.
        frames: at most.
        name: for people; the file's own where left out.
    """

    def __init__(self, source: str, clips: Clips, *, frames: int, name: str, device: str) -> None:
        self._source, self._clips, self._frames, self._name = source, clips, min(frames, MOST_FRAMES), name
        super().__init__(device=device)

    def work(self) -> Clip:
        """All of it."""
        from sampipe.video import Video

        folder, seconds, wh = self._clips.new(), list[float](), (0, 0)
        with Video(self._source) as video:
            count = min(video.count or self._frames, self._frames)
            for frame in islice(video, self._frames):
                if seconds and frame.image.wh != wh:
                    raise DataError(f"{self._name}: its frames differ in size; wanted a clip of one size.")
                wh = frame.image.wh
                write_small(frame.image, folder, frame.index)
                seconds.append(frame.seconds)
                self.told(len(seconds) / max(count, 1))
            name = self._name or video.name
            clip = Clip(folder.name, self._source, name, wh, tuple(seconds), video.fps, video.breaks_off)
        self._clips.keep(clip)
        return clip


class FollowClip(_Telling):
    """Follows objects through a clip; every frame is an event, and those that were finished stay when it is stopped.

    Args:
        graph: an image and prompts in, masks out.
        clip: what it goes through.
        given: prompts by the number of the frame.
        start: the frame to begin with.
    """

    def __init__(self, graph: Graph, clip: Clip, given: Mapping[int, Prompts], *, start: int, device: str) -> None:
        self._graph, self._clip, self._start = graph, clip, start
        self._given = {number: {"prompts": prompts} for number, prompts in given.items()}
        super().__init__(device=device)

    def work(self) -> None:
        """Every frame from the first one on."""
        from sampipe.video import Video, through

        count = len(self._clip.seconds)
        with self._graph, Video(self._clip.source) as video, following(self._heard):
            for done in through(self._graph, video, given=self._given, start=self._start, frames=count):
                if done.result is None:
                    raise done.error or DataError(f"Frame {done.frame.index + 1} failed.")
                self.events.append({"frame": done.frame.index, "objects": objects_of(done.result.masks)})
                self.told((done.frame.index + 1 - self._start) / max(1, count - self._start))

    def _heard(self, share: float) -> None:
        """A node tells how far it is with one frame: clicks go first, and a frame that was begun is finished."""
        if self._lock is not None:
            self._lock.give_way()


def objects_of(masks: Masks) -> list[dict[str, Any]]:
    """The objects of a frame, as the page's script takes them."""
    best, prompts = masks.best(), masks.prompts
    ids = prompts.track_ids if prompts.track_ids is not None else range(1, len(best) + 1)
    return [
        {
            "id": int(number),
            "rle": rle.to_coco(),
            "label": prompts.labels[i] if prompts.labels else "",
            "score": None
            if prompts.scores is None or prompts.scores[i] != prompts.scores[i]
            else float(prompts.scores[i]),
        }
        for i, (number, rle) in enumerate(zip(ids, best.rle(), strict=True))
        if rle.area
    ]
