"""What comes into a port from outside: anything that is an image becomes an Image, the rest must fit."""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe.errors import DataError, PortTypeError
from sampipe.graph.ports import Port, accepts
from sampipe.types import Image, Masks, Prompts, Text
from sampipe.types._image_kinds import KINDS, is_image_like

if TYPE_CHECKING:
    from sampipe.graph.node import Node

_MAKERS: Mapping[Any, str] = {
    Image: f"Whatever sp.Image.open takes will do: {KINDS}.",
    Prompts: "sp.Prompts.object(box=..., points=...), from_boxes, from_points and from_supervision make them.",
    Masks: "A Segment node, sp.Masks.from_binary, from_rle and from_supervision make them.",
    Text: "sp.Text.of('a cup, a spoon') makes it.",
}


def admit(value: Any, port: Port, where: str) -> Any:
    """``value`` as ``port`` takes it.

    Args:
        where: what messages call the port: ``"Graph input 'image'"``.

    Raises:
        PortTypeError: it does not fit; says what makes what is wanted.
        DataError: an image that cannot be read.
    """
    if accepts(value, port.type):
        return value
    if _wants_image(port.type) and is_image_like(value):
        try:
            return Image.open(value)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
    raise PortTypeError(f"{where} got {given(value)}; wanted {port}.{_hint(value, port.type)}")


def admit_all(node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a node that is called directly."""
    ports = node.ports.inputs
    name = type(node).__name__

    def one(port: Port, value: Any) -> Any:
        return value if value is None and not port.required else admit(value, port, f"{name}, input {port.name!r},")

    first = tuple(one(port, value) for port, value in zip(ports.values(), args, strict=False))
    return (*first, *args[len(first) :]), {
        key: one(ports[key], value) if key in ports else value for key, value in kwargs.items()
    }


def refuse_single(items: object) -> None:
    """``map`` of one thing where it takes several.

    Raises:
        DataError: a string, a path, bytes, an Image or a mapping, over whose parts nobody means to run.
    """
    if isinstance(items, (str, os.PathLike)):
        name = os.fspath(items)
        folder, _, pattern = str(name).rpartition("/")
        several = f"sorted(Path({folder or '.'!r}).glob({pattern!r}))" if "*" in pattern else f"[{name!r}]"
        raise DataError(f"map: got the text {name!r}, wanted several items, such as graph.map({several})")
    if isinstance(items, (bytes, Image, Mapping)):
        raise DataError(
            f"map: got {given(items)}, wanted several items: a list of images, for one image run(image=...)"
        )


def given(value: object) -> str:
    """What a message says that it was given."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__!r}"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _wants_image(wanted: Any) -> bool:
    return wanted is Image or Image in typing.get_args(wanted)


def _hint(value: object, wanted: Any) -> str:
    if isinstance(value, type):
        return f" {value.__name__}(...) makes one of the class."
    if (
        isinstance(value, (list, tuple))
        and value
        and all(isinstance(one, Prompts) for one in value)
        and wanted is Prompts
    ):
        return " sp.Prompts.concat joins several to one."
    if type(value).__name__ == "Detections" and wanted in (Prompts, Masks):
        return f" sp.{wanted.__name__}.from_supervision(detections, ...) makes them."
    for one in (wanted, *typing.get_args(wanted)):
        if one in _MAKERS:
            return f" {_MAKERS[one]}"
    return ""
