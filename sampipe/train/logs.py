"""Figures over time: CSV files that any program reads, and TensorBoard's."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic
from sampipe._optional import require


class Log:
    """``NAME.csv`` files of a run, one line a step.

    Args:
        folder: of the run.
        after: the step at which the run resumes: later lines, of a process that was killed, are dropped.
        tensorboard: also write to ``folder/tensorboard``.

    Raises:
        MissingDependencyError: TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path, *, after: int, tensorboard: bool) -> None:
        self._folder, self._after = folder, after
        self._seen: set[str] = set()
        self._writer: Any = None
        if tensorboard:
            require("tensorboard", "train")
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=after + 1)

    def write(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """Append a line to ``NAME.csv``."""
        path = self._folder / f"{name}.csv"
        row = {"step": step} | {key: round(value, 6) for key, value in figures.items()}
        if name not in self._seen:
            self._start(path)
            self._seen.add(name)
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        if self._writer is not None:
            for key, value in figures.items():
                self._writer.add_scalar(f"{name}/{key}", value, step)

    def close(self) -> None:
        """Write what TensorBoard still holds back."""
        if self._writer is not None:
            self._writer.close()

    def _start(self, path: Path) -> None:
        """Drop the lines after the step at which the run resumes."""
        if not path.exists():
            return
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        kept = [row for row in rows if int(row["step"]) <= self._after]
        if not kept:
            path.unlink()
        elif len(kept) < len(rows):
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, fieldnames=list(kept[0]))
            writer.writeheader()
            writer.writerows(kept)
            write_atomic(path, text.getvalue().encode())
