"""What an evaluation hands back, the file it becomes, and the tables that show it."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic

Scored = Mapping[str, Any]
"""What came of one image: ``rows``, one an object, and seconds; JSON values."""
MODEL = "model"
"""The name under which the model itself answers."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The numbers of one task; the tables on screen and the JSON file are both made from it.

    Attributes:
        task: the name in ``sampipe eval TASK``.
        model: as it was asked for; "" for a task without one.
        data: what was read.
        n: how many objects were measured.
        summary: plain-word keys (``mean_iou``, ``seconds_per_image``).
        rows: one mapping an object.
        versions: packages, device, and digests of weights and data.
    """

    task: str
    model: str
    data: str
    n: int
    summary: dict[str, Any]
    rows: list[dict[str, Any]]
    versions: dict[str, str]

    def to_json(self) -> str:
        """One JSON document; a number that is not finite is an error, never ``NaN``."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    def write(self, path: str | Path) -> None:
        """Write the JSON file whole or not at all."""
        write_atomic(Path(path), f"{self.to_json()}\n".encode())

    @property
    def methods(self) -> dict[str, str]:
        """The names of the model and its competitors, and the prefix that the keys of each have."""
        return {Path(self.model).stem: "", **{name: prefix(name) for name in self.summary["competitors"]}}

    def summaries(self) -> dict[str, Mapping[str, Any]]:
        """The summary of each data set by its name; one alone has the name ""."""
        return dict(self.summary.get("data_sets") or {"": self.summary})

    def footer(self) -> str:
        """What the numbers were made with, in a line."""
        weights = f"weights {self.versions['model_digest'][:16]}, " if self.model else ""
        return f"{weights}torch {self.versions['torch']}, {self.versions['device']}"


@dataclass(frozen=True)
class Table:
    """A table of cells.

    Args:
        columns: heads.
        rows: cells as text.
        title: a line above, or several.
        words: how many columns, from the left, hold words; the others hold numbers.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str | None = None
    words: int = 1

    @classmethod
    def by_data(
        cls,
        rows: Sequence[tuple[str, Sequence[str]]],
        columns: Sequence[str],
        title: str | None = None,
        *,
        words: int = 1,
    ) -> Table:
        """A table of (data set, cells); the data set is a column where there are several."""
        if not any(name for name, _ in rows):
            return cls(columns, [cells for _, cells in rows], title, words)
        return cls(("data", *columns), [(name, *cells) for name, cells in rows], title, words + 1)


def prefix(name: str) -> str:
    """What stands before a method's keys: nothing for the model, ``grabcut_`` for GrabCut."""
    return "" if name == MODEL else f"{name}_"


def number(value: float | None, form: str = ".4f") -> str:
    """The number as a cell; empty where it is not defined."""
    return "" if value is None else format(value, form)


def interval(low_and_high: Sequence[float] | None, form: str = ".4f") -> str:
    """``0.6123 to 0.6543``; empty where there is no interval."""
    return " to ".join(format(value, form) for value in low_and_high or ())


def counted(evaluation: Evaluation) -> str:
    """The title of a table: how many objects in how many images."""
    return "\n".join(_counted(*item) for item in evaluation.summaries().items())


def _counted(name: str, summary: Mapping[str, Any]) -> str:
    objects = f"{summary['objects']} objects of {summary['min_area']} px² or more in {summary['images']} images"
    return f"{name}: {objects}" if name else objects


def lines(name: str, texts: Sequence[str]) -> Iterator[str]:
    """Lines of text about a data set, with its name where it has one."""
    return (f"{name}: {text}" if name else text for text in texts)


def versions(*, model_digest: str, device: str, **digests: str) -> dict[str, str]:
    """What the numbers depend on: packages, device, and digests of weights, data and whatever else is named."""
    packages = {name: version(name) for name in ("sampipe", "torch", "numpy", "pycocotools")}
    python = platform.python_version()
    return {**packages, "python": python, "device": device, "model_digest": model_digest, **digests}


def mean_over(summaries: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean over data sets of every number that all of them have; each data set counts alike."""
    first, *others = summaries
    shared = [
        key
        for key, value in first.items()
        if isinstance(value, float) and all(isinstance(other.get(key), float) for other in others)
    ]
    return {key: sum(summary[key] for summary in summaries) / len(summaries) for key in shared}
