"""What is done with each image of a job; on whichever machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import NodeError
from sampipe.graph import Graph
from sampipe.graph.result import Result
from sampipe.jobs.crash_log import CrashLog
from sampipe.jobs.manifest import Entry
from sampipe.jobs.reading import read_ahead
from sampipe.jobs.rows import error_row, result_row
from sampipe.types import Image

RowMaker = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Work:
    """A value that can be sent to another process, where the graph's resources are built again.

    Args:
        graph: takes an input ``image``; may end in nodes that write files.
        masks: the names of its outputs that become columns.
        after: called with each result; an OSError of it is that image's error.
        settle: called with the names of files by image path, before these images are worked on.
        batch_size: images that a node with ``run_batch`` gets at once.
        readers: threads that read and decode images.
        inputs: the graph's other inputs, the same for every image.
    """

    graph: Graph
    masks: tuple[str, ...]
    after: Callable[[Result], object]
    settle: Callable[[Mapping[str, str]], object]
    batch_size: int = 1
    readers: int = 2
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, todo: Sequence[Entry], crashes: CrashLog) -> Iterator[tuple[RowMaker, int]]:
        """For each image, what makes its row (for another thread), and its cache hits. CrashLog come last, alone."""
        self.settle({entry.path: entry.name for entry in todo})
        known = crashes.paths
        yield from self._worked([entry for entry in todo if entry.path not in known], crashes, alone=False)
        for entry in (entry for entry in todo if entry.path in known):
            if crashes.given_up(entry.path):
                reason = f"given up: each time {entry.path} was worked on alone, the process died"
                yield _always(error_row(entry, reason)), 0
            else:
                yield from self._worked([entry], crashes, alone=True)

    def _worked(self, todo: Sequence[Entry], crashes: CrashLog, *, alone: bool) -> Iterator[tuple[RowMaker, int]]:
        fed: deque[tuple[Entry, Image | Exception]] = deque()

        def items() -> Iterator[Mapping[str, Any]]:
            for entry, image in read_ahead(todo, readers=1 if alone else self.readers):
                fed.append((entry, image))
                if isinstance(image, Image):
                    crashes.begins(entry.path, alone=alone)
                    yield {"image": image, **self.inputs}

        for result in self.graph.map(items(), batch_size=self.batch_size, on_error="return"):
            yield from _unreadable(fed)
            entry, image = fed.popleft()
            assert isinstance(image, Image)
            crashes.ended(entry.path)
            if isinstance(result, NodeError):
                yield _always(error_row(entry, str(result))), 0
            else:
                yield self._made(entry, image.hw, result), sum(one.cache_hits for one in result.report.values())
        yield from _unreadable(fed)

    def _made(self, entry: Entry, hw: tuple[int, int], result: Result) -> RowMaker:
        try:
            self.after(result)
        except OSError as error:
            return _always(error_row(entry, str(error)))
        return lambda: result_row(entry, hw, result, self.masks)


def _unreadable(fed: deque[tuple[Entry, Image | Exception]]) -> Iterator[tuple[RowMaker, int]]:
    """Rows of the images at the head of the queue that never went into the graph."""
    while fed and isinstance(fed[0][1], Exception):
        entry, error = fed.popleft()
        yield _always(error_row(entry, str(error))), 0


def _always(row: dict[str, Any]) -> RowMaker:
    return lambda: row
