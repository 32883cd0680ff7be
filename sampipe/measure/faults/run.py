"""All trials, one after the other."""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sampipe.errors import DataError, MissingDependencyError
from sampipe.measure.faults.trial import Outcome, Size, Trial


def _trial(name: str, fault: str, module: str, function: str) -> Trial:
    """Modules load when their trial's turn comes: some need torch, some a package that may be missing."""

    def run(size: Size, folder: Path) -> Outcome:
        outcome: Outcome = getattr(importlib.import_module(f"sampipe.measure.faults.{module}"), function)(size, folder)
        return outcome

    return Trial(name, fault, run)


TRIALS = (
    _trial("checkpoints", "hostile files of weights", "checkpoints", "hostile_checkpoints"),
    _trial("files", "files that are no images; a bomb", "extremes", "bombs"),
    _trial("colors", "images of all kinds", "extremes", "colors"),
    _trial("yaml", "hostile graph files", "extremes", "graph_files"),
    _trial("nan", "numbers that are not finite", "extremes", "not_a_number"),
    _trial("foreign", "foreign rows, and leaves swapped for nonsense", "foreign", "foreign_rows"),
    _trial("inputs", "one input in twenty is bad", "jobs", "bad_inputs"),
    _trial("disk", "no room for the rows", "jobs", "full_disk"),
    _trial("kills", "kill -9 at random points of a job", "jobs", "kills"),
    _trial("memory", "a batch that does not fit", "strain", "out_of_memory"),
    _trial("sizes", "nothing, one pixel, thousands, very wide", "extremes", "sizes"),
    _trial("threads", "many threads, one graph", "strain", "threads"),
    _trial("page", "many clients of the page", "page", "clients"),
    _trial("ray", "kill -9 for Ray's actors and driver", "cluster", "ray_kills"),
    _trial("properties", "thousands of made-up cases", "properties", "properties"),
    _trial("slope", "thousands of images, one process", "strain", "memory_slope"),
)


@dataclass(frozen=True)
class Done:
    """A trial that was made; ``outcome`` is None where a package is missing, which ``why`` then names."""

    trial: Trial
    outcome: Outcome | None
    why: str
    seconds: float

    @property
    def figures(self) -> str:
        """What was counted, or why nothing was."""
        return self.why if self.outcome is None else self.outcome.figures

    @property
    def word(self) -> str:
        """``ok``, ``FAILED`` or ``not run``."""
        return "not run" if self.outcome is None else "ok" if self.outcome.ok else "FAILED"


def run_trials(size: Size, names: Sequence[str] = ()) -> Iterator[Done]:
    """Make the trials of these names, or all, each in a folder that goes afterwards.

    Raises:
        DataError: no trial of that name.
    """
    known = [trial.name for trial in TRIALS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(f"no trial is called {', '.join(unknown)}; there are {', '.join(known)}")
    for trial in TRIALS:
        if names and trial.name not in names:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="sampipe-selftest-", ignore_cleanup_errors=True) as folder:
            try:
                outcome, why = trial.run(size, Path(folder)), ""
            except MissingDependencyError as error:
                yield Done(trial, None, str(error), time.monotonic() - began)
                continue
            except Exception as error:  # the trial itself broke, which is a finding
                outcome, why = Outcome(False, f"{type(error).__name__}: {error}"), ""
        yield Done(trial, outcome, why, time.monotonic() - began)
