"""``sampipe segment``: masks of what is in some images, by the library's own nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _options as options
from sampipe.cli import _saving

if TYPE_CHECKING:
    from sampipe.graph import Graph

Boxes = Annotated[
    list[str] | None,
    typer.Option(metavar="X1,Y1,X2,Y2", help="A box in pixels around an object; one object for each --box."),
]
Points = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X,Y[,0|1]",
        help="A click in pixels, on the object (1) or beside it (0). All points of one call, "
        "with the --box if there is one, describe one object.",
    ),
]


def segment(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Files, folders, globs such as 'photos/**/*.jpg', or sample:NAME (sample:coffee).",
            show_default=False,
        ),
    ],
    detector: options.Detector = None,
    box: Boxes = None,
    point: Points = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Every object; this is what happens without any prompt.")
    ] = False,
    text: options.Text = None,
    text_mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE", help="How: token, dense, rank or detector; without it, the best there is, which is said."
        ),
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option(help="What reads the --text: words (in the package), ViT-B-32/openai, local-dir:DIR …"),
    ] = None,
    model: options.Model = "nano",
    device: options.Device = "auto",
    confidence: options.Confidence = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Time for each image when all is segmented; the best answer until then.")
    ] = None,
    out: options.Out = Path("out"),
    save: Annotated[
        str, typer.Option(help=f"What to save, comma-separated: {', '.join(_saving.KINDS)}.")
    ] = _saving.DEFAULT,
    json: options.JsonDocument = False,
) -> None:
    """Segment images: everything in them, what a box, points or words say, or what a detector finds.

    Writes DIR/<name>.overlay.png for each image and one DIR/annotations.json
    (COCO) for all of them. An image that cannot be read is reported and the
    rest goes on; the exit code is then 1.
    """
    from sampipe.cli._job import run_job

    kinds = _saving.parse_kinds(save)
    inputs: dict[str, Any] = {}
    if box or point:
        from sampipe.cli._prompts import prompts_from

        inputs["prompts"] = prompts_from(box or (), point or ())
    by_text = text is not None
    _check_one_way(
        [bool(detector) and not by_text, bool(box or point), everything, by_text],
        confidence=confidence,
        detector=detector,
    )
    title = model
    if text is not None:
        from sampipe.cli._text import graph_of_text

        params = {} if confidence is None else {"confidence": confidence}
        graph, how = graph_of_text(
            text, mode=text_mode, clip=clip, detector=detector, params=params, model=model, device=device
        )
        title = f"{model}, {how}"
    else:
        _check_no_text_options(text_mode, clip)
        graph = _graph(detector, confidence, seconds=seconds, prompted=bool(inputs), model=model, device=device)
    run_job(_saving.with_saving(graph, kinds, out), images, inputs=inputs, title=title, json=json)


def _check_no_text_options(text_mode: str | None, clip: str | None) -> None:
    if text_mode is not None or clip is not None:
        raise typer.BadParameter("--text-mode and --clip say how to read a --text: give one, too")


def _check_one_way(ways: list[bool], *, confidence: float | None, detector: str | None) -> None:
    if sum(ways) > 1:
        raise typer.BadParameter("--detector, --everything, --text, and --box or --point exclude each other: give one")
    if confidence is not None and detector is None:
        raise typer.BadParameter("--confidence is a detector's: give --detector, too")


def _graph(
    detector: str | None, confidence: float | None, *, seconds: float | None, prompted: bool, model: str, device: str
) -> Graph:
    from sampipe.graph.chain import as_graph
    from sampipe.graph.registry import detector as find_detector
    from sampipe.nodes import Segment, SegmentEverything, SelectCandidate

    if detector is None and not prompted:
        return as_graph(SegmentEverything(model=model, device=device, seconds=seconds))
    if seconds is not None:
        raise typer.BadParameter("--seconds is for segmenting everything: leave out --detector, --box and --point")
    masks = Segment(model=model, device=device) | SelectCandidate()
    if detector is None:
        return masks
    params = {} if confidence is None else {"confidence": confidence}
    return find_detector(detector, **params) | masks
