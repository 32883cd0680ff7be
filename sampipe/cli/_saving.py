"""Save nodes at the end of a graph, and where their files go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sampipe.graph import Graph, Node
    from sampipe.graph.result import Result
    from sampipe.nodes.export._stems import FileStems
    from sampipe.types import Image, Masks

_FILES = {
    "overlay": "{stem}.overlay.png",
    "png": "{stem}.labels.png",
    "yolo": "{stem}.txt",
    "labelme": "{stem}.json",
    "label_studio": "{stem}.task.json",
    "voc": "SegmentationObject/{stem}.png",
    "geojson": "{stem}.geojson",
    "svg": "{stem}.svg",
    "cutouts": "{stem}.0*.png",
}
COLLECTED = {"coco": "annotations.json", "cvat": "annotations.xml"}
_SHARED_FILES = {**COLLECTED, "yolo": "classes.txt", "voc": "classes.txt"}
KINDS = (*_FILES, *COLLECTED)
DEFAULT = "overlay,coco"
_IMAGE = "_image"  # an output of the graph besides its own: the image itself


@dataclass(frozen=True)
class Saver:
    """A save node, what it saves and the folder it saves to."""

    kind: str
    node: Any
    folder: Path


@dataclass(frozen=True)
class Saving:
    """A graph whose outputs become files.

    Args:
        graph: with save nodes, and the image as one more output.
        folder: where the files go.
        masks_outputs: the names of its outputs that are Masks.
        pictures: the names of its outputs that are an Image and become files.
        savers: the save nodes that were added.
        stems: the names of the pictures' files.
    """

    graph: Graph
    folder: Path
    masks_outputs: tuple[str, ...]
    pictures: tuple[str, ...]
    savers: tuple[Saver, ...]
    stems: FileStems

    def image(self, result: Result) -> Image:
        """The image that a result is about."""
        image: Image = result[_IMAGE]
        return image

    def masks(self, result: Result) -> list[Masks]:
        """All masks of a result."""
        return [result[name] for name in self.masks_outputs]

    def files(self, result: Result) -> list[Path]:
        """The files that the save nodes wrote for this image alone."""
        image = self.image(result)
        return [
            path
            for saver in self.savers
            if saver.kind in _FILES
            for path in sorted(saver.folder.glob(_FILES[saver.kind].format(stem=escape(saver.node.stems.of(image)))))
        ]

    def save_pictures(self, result: Result) -> list[Path]:
        """Write the outputs that are images; ``<stem>.<output>.png`` each."""
        from sampipe._files import write_atomic
        from sampipe.formats.labels import png_bytes

        stem = self.stems.of(self.image(result))
        files = {self.folder / f"{stem}.{name}.png": result[name] for name in self.pictures}
        for path, picture in files.items():
            write_atomic(path, png_bytes(picture.pixels))
        return list(files)

    def settle(self, stems: Mapping[str, str]) -> None:
        """Say beforehand which stem the files of each source get, whichever of them come in this process."""
        for one in (self.stems, *(saver.node.stems for saver in self.savers if saver.kind in _FILES)):
            one.settle(stems)

    def shared_files(self) -> list[Path]:
        """The files that are about all images of the job."""
        return [saver.folder / _SHARED_FILES[saver.kind] for saver in self.savers if saver.kind in _SHARED_FILES]


def parse_kinds(text: str) -> tuple[str, ...]:
    """``overlay,coco`` as names, each once.

    Raises:
        typer.BadParameter: a name that is none, or no name.
    """
    kinds = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not kinds or not set(kinds) <= set(KINDS):
        raise typer.BadParameter(f"got {text!r}, wanted one or more of {','.join(KINDS)}", param_hint="--save")
    return kinds


def with_saving(graph: Graph, kinds: Sequence[str], folder: Path) -> Saving:
    """``graph`` with save nodes on each output that is Masks; with no kinds, nothing at all is saved.

    The files of one such output go to ``folder``; of several, each to a folder in it, of the output's name.

    Raises:
        OSError: ``folder`` cannot be made.
    """
    from sampipe.graph import Graph
    from sampipe.graph.wiring import Source
    from sampipe.nodes.export._stems import FileStems
    from sampipe.types import Image, Masks

    masks = graph.outputs_of(Masks)
    image = Source(None, "image")
    nodes, wires, savers = dict(graph.nodes), dict(graph.wires), []
    for name in masks:
        inside = folder / name if len(masks) > 1 else folder
        for kind in kinds:
            inside.mkdir(parents=True, exist_ok=True)
            saver = Saver(kind, _node(kind, inside), inside)
            savers.append(saver)
            nodes[f"save_{kind}_of_{name}"] = saver.node
            wires[f"save_{kind}_of_{name}"] = {"image": image, "masks": graph.outputs[name]}
    return Saving(
        graph=Graph(graph.inputs, nodes, wires, {**graph.outputs, _IMAGE: image}),
        folder=folder,
        masks_outputs=masks,
        pictures=graph.outputs_of(Image) if kinds else (),
        savers=tuple(savers),
        stems=FileStems(),
    )


def _node(kind: str, folder: Path) -> Node:
    from sampipe import nodes

    if kind in COLLECTED:
        collecting = {"coco": nodes.SaveCoco, "cvat": nodes.SaveCvat}
        return collecting[kind](path=str(folder / COLLECTED[kind]))
    saving = {
        "overlay": nodes.SaveOverlay,
        "png": nodes.SavePng,
        "yolo": nodes.SaveYolo,
        "labelme": nodes.SaveLabelMe,
        "label_studio": nodes.SaveLabelStudio,
        "voc": nodes.SaveVoc,
        "geojson": nodes.SaveGeoJson,
        "svg": nodes.SaveSvg,
        "cutouts": nodes.SaveCutouts,
    }
    return saving[kind](directory=str(folder))
