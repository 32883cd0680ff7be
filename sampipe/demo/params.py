"""A node's parameters as widgets: kind, range and help are read from the node class itself."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, cast

import gradio as gr

from sampipe.errors import DataError, SampipeError
from sampipe.graph import Node

Kind = Literal["switch", "choice", "whole", "number", "text", "json"]
_NOWHERE = float("nan")  # fits no parameter, so the node says what it wants


@dataclass(frozen=True)
class Param:
    """One parameter.

    Args:
        name: of the field.
        kind: what sort of widget suits it.
        default: None where there is none.
        optional: None is a value of its own.
        least, most: the range that the node states, if it does.
        choices: of a choice.
        help: from the docstring's Args.
    """

    name: str
    kind: Kind
    default: Any
    optional: bool
    least: float | None
    most: float | None
    choices: tuple[Any, ...]
    help: str

    @property
    def plain_default(self) -> Any:
        """The default as a graph file holds it."""
        return _plain(self.default)


def params_of(cls: type[Node]) -> tuple[Param, ...]:
    """The parameters of a node class, in order."""
    return _params_of(cast("Any", cls))


@functools.cache
def _params_of(cls: Any) -> tuple[Param, ...]:
    hints, helps = typing.get_type_hints(cls), _helps(cls)
    found = []
    for field in dataclasses.fields(cast("Any", cls)):
        kind, optional, choices = _kind(hints[field.name])
        default = None if field.default is dataclasses.MISSING else field.default
        least, most = _range(cls, field.name) if kind in ("whole", "number") else (None, None)
        found.append(Param(field.name, kind, default, optional, least, most, choices, helps.get(field.name, "")))
    return tuple(found)


def widget(param: Param, value: Any, *, label: str = "") -> gr.components.Component:
    """A widget that shows ``value``."""
    common: dict[str, Any] = {"label": label or param.name, "info": param.help or None, "interactive": True}
    if param.kind == "switch":
        return gr.Checkbox(bool(value), **common)
    if param.kind == "choice":
        return gr.Dropdown([*param.choices], value=value, **common)
    if param.kind in ("whole", "number"):
        step = 1 if param.kind == "whole" else 0.01
        if param.least is not None and param.most is not None and value is not None:
            return gr.Slider(param.least, param.most, value, step=step, **common)
        if param.optional:  # an empty number would come back as 0
            return gr.Textbox("" if value is None else str(value), placeholder="left open", max_lines=1, **common)
        precision = 0 if param.kind == "whole" else None
        return gr.Number(value, minimum=param.least, maximum=param.most, precision=precision, **common)
    if param.kind == "text":
        return gr.Textbox(value or "", max_lines=2, **common)
    return gr.Textbox("" if value is None else json.dumps(_plain(value)), max_lines=4, **common)


def value_of(param: Param, shown: Any) -> Any:
    """What a widget holds, as the parameter's value.

    Raises:
        DataError: a text that should be JSON and is not.
    """
    if param.kind == "switch":
        return bool(shown)
    if shown is None or (shown == "" and (param.optional or param.kind == "json")):
        return None if param.optional else _plain(param.default)
    if param.kind in ("whole", "number"):
        try:
            return int(shown) if param.kind == "whole" else float(shown)
        except ValueError as error:
            raise DataError(f"{param.name}: {str(shown)[:40]!r} is not a number.") from error
    if param.kind == "json":
        try:
            return json.loads(shown)
        except ValueError as error:
            raise DataError(f'{param.name}: {shown[:40]!r} is not JSON ({error}); write [1, 2] or "text".') from error
    return shown


def changed(params: tuple[Param, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ from the defaults, as a graph file holds them."""
    return {param.name: values[param.name] for param in params if values[param.name] != param.plain_default}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _kind(annotation: Any) -> tuple[Kind, bool, tuple[Any, ...]]:
    parts = [annotation]
    if typing.get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        optional = len(parts) < len(typing.get_args(annotation))
    else:
        optional = False
    if len(parts) != 1:
        return "json", optional, ()
    (only,) = parts
    if typing.get_origin(only) is Literal:
        choices = typing.get_args(only)
        return "choice", optional, ((None, *choices) if optional else choices)
    kinds: dict[Any, Kind] = {bool: "switch", int: "whole", float: "number", str: "text"}
    return kinds.get(only, "json"), optional, ()


def _range(cls: type[Node], name: str) -> tuple[float | None, float | None]:
    """What the node answers when the parameter fits nowhere: "wanted a number from 0 to 1"."""
    try:
        cls(**{name: _NOWHERE})
    except SampipeError as error:
        said = str(error)
    except Exception:  # a third party's check may fail in any way; then there is no stated range
        return None, None
    else:
        return None, None
    number = r"(-?\d+(?:\.\d+)?)"
    both = re.search(rf"from {number} to {number}", said) or re.search(rf"{number}\.\.{number}", said)
    if both:
        return float(both[1]), float(both[2])
    least, most = re.search(rf"at least {number}", said), re.search(rf"at most {number}", said)
    return (float(least[1]) if least else None), (float(most[1]) if most else None)


def _helps(cls: type[Node]) -> dict[str, str]:
    """The Args of the docstrings of a class and of what it is built on, by parameter."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, arguments = (base.__doc__ or "").partition("Args:\n")
        for match in re.finditer(r"^ {4,8}([\w, ]+): (.+(?:\n {9,}.+)*)", arguments, re.MULTILINE):
            words = re.sub(r"[`*]+|:\w+:", "", " ".join(match[2].split()))
            if not words.startswith("see "):
                found.update((name.strip(), words) for name in match[1].split(","))
    return found
