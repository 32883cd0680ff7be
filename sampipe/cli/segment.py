"""``sampipe segment`` and ``sampipe try``: masks of what is in some images, by the library's own nodes."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sampipe.cli import _options as options
from sampipe.cli import _saving, _screen
from sampipe.cli._root import STARTED

if TYPE_CHECKING:
    from sampipe.graph import Graph

_FIRST = "sample:coffee"


class Shapes(str, Enum):
    """How ``--json`` writes an object's shape."""

    rle = "rle"
    polygon = "polygon"


Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMAGE...",
        help="Files, folders, globs such as 'photos/**/*.jpg', URLs, sample:NAME, or - for stdin. Without any, "
        f"{_FIRST}.",
        show_default=False,
    ),
]
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
Objects = Annotated[
    list[str] | None,
    typer.Option(
        "--object",
        metavar="WHAT",
        help="One object by any of box=X1,Y1,X2,Y2, clicks on it (+X,Y) and beside it (-X,Y), and a name: "
        "--object 'box=40,30,200,180 +90,80 -50,40 label=cup'. Repeat it for more.",
    ),
]
Everything = Annotated[
    bool, typer.Option("--everything", help="Every object; this is what happens without any prompt.")
]
TextModeOption = Annotated[
    str | None,
    typer.Option(metavar="MODE", help="How: token, dense, rank, detector or model; without it, the best there is."),
]
Clip = Annotated[
    str | None, typer.Option(help="What reads the --text: words (in the package), ViT-B-32/openai, local-dir:DIR …")
]
TextThreshold = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Score below which what --text found is not drawn.", show_default="0.25"),
]
Seconds = Annotated[
    float | None, typer.Option(min=0, help="Time for each image when all is segmented; the best answer until then.")
]
Save = Annotated[
    str,
    typer.Option(
        help="What to save, comma-separated: overlay, blur (the background), pixelate (the objects), any format of "
        "`sampipe data formats`, or none."
    ),
]
ShapesOption = Annotated[Shapes | None, typer.Option(help="With --json: each object's shape, too.")]
Timing = Annotated[bool, typer.Option("--timing", help="Say how long start, torch, model and images took.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the job in DIR: only what is not done.")]


def segment(
    images: Images = None,
    detector: options.Detector = None,
    box: Boxes = None,
    point: Points = None,
    object_: Objects = None,
    everything: Everything = False,
    text: options.Text = None,
    text_mode: TextModeOption = None,
    clip: Clip = None,
    text_threshold: TextThreshold = None,
    model: options.Model = "nano",
    device: options.Device = "auto",
    precision: options.Precision = "exact",
    batch_size: options.BatchSize = 1,
    confidence: options.Confidence = None,
    seconds: Seconds = None,
    out: options.Out = Path("out"),
    save: Save = _saving.DEFAULT,
    place: options.Place = None,
    recursive: options.Recursive = False,
    resume: Resume = False,
    json: options.JsonDocument = False,
    shapes: ShapesOption = None,
    timing: Timing = False,
) -> None:
    """Segment images: everything in them, what a box, points or words say, or what a detector finds.

    Writes DIR/<name>.overlay.png for each image, one DIR/annotations.json (COCO)
    for all of them; what an earlier run wrote there is replaced, all of it. A
    job as of `sampipe run`: an image that cannot be read does not stop the
    others (the exit code is then 1), and what was stopped resumes with --resume.
    """
    from sampipe.cli._job import Request, run_job
    from sampipe.cli._precision import in_precision
    from sampipe.cli._prompts import prompts_from
    from sampipe.cli._reports import Document, Table

    prompted = bool(box or point or object_)
    _check_options([bool(detector) and text is None, prompted, everything, text is not None], confidence, detector)
    words = TextQuestion(text, text_mode, clip, text_threshold)
    graph, title = _graph(words, detector, confidence, seconds=seconds, prompted=prompted, model=model, device=device)
    graph = in_precision(graph, precision, device)
    request = Request(
        graph=graph,
        words=images or ([] if resume else [_first_image()]),
        folder=out,
        kinds=() if save == "none" else _saving.parse_kinds(save),
        inputs={"prompts": prompts_from(box or (), point or (), object_ or ())} if prompted else {},
        batch_size=batch_size,
        resume=resume,
        replace_finished=True,
        recursive=recursive,
        place=place,
    )
    costly = seconds is None and not (detector or prompted or text)
    report = Document(shapes) if json else Table(title, costly=costly)
    with _timed(graph) if timing else nullcontext():
        run_job(request, report)


@contextmanager
def _timed(graph: Graph) -> Iterator[None]:
    """Load what the graph needs; at the end, say how long each part of the process took."""
    marks = {"start": time.perf_counter() - STARTED}
    for name, act in (("torch", lambda: importlib.import_module("torch")), ("model", graph.warm)):
        began = time.perf_counter()
        act()
        marks[name] = time.perf_counter() - began
    began = time.perf_counter()
    try:
        yield
    finally:
        marks["images"] = time.perf_counter() - began
        _screen.note(", ".join(f"{name} {seconds:.2f} s" for name, seconds in marks.items()))


def try_it(out: options.Out = Path("out")) -> None:
    """The first masks: everything in an image that is installed with sampipe, in out/coffee.overlay.png."""
    segment([_FIRST], out=out)
    print(f"look at {out / 'coffee.overlay.png'}; next: sampipe segment PHOTO.jpg, or the page, sampipe demo")


def _check_options(ways: list[bool], confidence: float | None, detector: str | None) -> None:
    if sum(ways) > 1:
        raise typer.BadParameter(
            "--detector, --everything, --text, and --box, --point or --object exclude each other: give one"
        )
    if confidence is not None and detector is None:
        raise typer.BadParameter("--confidence is a detector's: give --detector, too")


def _first_image() -> str:
    _screen.note(f"no image is given, so this is {_FIRST}; try `sampipe segment PHOTO.jpg` next")
    return _FIRST


class TextQuestion(NamedTuple):
    """What is looked for, and how."""

    text: str | None
    mode: str | None
    clip: str | None
    threshold: float | None


def _graph(
    words: TextQuestion,
    detector: str | None,
    confidence: float | None,
    *,
    seconds: float | None,
    prompted: bool,
    model: str,
    device: str,
) -> tuple[Graph, str]:
    """The graph that does what was asked for, and its title: the model, and how words are read."""
    from sampipe.graph.chain import as_graph
    from sampipe.graph.registry import detector as find_detector
    from sampipe.nodes import Segment, SegmentEverything, SelectCandidate

    params = {} if confidence is None else {"confidence": confidence}
    if words.text is not None:
        from sampipe.cli._text import graph_of_text

        graph, how = graph_of_text(**words._asdict(), detector=detector, params=params, model=model, device=device)
        return graph, f"{model}, {how}"
    if any(value is not None for value in words):
        raise typer.BadParameter("--text-mode, --clip and --text-threshold say how to read a --text: give one, too")
    if detector is None and not prompted:
        return as_graph(SegmentEverything(model=model, device=device, seconds=seconds)), model
    if seconds is not None:
        raise typer.BadParameter("--seconds is for segmenting everything: leave out --detector, --box and --point")
    masks = Segment(model=model, device=device) | SelectCandidate()
    return (masks if detector is None else find_detector(detector, **params) | masks), model
