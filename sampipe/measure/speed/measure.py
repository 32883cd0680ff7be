"""Contestants in turns, one case after the other, and what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sampipe.measure.speed.agree import difference
from sampipe.measure.speed.cases import Case
from sampipe.measure.speed.contestants import Contestant
from sampipe.measure.speed.machine import available_bytes

Clock = Literal["wall", "cpu"]
_LONG = 5.0  # seconds after which a first, cold run is as good as any


@dataclass
class Row:
    """One contestant in one case.

    Args:
        runs: seconds of each run, of the clock that was asked for.
        peak_bytes: the most memory held above the loaded model; None where the system does not tell.
        difference: from our answer; see :func:`sampipe.measure.speed.agree.difference`.
        problem: why there is no figure.
    """

    case: Case
    who: str
    runs: list[float] = field(default_factory=list)
    peak_bytes: int | None = None
    difference: float | None = None
    problem: str | None = None

    @property
    def seconds(self) -> float:
        """The median run."""
        return float(np.median(self.runs))

    @property
    def spread(self) -> tuple[float, float]:
        """The shortest and the longest run."""
        return min(self.runs), max(self.runs)


def measure(
    case: Case, contestants: Sequence[Contestant], *, rounds: int, clock: Clock, log: Callable[[str], None]
) -> list[Row]:
    """All contestants that can do ``case``, in alternation; ours first.

    The first run of each warms up and saves the answer, which is compared with ours; it counts only where it took
    so long that warmth does not matter.
    """
    rows = {one.name: Row(case, one.name) for one in contestants if case.task in one.tasks}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1 + rounds):
            for one in contestants:
                row = rows.get(one.name)
                if row is None or row.problem is not None or len(row.runs) >= rounds:
                    continue
                row.problem = None if one.is_ours else _too_large(case)
                if row.problem is None:
                    log(f"{case.title}: {one.name}, run {turn + 1} of {1 + rounds}")
                    _take_turn(row, one, Path(folder), clock, first=turn == 0)
        return list(rows.values())


def _too_large(case: Case) -> str | None:
    free = available_bytes()
    if free is None or case.bytes_needed < 0.8 * free:
        return None
    return f"needs about {case.bytes_needed / 2**30:.0f} GiB, {free / 2**30:.0f} are free"


def _take_turn(row: Row, one: Contestant, folder: Path, clock: Clock, *, first: bool) -> None:
    answer = folder / f"{one.name}.npy" if first else None
    reply = one.do(row.case.task, dict(row.case.options), answer)
    if "error" in reply:
        row.problem = reply["error"]
        return
    seconds = reply["seconds" if clock == "wall" else "cpu_seconds"]
    if not first or seconds > _LONG:
        row.runs.append(seconds)
    if reply["peak_bytes"] is not None:
        row.peak_bytes = max(row.peak_bytes or 0, reply["peak_bytes"])
    ours = folder / "sampipe.npy"
    if first and not one.is_ours and ours.exists():
        row.difference = difference(row.case.task, ours, folder / f"{one.name}.npy")


def largest_passing(contestant: Contestant, options: dict[str, Any], keep: float) -> float:
    """The predicted IoU that a share ``keep`` of all candidates reaches, found by the product itself."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.npy"
        contestant.do("scores", options, path)
        return float(np.quantile(np.load(path, allow_pickle=True), 1 - keep))
