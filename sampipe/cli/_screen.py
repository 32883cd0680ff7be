"""What a command prints: one JSON document, tables, or a progress bar on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_UNWRAPPED = 1000  # characters of a line in a file or a pipe
_PAUSE = 10.0  # seconds between two lines of progress there


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
    width = max(console.width, least_width if console.is_terminal else _UNWRAPPED)
    Console(width=width).print(table, soft_wrap=True)


def note(message: str) -> None:
    """Print something beside the result."""
    print(message, file=sys.stderr)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[..., None]]:
    """A bar on stderr, or a line every ten seconds where that is no terminal.

    Call what it gives with (items done, items in all[, a remark]).
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(description)
        return
    texts = (TextColumn("{task.description}"), TextColumn("{task.fields[remark]}"))
    columns = (texts[0], BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), texts[1])
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=None, remark="")
        yield lambda done, total, remark="": progress.update(task, completed=done, total=total, remark=remark)


def _lines(description: str) -> Callable[..., None]:
    told = time.monotonic()

    def advance(done: int, total: int | None = None, remark: str = "") -> None:
        nonlocal told
        if time.monotonic() - told >= _PAUSE:
            told = time.monotonic()
            note(f"{description} {done}{f' of {total}' if total else ''}{f', {remark}' if remark else ''}")

    return advance
