"""``sampipe video``: the objects of a clip, a camera or a stream, with stable ids."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _options as options
from sampipe.cli import _screen
from sampipe.cli._root import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from sampipe.graph import Graph
    from sampipe.video import Recorded, Recording


def video(
    source: Annotated[
        str,
        typer.Argument(
            metavar="VIDEO",
            help="A file, camera:0, an address such as rtsp://host/stream, or sample:NAME (sample:astronaut).",
            show_default=False,
        ),
    ],
    detector: options.Detector = None,
    text: options.Text = None,
    box: Annotated[
        list[str] | None, typer.Option(metavar="X1,Y1,X2,Y2", help="A box on the first frame; an object for each.")
    ] = None,
    point: Annotated[
        list[str] | None, typer.Option(metavar="X,Y[,0|1]", help="A click on the first frame; all of them, one object.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A graph file to run on every frame, in place of all these.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Frames from one detection to the next.")] = 5,
    confidence: options.Confidence = None,
    model: options.Model = "nano",
    device: options.Device = "auto",
    precision: options.Precision = "exact",
    frames: Annotated[int | None, typer.Option(min=1, help="End after so many.", show_default=False)] = None,
    out: options.Out = Path("out"),
    save: Annotated[str, typer.Option(help="What to save, comma-separated: overlay, rows.")] = "overlay,rows",
    json: options.JsonEvents = False,
) -> None:
    """Segment a video: objects found every few frames, followed between, each with one id.

    Writes DIR/<name>.overlay.mp4 and DIR/<name>.parquet, a row a frame with
    masks as COCO run lengths. Ctrl-C ends both files where they are.
    """
    from sampipe.cli._precision import in_precision
    from sampipe.video import Video, record

    kinds = _kinds(save)
    built, first = _graph(
        graph, detector, text, box or [], point or [], every=every, confidence=confidence, model=model, device=device
    )
    built = in_precision(built, precision, device)
    with Video(source) as opened, _shown(json) as shown:
        recorded = record(built, opened, out, save=kinds, given={0: first}, frames=frames, progress=shown)
    _end(recorded, source, json=json)


def _kinds(save: str) -> tuple[str, ...]:
    from sampipe.video.recording import KINDS

    kinds = tuple(dict.fromkeys(word.strip() for word in save.split(",") if word.strip()))
    if not kinds or not set(kinds) <= set(KINDS):
        raise typer.BadParameter(f"got {save!r}, wanted one or more of {','.join(KINDS)}", param_hint="--save")
    return kinds


def _graph(
    file: Path | None,
    detector: str | None,
    text: str | None,
    box: list[str],
    point: list[str],
    *,
    every: int,
    confidence: float | None,
    model: str,
    device: str,
) -> tuple[Graph, dict[str, Any]]:
    """What runs on each frame, and further inputs for the first."""
    from sampipe.cli._prompts import prompts_from
    from sampipe.cli._text import graph_of_text
    from sampipe.graph import Graph
    from sampipe.graph.chain import as_graph
    from sampipe.graph.registry import detector as find_detector
    from sampipe.nodes import Follow

    ways = {"--graph": file, "--detector or --text": detector or text, "--box or --point": box or point}
    given = [name for name, value in ways.items() if value]
    if len(given) != 1:
        raise typer.BadParameter(f"got {' and '.join(given) or 'nothing to look for'}; give one of {', '.join(ways)}")
    if confidence is not None and detector is None:
        raise typer.BadParameter("--confidence is a detector's: give --detector, too")
    if file is not None:
        return _with_ids(Graph.from_yaml(file)), {}
    if box or point:
        return as_graph(Follow(model=model, device=device)), {"prompts": prompts_from(box, point)}
    params = {} if confidence is None else {"confidence": confidence}
    if text is not None:
        found, how = graph_of_text(
            text, mode=None, clip=None, detector=detector, params=params, model=model, device=device
        )
        _screen.note(f"text by {how}")
    else:
        found = as_graph(find_detector(detector or "", **params))
    return as_graph(Follow.of(found, every=every, model=model, device=device)), {}


def _with_ids(graph: Graph) -> Graph:
    """The graph; behind one whose masks get no ids, a tracker."""
    from sampipe.nodes import Follow, Track
    from sampipe.types import Masks

    has_ids = any(isinstance(node, (Follow, Track)) for node in graph.nodes.values())
    return graph if has_ids or graph.outputs_of(Masks) != ("masks",) else graph | Track()


@contextmanager
def _shown(json: bool) -> Iterator[Callable[[Recording], None]]:
    """Events on stdout, or a bar on a terminal."""
    with _screen.progress_bar("frames") as advance:

        def tell(now: Recording) -> None:
            if json:
                _event("frame", done=now.done, total=now.total, objects=now.objects)
            advance(now.done, now.total, f"{now.frames_per_second:.1f} frames/s, {now.objects} objects")

        yield tell


def _end(recorded: Recorded, source: str, *, json: bool) -> None:
    """Say what came of it; the exit code tells whether it was all."""
    if json:
        _event("end", **{**asdict(recorded), "files": [str(file) for file in recorded.files]})
    else:
        rate = recorded.frames / max(recorded.seconds, 1e-9)
        tracks = f"{_count(recorded.tracks, 'object')}, " if recorded.tracks else ""
        print(
            f"{tracks}{_count(recorded.masks, 'mask')} in {_count(recorded.frames, 'frame')}; "
            f"{recorded.seconds:.1f} s, {rate:.1f} frames/s"
        )
        print(*recorded.files, sep="\n")
    for number, what in (
        (recorded.dropped, "came too fast and were left out"),
        (recorded.failed, "failed; their rows say why"),
        (recorded.resized, "of another size than the first; the overlay shows them scaled to fit"),
    ):
        if number:
            _screen.note(f"{_count(number, 'frame')} {what}")
    if recorded.damaged:
        _screen.note(f"{_count(recorded.damaged, 'packet')} of {source} could not be decoded")
    if recorded.breaks_off:
        _screen.note(f"error: {source} breaks off: {recorded.breaks_off}")
    if recorded.interrupted:
        _screen.note("interrupted: the files hold what was done")
        raise typer.Exit(INTERRUPTED)
    if recorded.breaks_off or recorded.failed:
        raise typer.Exit(FAILED)


def _event(kind: str, **values: Any) -> None:
    print(json_module.dumps({"event": kind, **values}, allow_nan=False), file=sys.stdout, flush=True)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
