"""``sampipe bench``: speed and memory beside the peers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.measure.speed.report import Report


def bench(
    model: Annotated[
        str, typer.Option(help="vit_b, vit_l, vit_h or mobile_sam with random weights, or nano with its own.")
    ] = "vit_b",
    stages: Annotated[
        str,
        typer.Option(
            help="Comma-separated: encode, modes, decode, everything, postprocess, first-mask, nano, pipeline, "
            "scaling, graph, import."
        ),
    ] = "encode,modes,decode,everything,postprocess,first-mask,nano,pipeline,scaling,graph,import",
    peers: Annotated[
        str | None, typer.Option(help="Comma-separated; all that are installed unless given; none for none.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer boxes, masks and rounds: under ten minutes.")] = False,
    rounds: Annotated[int | None, typer.Option(min=1, help="How often each is measured.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of each process; one a core unless given.")] = None,
    clock: Annotated[
        Literal["wall", "cpu"], typer.Option(help="cpu counts processor seconds, for a machine that is not quiet.")
    ] = "wall",
    beside: Annotated[int, typer.Option(min=0, help="Keep so many other processes busy meanwhile.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file, too.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table to this file, too.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the speed-ups into this file (PNG, SVG).")] = None,
) -> None:
    """Speed and memory, measured beside the peers in one run: same weights, same inputs, answers compared."""
    from sampipe.measure.speed.run import Settings, run_bench

    report = run_bench(
        Settings(
            model=model,
            stages=_words(stages),
            peers=None if peers is None else [name for name in _words(peers) if name != "none"],
            device=device,
            threads=threads,
            quick=quick,
            rounds=rounds,
            clock=clock,
            beside=beside,
            log=_screen.note,
        )
    )
    _print(report)
    if json is not None:
        report.write(json)
        print(f"wrote {json}")
    if markdown is not None:
        markdown.write_text(report.markdown(), encoding="utf-8")
        print(f"wrote {markdown}")
    if plot is not None:
        report.plot(plot)
        print(f"wrote {plot}")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _print(report: Report) -> None:
    from sampipe.measure.speed.report import COLUMNS, EXPLANATION

    cells = report.cells()
    if cells:
        _screen.print_table(cells, columns=COLUMNS, right=COLUMNS[2:], title=report.headline(), least_width=100)
        print(f"\n{EXPLANATION}")
    for stage, values in report.extras.items():
        rows = [(name.replace("_", " "), f"{value:.4g}") for name, value in values.items()]
        print()
        _screen.print_table(rows, columns=(stage, "value"), right=("value",))
    for note in report.notes():
        _screen.note(note)
