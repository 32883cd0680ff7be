"""``sampipe eval text``: masks from words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate._options import Device, JsonFile, Limit, Model, Out, PlotFile, Seed, ShardText
from sampipe.cli.evaluate._tables import interval, number, versions_line, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation


def text(
    data: Annotated[
        str | None,
        typer.Option(help="A COCO folder, or 'scenes': drawn things with sentences about them.", show_default=False),
    ] = None,
    model: Model = "nano",
    text_mode: Annotated[
        str | None, typer.Option(metavar="MODE", help="token, dense or rank; without it, the best there is.")
    ] = None,
    clip: Annotated[
        str | None, typer.Option(help="What reads the words: words (in the package), ViT-B-32/openai, local-dir:DIR …")
    ] = None,
    limit: Limit = None,
    min_area: Annotated[
        int, typer.Option(min=0, help="A class counts on a picture when it covers so many square pixels of it.")
    ] = 0,
    seed: Seed = 0,
    proposals: Annotated[
        int, typer.Option(min=1, help="Points along a side of the grid that the largest proposal comes from.")
    ] = 8,
    device: Device = "auto",
    out: Out = None,
    shard: ShardText = "1/1",
    json: JsonFile = None,
    plot: PlotFile = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Only see that it runs: two drawn scenes, no --data.")] = False,
) -> None:
    """Masks from words: each class that is on a picture, asked for by its name, beside two answers that do not read."""
    from sampipe.eval.plots import check_plot, plot_text
    from sampipe.eval.results import Shard, Unfinished
    from sampipe.eval.text import RIVALS, SCENES, evaluate_text

    if smoke == (data is not None):
        raise typer.BadParameter("give --data DIR, --data scenes, or --smoke to see that the command runs")
    check_plot(plot)
    try:
        with _screen.progress_bar("measuring") as advance:
            evaluation = evaluate_text(
                model,
                data or SCENES,
                mode=text_mode,
                clip=clip,
                device=device,
                limit=2 if smoke else limit,
                min_area=min_area,
                seed=seed,
                points_per_side=1 if smoke else proposals,
                out=out,
                shard=Shard.parse(shard),
                progress=advance,
            )
    except Unfinished as so_far:
        _screen.note(str(so_far))
        raise typer.Exit from None
    _print(evaluation)
    write_files(evaluation, json, plot, lambda path: plot_text(evaluation, RIVALS, path))


def _print(evaluation: Evaluation) -> None:
    from sampipe.eval.text import COMMONEST, RIVALS

    summary = evaluation.summary
    names = {"": "answer", **{f"{rival}_": rival for rival in RIVALS}}
    rows = [
        (name, number(summary[f"{key}mean_iou"]), interval(summary[f"{key}mean_iou_interval"]))
        for key, name in names.items()
    ]
    title = f"{evaluation.model}, {summary['way']}: {summary['questions']} questions about {summary['images']} images"
    _screen.print_table(rows, columns=("masks by", "mean IoU", "95 % interval"), title=title, right=("mean IoU",))
    classes = summary["classes"][:COMMONEST]
    cells = [
        (one["phrase"], str(one["images"]), *(number(one[f"{key}mean_iou"], ".3f") for key in names)) for one in classes
    ]
    if classes[0]["images"] > 1 and len(classes) > 1:
        mean = ("mean of these", "", *(number(summary[f"{key}commonest_mean_iou"], ".3f") for key in names))
        columns = ("commonest", "images", *names.values())
        print()
        _screen.print_table([*cells, mean], columns=columns, right=columns[1:])
    print(f"\nAP50 {number(summary['ap50'])}, {summary['seconds_per_image']:.2f} s an image once it is encoded")
    print(versions_line(evaluation))
