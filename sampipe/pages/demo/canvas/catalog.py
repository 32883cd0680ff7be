"""What the canvas knows of the node types: ports, parameters, and what is missing before one can run."""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import Any

import sampipe.types
from sampipe.errors import SampipeError
from sampipe.graph import Node, fields
from sampipe.graph.fields import NodeField, plain
from sampipe.graph.names import snake_case
from sampipe.graph.ports import Port, Ports, fits, ports_of, type_name
from sampipe.graph.registry import node_types

GIVEN = {
    "image": (sampipe.types.Image, "The image of the page."),
    "prompts": (sampipe.types.Prompts, "Clicks and boxes on the image of the page."),
    "text": (sampipe.types.Text, "Words, typed on the canvas."),
}
"""What a page can give a graph as an input, by the name that it gets: its type and what it is."""
_KINDS = {bool: "switch", int: "whole", float: "number", str: "text"}
_ROOMS = {"prompts": "Prompts", "segment": "Segment", "masks": "Masks", "text": "Text", "video": "Video"}


@cache
def catalog() -> dict[str, Any]:
    """All node types, the inputs that a page gives, and which types of ports fit together."""
    types = node_types()
    ports_by_type = {type_id: _ports(cls) for type_id, cls in types.items()}
    kinds: dict[str, Any] = {type_name(kind): kind for kind, _ in GIVEN.values()}
    for ports, _ in ports_by_type.values():
        kinds |= {type_name(one.type): one.type for one in (*ports.inputs.values(), *ports.outputs.values())}
    pairs = itertools.product(kinds.items(), repeat=2)
    return {
        "types": {type_id: _entry(cls, *ports_by_type[type_id]) for type_id, cls in types.items()},
        "inputs": {name: {"type": type_name(kind), "help": told} for name, (kind, told) in GIVEN.items()},
        "fits": [[given, wanted] for (given, one), (wanted, other) in pairs if fits(one, other)],
    }


def _ports(cls: type[Node]) -> tuple[Ports, str]:
    """Its ports; those of a node that is not sound are none, and why: it costs itself, not the canvas."""
    try:
        return ports_of(cls), ""
    except SampipeError as error:
        return Ports({}, {}), str(error)


def _entry(cls: type[Node], ports: Ports, fault: str) -> dict[str, Any]:
    return {
        "title": cls.__name__,
        "name": snake_case(cls.__name__),
        "category": _category(cls, ports),
        "help": (cls.__doc__ or "").strip().partition("\n")[0].replace("`", ""),
        "missing": fault or _missing(cls),
        "saves": not cls.pure and not cls.stateful,
        "inputs": [_port(one) for one in ports.inputs.values()],
        "outputs": [_port(one) for one in ports.outputs.values()],
        "params": [_param(one) for one in fields(cls) if not one.name.startswith("_")],
    }


def _category(cls: type[Node], ports: Ports) -> str:
    """Nodes of sampipe by what they work on, those of vendors by what they give."""
    if cls.__module__.startswith("sampipe."):
        room = cls.__module__.removeprefix("sampipe.nodes.").partition(".")[0]
        return _ROOMS.get(room, "More")
    given = {type_name(port.type) for port in ports.outputs.values()}
    return "Detectors" if "Prompts" in given else "Segment" if "Masks" in given else "More"


def _missing(cls: type[Node]) -> str:
    """What to do before a node of this type can run here with its defaults; "" if nothing."""
    if any(one.required for one in fields(cls)):
        return ""
    try:
        return "; ".join(one.fix for one in cls().requirements() if not one.is_met())
    except SampipeError as error:
        return str(error)
    except Exception as error:  # a plugin's own code: its mistake costs this node, not the canvas
        return f"{cls.__name__}.requirements() failed: {type(error).__name__}: {error}"


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "type": type_name(port.type), "required": port.required}


def _default(field: NodeField) -> Any:
    """As JSON; None for what has none, and for a plugin's default that JSON cannot hold."""
    default = None if field.required else plain(field.default)
    try:
        json.dumps(default, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return default


def _param(field: NodeField) -> dict[str, Any]:
    ge, gt, le, lt = field.limits
    return {
        "name": field.name,
        "kind": "choice" if field.choices else _KINDS.get(field.type, "json"),
        "default": _default(field),
        "optional": field.optional,
        "least": gt if ge is None else ge,
        "most": lt if le is None else le,
        "choices": [*([None] if field.optional else []), *field.choices],
        "help": field.help,
    }
