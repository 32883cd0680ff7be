"""A progress bar on standard error, or below the cell of a notebook."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int | None, show: bool) -> Iterator[Callable[[bool], None]]:
    """Gives a function to call for each item done, with whether it went well."""
    if not show:
        yield lambda ok: None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets gets the bar as text
        from tqdm.auto import tqdm

    failed = 0
    with tqdm(total=total, desc="items", unit="item") as bar:

        def done(ok: bool) -> None:
            nonlocal failed
            failed += not ok
            if failed:
                bar.set_description(f"items ({failed} failed)", refresh=False)
            bar.update()

        yield done
