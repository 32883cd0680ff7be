"""A graph over many images, with its masks saved: what ``segment`` and ``run`` have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from sampipe.cli import _summary
from sampipe.cli._root import FAILED, reason
from sampipe.cli._summary import Failure, Row

if TYPE_CHECKING:
    from sampipe.cli._saving import Saving
    from sampipe.errors import NodeError
    from sampipe.graph.result import Result


def run_job(saving: Saving, words: Sequence[str], *, inputs: Mapping[str, Any], title: str, json: bool) -> None:
    """Run over the images that ``words`` stand for, then print what came of it.

    One bad image does not stop the others.

    Args:
        saving: the graph; its input ``image`` gets the images.
        words: files, folders, globs, ``sample:NAME``.
        inputs: the same for every image.
        title: of the table.
        json: print a JSON document instead of the table.

    Raises:
        typer.Exit: with code 1, if an image failed; the reasons were printed.
    """
    from sampipe.cli._sources import expand
    from sampipe.errors import NodeError

    sources, unfound = expand(words)
    failures = [Failure(word, why) for word, why in unfound]
    rows: list[Row] = []
    shared = saving.shared_files()
    try:
        for outcome in _outcomes(saving, sources, inputs) if sources else ():
            if isinstance(outcome, Row):
                rows.append(outcome)
            else:
                failures.append(outcome)
    except NodeError as error:  # a file about all images, written at the end
        if not rows:
            raise
        failures.append(Failure(str(saving.folder), reason(error)))
        shared = []
    shared = shared if rows else []
    if json:
        _summary.print_document(rows, failures, shared)
    elif rows:
        _summary.print_rows(rows, shared, folder=saving.folder, title=title)
    _summary.print_notes(rows, failures)
    if failures:
        raise typer.Exit(FAILED)


def _outcomes(saving: Saving, sources: Sequence[str], inputs: Mapping[str, Any]) -> Iterator[Row | Failure]:
    items = [{"image": source, **inputs} for source in sources]
    with saving.graph:
        results = saving.graph.map(items, on_error="return", progress=sys.stderr.isatty())
        for source, result in zip(sources, results, strict=True):
            yield _failure(source, result) if isinstance(result, Exception) else _row(source, result, saving)


def _failure(source: str, error: NodeError) -> Failure:
    return Failure(source, reason(error))


def _row(source: str, result: Result, saving: Saving) -> Row:
    image, masks = saving.image(result), saving.masks(result)
    scores = [float(score) for one in masks for score in one.best().iou_scores[:, 0] if score == score]
    devices = [report.device for report in result.report.values() if report.device]
    return Row(
        image=source,
        width=image.width,
        height=image.height,
        objects=sum(len(one) for one in masks),
        predicted_iou=sum(scores) / len(scores) if scores else None,
        prompts_dropped=sum(one.prompts.dropped for one in masks),
        seconds=result.report.seconds,
        device=devices[0] if devices else None,
        files=[str(path) for path in (*saving.files(result), *saving.save_pictures(result))],
    )
