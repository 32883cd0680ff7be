"""Numbers of an evaluation as words for the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation


def interval(low_and_high: Sequence[float] | None, *, signed: bool = False) -> str:
    """``0.6123 to 0.6543``; nothing where there is no interval."""
    form = "+.4f" if signed else ".4f"
    return " to ".join(format(value, form) for value in low_and_high or ())


def number(value: float | None, form: str = ".4f") -> str:
    """The number, or nothing where it is not defined."""
    return "" if value is None else format(value, form)


def summaries(evaluation: Evaluation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The name and the summary of each data set; one alone has the name ""."""
    several = evaluation.summary.get("data_sets")
    yield from several.items() if several else [("", evaluation.summary)]


def entrants(evaluation: Evaluation, competitors: Sequence[str]) -> list[tuple[str, str]]:
    """Name on the screen and start of the summary's keys: the model first, then its competitors."""
    return [(Path(evaluation.model).stem, ""), *((name, f"{name}_") for name in competitors)]


def print_by_data(
    rows: Sequence[tuple[str, Sequence[str]]], *, columns: Sequence[str], title: str | None, words: int = 1
) -> None:
    """A table of (data set, cells); the data set is a column when there are several. ``words`` columns hold words."""
    several = any(name for name, _ in rows)
    cells = [(name, *row) if several else row for name, row in rows]
    heads = ("data", *columns) if several else columns
    _screen.print_table(cells, columns=heads, title=title, right=columns[words:])
    print()


def counted(evaluation: Evaluation) -> str:
    """What was measured on, in words."""
    parts = []
    for name, summary in summaries(evaluation):
        objects = f"{summary['objects']} objects of {summary['min_area']} px² or more in {summary['images']} images"
        parts.append(f"{name}: {objects}" if name else objects)
    return "\n".join(parts)


def versions_line(evaluation: Evaluation) -> str:
    """What the numbers were made with."""
    versions = evaluation.versions
    return f"weights {versions['model_digest'][:16]}, torch {versions['torch']}, {versions['device']}"


def write_files(evaluation: Evaluation, json: Path | None, plot: Path | None, draw: Callable[[Path], None]) -> None:
    """Write the JSON file and the plot where they are wanted, and say so."""
    if json is not None:
        evaluation.write(json)
        _screen.note(f"wrote {json}")
    if plot is not None:
        draw(plot)
        _screen.note(f"wrote {plot}")
