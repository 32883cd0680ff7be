"""Save nodes at the end of a graph, and where their files go."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sampipe._files import write_atomic

if TYPE_CHECKING:
    from sampipe.data.names import FileStems
    from sampipe.graph import Graph
    from sampipe.graph.result import Result
    from sampipe.nodes import SaveOverlay

OVERLAY = "overlay"
HIDING = {"blur": "BlurBackground", "pixelate": "Pixelate"}  # images that a node makes of image and masks
_WRITTEN = ".sampipe-files"  # what a run wrote into a folder, so that the next one replaces it as a set
DEFAULT = "overlay,coco"
_IMAGE = "_image"  # an output of the graph besides its own: the image itself


@dataclass(frozen=True)
class Saving:
    """A graph whose outputs become images; everything else is made of a job's rows.

    Args:
        graph: with a node that draws overlays on each output that is Masks, and the image as one more output.
        folder: where the files go.
        images: the names of its outputs that are an Image and become files.
        overlays: the nodes that were added, each with its folder.
        stems: the names of the images' files.
    """

    graph: Graph
    folder: Path
    images: tuple[str, ...]
    overlays: tuple[tuple[Path, SaveOverlay], ...]
    stems: FileStems

    def files_of(self, stem: str) -> list[Path]:
        """The files about one image, by the name that its manifest gives them."""
        drawn = [folder / f"{stem}.overlay.png" for folder, _ in self.overlays]
        return [*drawn, *(self.folder / f"{stem}.{name}.png" for name in self.images)]

    def save_images(self, result: Result) -> None:
        """Write the outputs that are images; ``<stem>.<output>.png`` each."""
        from sampipe.data.quick_png import quick_png

        stem = self.stems.of(result[_IMAGE])
        for name in self.images:
            write_atomic(self.folder / f"{stem}.{name}.png", quick_png(result[name].pixels))

    def settle(self, stems: Mapping[str, str]) -> None:
        """Say beforehand what the files of each source are called, whichever of them come in this process."""
        for one in (self.stems, *(node.stems for _, node in self.overlays)):
            one.settle(stems)


def kinds() -> tuple[str, ...]:
    """What ``--save`` knows: what is drawn, and every format that is written."""
    from sampipe.data.formats import WRITABLE

    return (OVERLAY, *HIDING, *WRITABLE)


def shared_names(kind: str) -> tuple[str, ...]:
    """The files about all images that saving in a format writes."""
    from sampipe.data.formats import FORMATS

    known = FORMATS.get(kind)
    if known is None:
        return ()
    return (*((known.index,) if known.index else ()), *known.shared)


def parse_kinds(text: str) -> tuple[str, ...]:
    """``overlay,coco`` as names, each once.

    Raises:
        typer.BadParameter: a name that is none, no name, or two formats that write the same files.
    """
    from sampipe.data.formats import FORMATS

    known = kinds()
    found = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not found or not set(found) <= set(known):
        raise typer.BadParameter(f"got {text!r}, wanted one or more of {','.join(known)}", param_hint="--save")
    writes: dict[str, str] = {}
    for kind in found:
        for name in filter(None, (*shared_names(kind), FORMATS[kind].files if kind in FORMATS else None)):
            if name in writes:
                raise typer.BadParameter(
                    f"{writes[name]} and {kind} both write {name}; save them into two folders", param_hint="--save"
                )
            writes[name] = kind
    return found


def with_saving(graph: Graph, kinds: Sequence[str], folder: Path) -> Saving:
    """``graph`` with what ``kinds`` draw of each output that is Masks: overlays, and images that hide a part.

    The overlays of one such output go to ``folder``; of several, each to a folder in it, of the output's name.

    Raises:
        OSError: ``folder`` cannot be made.
    """
    from sampipe.data.names import FileStems
    from sampipe.graph import Graph
    from sampipe.graph.wiring import Source
    from sampipe.nodes import SaveOverlay
    from sampipe.types import Image, Masks

    image = Source(None, "image")
    graph = _with_hidden(graph, [kind for kind in kinds if kind in HIDING])
    nodes, wires, overlays = dict(graph.nodes), dict(graph.wires), []
    for name in graph.outputs_of(Masks) if OVERLAY in kinds else ():
        inside = folder_of(graph, name, folder)
        inside.mkdir(parents=True, exist_ok=True)
        node = SaveOverlay(directory=str(inside))
        overlays.append((inside, node))
        nodes[f"overlay_of_{name}"] = node
        wires[f"overlay_of_{name}"] = {"image": image, "masks": graph.outputs[name]}
    return Saving(
        graph=Graph(graph.inputs, nodes, wires, {**graph.outputs, _IMAGE: image}),
        folder=folder,
        images=graph.outputs_of(Image) if kinds else (),
        overlays=tuple(overlays),
        stems=FileStems(),
    )


def _with_hidden(graph: Graph, kinds: Sequence[str]) -> Graph:
    """``graph`` with an image output for each kind: what is not an object blurred, or the objects pixelated."""
    from sampipe import nodes as known
    from sampipe.graph import Graph
    from sampipe.graph.wiring import Source
    from sampipe.types import Masks

    nodes, wires, outputs = dict(graph.nodes), dict(graph.wires), dict(graph.outputs)
    named = graph.outputs_of(Masks)
    for kind in kinds:
        for name in named:
            made = kind if len(named) == 1 else f"{name}_{kind}"
            nodes[made] = getattr(known, HIDING[kind])()
            wires[made] = {"image": Source(None, "image"), "masks": graph.outputs[name]}
            outputs[made] = Source(made, "image")
    return Graph(graph.inputs, nodes, wires, outputs)


def folder_of(graph: Graph, output: str, folder: Path) -> Path:
    """Where the files about one output of masks go."""
    from sampipe.types import Masks

    return folder / output if len(graph.outputs_of(Masks)) > 1 else folder


def replace_earlier(folder: Path, written: Sequence[Path]) -> int:
    """Remove what an earlier run wrote into the folder and this one did not, and note what this one wrote.

    Returns:
        How many files were removed.
    """
    now = {seen_from(file, folder) for file in written}
    gone = [name for name in earlier_files(folder) if name not in now and _stays_inside(name)]
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    write_atomic(folder / _WRITTEN, "\0".join(sorted(now)).encode())
    return len(gone)


def earlier_files(folder: Path) -> set[str]:
    """What an earlier run wrote into the folder, as seen from it."""
    note = folder / _WRITTEN
    return set(filter(None, note.read_text(encoding="utf-8").split("\0"))) if note.is_file() else set()


def seen_from(file: Path, folder: Path) -> str:
    """The path of a file from a folder."""
    return os.path.relpath(file, folder)


def _stays_inside(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts
