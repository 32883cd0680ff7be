"""What a benchmark found: one set of numbers for the screen, the JSON file, the page and the plot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic
from sampipe.measure.speed.measure import Row
from sampipe.measure.speed.worker import OURS

COLUMNS = ("case", "by", "seconds", "spread", "ms each", "peak MB", "faster", "memory", "differs")
EXPLANATION = (
    "faster: how many times as fast sampipe is. memory: its peak above the loaded model as a share of theirs. spread:"
    " highest minus lowest, of the median. differs: from our answer, features by the largest value, masks by the"
    " share of pixels, lists of masks by the share without a twin."
)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Rows of every case and contestant, and the figures that only the product has."""

    model: str
    rows: list[Row]
    extras: dict[str, dict[str, float]]
    absent: dict[str, str]
    clock: str
    machine: dict[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """By case: ``seconds``, ``peak_bytes``, ``speedup_vs_<peer>``, ``peak_memory_ratio_vs_<peer>``."""
        found: dict[str, Any] = {key: dict(values) for key, values in self.extras.items()}
        for rows in self._cases():
            ours = next((row for row in rows if row.who == OURS and row.runs), None)
            if ours is not None:
                found[ours.case.key] = _summary_of(ours, [row for row in rows if row is not ours and row.runs])
        return found

    def to_json(self) -> str:
        """One JSON document with the keys of every evaluation."""
        document = {
            "task": "bench",
            "model": self.model,
            "data": "random weights and inputs",
            "n": len(self.rows),
            "clock": self.clock,
            "summary": self.summary,
            "rows": [_row_document(row) for row in self.rows],
            "absent": self.absent,
            "machine": self.machine,
            "versions": self.machine["versions"],
        }
        return json.dumps(document, indent=1, allow_nan=False)

    def write(self, path: str | Path) -> None:
        """Write the JSON file whole or not at all."""
        write_atomic(Path(path), f"{self.to_json()}\n".encode())

    def cells(self) -> list[tuple[str, ...]]:
        """The table, row by row under ``COLUMNS``."""
        return [cell for rows in self._cases() for cell in _cells(rows)]

    def notes(self) -> list[str]:
        """What was not measured, and why."""
        notes = [f"{name} was not measured: {problem}" for name, problem in self.absent.items()]
        return notes + [f"{row.case.title}, {row.who}: {row.problem}" for row in self.rows if row.problem is not None]

    def headline(self) -> str:
        """The machine in a line."""
        machine = self.machine
        place = machine["accelerator"] or machine["processor"]
        weights = "its own" if self.model == "nano" else "random"
        return (
            f"{self.model}, {weights} weights, {place}, {machine['threads']} threads,"
            f" {machine['gemm_gflops']:.0f} GFLOP/s fp32 GEMM, {machine['copy_gb_per_s']:.0f} GB/s copy,"
            f" {'processor' if self.clock == 'cpu' else 'wall'} seconds{self._beside()}"
        )

    def _beside(self) -> str:
        count = self.machine["beside"]
        return f", beside {count} busy process{'es' * (count > 1)}" if count else ""

    def markdown(self) -> str:
        """The table for a page."""
        lines = [f"{self.headline()}", "", _line(COLUMNS), _line(["---"] * 2 + ["---:"] * (len(COLUMNS) - 2))]
        lines += [_line(cells) for cells in self.cells()]
        lines += ["", *(f"- {note}" for note in self.notes())]
        for stage, values in self.extras.items():
            lines += ["", *(f"- {stage}: {name.replace('_', ' ')} {value:.4g}" for name, value in values.items())]
        return "\n".join(lines) + "\n"

    def plot(self, path: str | Path) -> None:
        """Speed-ups over each peer, and growth with the boxes, as a plot (needs matplotlib)."""
        from sampipe.measure.speed.plot import plot_report

        plot_report(self, Path(path))

    def _cases(self) -> Iterator[list[Row]]:
        for _, rows in groupby(self.rows, key=lambda row: row.case.key):
            yield list(rows)


def _summary_of(ours: Row, peers: Sequence[Row]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "seconds": ours.seconds,
        "spread": list(ours.spread),
        "runs": len(ours.runs),
        "peak_bytes": ours.peak_bytes,
    }
    for row in peers:
        found[f"speedup_vs_{row.who}"] = row.seconds / ours.seconds
        if ours.peak_bytes is not None and row.peak_bytes:
            found[f"peak_memory_ratio_vs_{row.who}"] = ours.peak_bytes / row.peak_bytes
        found[f"difference_from_{row.who}"] = row.difference
    if peers:
        found["speedup_vs_best_peer"] = min(row.seconds for row in peers) / ours.seconds
    return found


def _row_document(row: Row) -> dict[str, Any]:
    document: dict[str, Any] = {"case": row.case.key, "title": row.case.title, "by": row.who, "problem": row.problem}
    if row.runs:
        document |= {"seconds": row.seconds, "runs": row.runs, "peak_bytes": row.peak_bytes}
        document["difference"] = row.difference
    return document


def _cells(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    ours = next((row for row in rows if row.who == OURS and row.runs), None)
    for index, row in enumerate(rows):
        title = row.case.title if index == 0 else ""
        if not row.runs:
            yield (title, row.who, "-", *[""] * (len(COLUMNS) - 3))
            continue
        low, high = row.spread
        other = ours if row is not ours else None
        yield (
            title,
            row.who,
            f"{row.seconds:.3f}",
            f"{(high - low) / row.seconds:.0%}",
            "" if row.case.count == 1 else f"{row.seconds / row.case.count * 1e3:.1f}",
            "" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:.0f}",
            "" if other is None else f"{row.seconds / other.seconds:.2f}x",
            "" if other is None else _memory(other, row),
            "" if row.difference is None else f"{row.difference:.0e}",
        )


def _memory(ours: Row, row: Row) -> str:
    return f"1/{row.peak_bytes / ours.peak_bytes:.0f}" if row.peak_bytes and ours.peak_bytes else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
