"""What a command prints: one JSON document, tables, or a progress bar on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def print_json(document: Any) -> None:
    """Print exactly one JSON document; a number that is not finite is an error, never ``NaN``."""
    print(json.dumps(document, indent=1, allow_nan=False))


def print_table(
    rows: Sequence[Sequence[str]],
    *,
    columns: Sequence[str],
    title: str | None = None,
    right: Sequence[str] = (),
    least_width: int = 0,
) -> None:
    """Print rows under their columns; those in ``right`` hold numbers. Long words fold, none are cut.

    ``least_width`` characters are taken even where the terminal has fewer, or is none.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    (console if console.width >= least_width else Console(width=least_width)).print(table)


def note(message: str) -> None:
    """Say something beside the result."""
    print(message, file=sys.stderr)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[..., None]]:
    """A bar on stderr, shown on a terminal only; tell what it gives (items done, items in all[, a remark])."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    texts = (TextColumn("{task.description}"), TextColumn("{task.fields[remark]}"))
    columns = (texts[0], BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), texts[1])
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=None, remark="")
        yield lambda done, total, remark="": progress.update(task, completed=done, total=total, remark=remark)
