"""A progress bar on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int | None, show: bool) -> Iterator[Callable[[bool], None]]:
    """Gives a function to call for each item done, with whether it went well."""
    if not show:
        yield lambda ok: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, Remaining(), console=Console(stderr=True)) as progress:
        task = progress.add_task("items", total=total)

        def done(ok: bool) -> None:
            nonlocal failed
            failed += not ok
            progress.update(task, advance=1, description=f"items ({failed} failed)" if failed else "items")

        yield done
