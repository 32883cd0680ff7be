"""Frames through a graph, one after the other, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sampipe.errors import NodeError
from sampipe.graph import Graph, Node
from sampipe.graph.chain import as_graph
from sampipe.graph.result import Result
from sampipe.models import EmbeddingCache, using_cache
from sampipe.video.reading import Video, VideoFrame


@dataclass(frozen=True, eq=False)
class Done:
    """One frame and what the graph made of it.

    Args:
        frame: image, number and time.
        result: the graph's outputs; None where it failed.
        error: why it failed.
    """

    frame: VideoFrame
    result: Result | None
    error: NodeError | None = None


def through(
    graph: Graph | Node,
    video: Video | str | os.PathLike[str],
    *,
    given: Mapping[int, Mapping[str, Any]] | None = None,
    start: int = 0,
    frames: int | None = None,
) -> Iterator[Done]:
    """Take a video through a graph, frame after frame, in order.

    One frame is worked on and one is read ahead; nodes with a memory (``Follow``, ``Track``) remember until the end.

    Args:
        graph: with an input ``image``.
        video: where the frames come from; a name is opened, and closed at the end.
        given: further inputs by the number of the frame, such as ``{0: {"prompts": ...}}`` for what is to be followed.
        start: the number of the frame that is worked on first; those before are only read.
        frames: the number of the frame before which it ends.

    Raises:
        NodeError: the graph fails on the first frame; a later failure is the ``error`` of its frame.
        DataError: no frame can be read.
    """
    if not isinstance(video, Video):
        with Video(video) as opened:
            yield from through(graph, opened, given=given, start=start, frames=frames)
        return
    fed: deque[VideoFrame] = deque()

    def items() -> Iterator[dict[str, Any]]:
        for frame in islice(video, start, frames):
            fed.append(frame)
            yield {"image": frame.image, **(given or {}).get(frame.index, {})}

    results = as_graph(graph).map(items(), on_error="return")
    try:
        yield from _each(results, fed)
    finally:
        close = getattr(results, "close", None)  # an engine may give any iterator
        if close is not None:
            close()


def _each(results: Iterator[Result | NodeError], fed: deque[VideoFrame]) -> Iterator[Done]:
    cache = EmbeddingCache()  # a frame's embedding is shared by the nodes of the graph; no later frame asks for it
    began = False
    while True:
        with using_cache(cache):
            result = next(results, None)
        cache.clear()
        if result is None:
            return
        if not isinstance(result, NodeError):
            yield Done(fed.popleft(), result)
        elif began:
            yield Done(fed.popleft(), None, result)
        else:
            raise result
        began = True
