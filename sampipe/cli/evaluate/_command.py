"""What makes a command of a task: the options that all tasks share, the measurement, tables and files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from sampipe.cli import _options, _screen

if TYPE_CHECKING:
    from sampipe.measure.quality.report import Evaluation
    from sampipe.measure.quality.task import Request, Task

Make = Callable[..., "Task[Any, Any]"]


@dataclass(kw_only=True)
class Shared:
    """The options of every command of ``sampipe eval``."""

    data: Annotated[
        str | None,
        typer.Option(help="The data's folder, in any format with masks that `sampipe data formats` lists."),
    ] = None
    model: _options.Model = "nano"
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many images, drawn with --seed.")] = None
    min_area: Annotated[
        int | None,
        typer.Option(min=0, help="Smallest object, in square pixels of its mask: 1024 for boxes and points, else 0."),
    ] = None
    seed: Annotated[int, typer.Option(help="Of every random draw.")] = 0
    competitors: Annotated[
        str | None, typer.Option(help="What is measured beside the model, comma-separated; or none.")
    ] = None
    device: _options.Device = "auto"
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the results of each image here; the same command again resumes there."),
    ] = None
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Measure every N-th image, from the I-th; all share one --out.")
    ] = "1/1"
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file, too.")] = None
    plot: Annotated[Path | None, typer.Option(help="Draw them into this file (.png, .svg, .pdf), too.")] = None
    html: Annotated[Path | None, typer.Option(help="Write plot and tables as a page, too.")] = None
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke",
            help="Only see that it runs: two made-up images, no --data, random weights; of a tiny network, or in the "
            "shape of --model vit_b, vit_l, vit_h, mobile_sam.",
        ),
    ] = False


def task_command(app: typer.Typer, *, without: Sequence[str] = (), **helps: str) -> Callable[[Make], Make]:
    """Make a command of a function that takes the options of a task and returns the task.

    Its name and help are the function's; the options that all tasks share come around the task's own.

    Args:
        without: shared options that mean nothing for the task.
        helps: what the help of shared options says instead, by their names.
    """

    def register(make: Make) -> Make:
        own = inspect.signature(make).parameters
        shared = {
            name: _with_help(one, helps.get(name))
            for name, one in inspect.signature(Shared, eval_str=True).parameters.items()
            if name not in without
        }
        first = [shared.pop(name) for name in ("data", "model") if name in shared]

        def command(**options: Any) -> None:
            mine = {name: options.pop(name) for name in own}
            _measure(lambda: make(**mine), Shared(**options))

        every = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*first, *own.values(), *shared.values())]
        command.__name__, command.__doc__ = make.__name__, make.__doc__
        command.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        app.command()(command)
        return make

    return register


def _with_help(option: inspect.Parameter, text: str | None) -> inspect.Parameter:
    if text is None:
        return option
    kind, *_ = get_args(option.annotation)
    return option.replace(annotation=Annotated[kind, typer.Option(help=text)])


def names(text: str) -> list[str]:
    """The words between the commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _measure(make: Callable[[], Task[Any, Any]], shared: Shared) -> None:
    from sampipe.measure.quality.page import write_page
    from sampipe.measure.quality.plots import check_plot
    from sampipe.measure.quality.results import Unfinished
    from sampipe.measure.quality.task import evaluate

    if shared.smoke == (shared.data is not None):
        raise typer.BadParameter("give --data DIR, or --smoke to see that the command runs; not both")
    check_plot(shared.plot)
    check_plot(shared.html and shared.html.with_suffix(".png"))
    try:
        with _task_and_request(make, shared) as (task, request):
            evaluation = evaluate(task, request)
    except Unfinished as unfinished:
        _screen.note(str(unfinished))
        raise typer.Exit from None
    _print(task, evaluation)
    if shared.json is not None:
        evaluation.write(shared.json)
    if shared.plot is not None:
        task.plot(evaluation, shared.plot)
    if shared.html is not None:
        write_page(task, evaluation, shared.html)
    for file in (shared.json, shared.plot, shared.html):
        if file is not None:
            _screen.note(f"wrote {file}")


@contextmanager
def _task_and_request(make: Callable[[], Task[Any, Any]], shared: Shared) -> Iterator[tuple[Task[Any, Any], Request]]:
    """The task and what is asked of it; for ``--smoke`` both are made up, in a folder that goes with the block."""
    from sampipe.measure.quality.results import Shard
    from sampipe.measure.quality.task import Request

    with TemporaryDirectory(prefix="sampipe-smoke-") as folder, _screen.progress_bar("measuring") as advance:
        listed = None if shared.competitors is None else [name for name in names(shared.competitors) if name != "none"]
        request = Request(
            data=shared.data or "",
            model=shared.model,
            device=shared.device,
            limit=shared.limit,
            min_area=shared.min_area,
            seed=shared.seed,
            competitors=listed,
            out=shared.out,
            shard=Shard.parse(shared.shard),
            progress=advance,
            say=_screen.note,
        )
        if not shared.smoke:
            yield make(), request
            return
        _screen.note("smoke run: made-up images and random weights; the figures mean nothing")
        yield make().smoke(request, Path(folder))


def _print(task: Task[Any, Any], evaluation: Evaluation) -> None:
    from sampipe.measure.quality.report import Table

    for part in task.tables(evaluation):
        if isinstance(part, Table):
            right = part.columns[part.words :]
            _screen.print_table(part.rows, columns=part.columns, title=part.title, right=right)
            print()
        else:
            print(part)
    print(evaluation.footer())
