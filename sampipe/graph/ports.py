"""Ports: what a node takes and gives, read from the signature of its ``run``."""

from __future__ import annotations

import functools
import inspect
import types
import typing
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from sampipe.errors import GraphError
from sampipe.graph.names import snake_case

_WORDS = {"ImageEmbedding": "embedding", "Embedding": "text", "EdgeMap": "edges"}
_UNIONS = (Union, types.UnionType)
_read: weakref.WeakKeyDictionary[type, Ports] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Port:
    """One input or output.

    Args:
        name: the parameter of ``run``, or the word for what it returns.
        type: the annotation; for an optional input without its ``None``.
        required: False for an input with a default.
    """

    name: str
    type: Any
    required: bool = True

    def __str__(self) -> str:
        return f"{self.name}: {type_name(self.type)}{'' if self.required else '?'}"


@dataclass(frozen=True)
class Ports:
    """All ports of a node class; ``returns`` is its NamedTuple when it gives several outputs."""

    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    returns: Any = None

    def unpack(self, value: Any) -> dict[str, Any]:
        """What ``run`` returned, by output port."""
        if self.returns is None:
            return dict.fromkeys(self.outputs, value)
        return dict(zip(self.outputs, value, strict=True))


def type_name(annotation: Any) -> str:
    """How an annotation is written in messages and files: ``Image``, ``Image | Masks``, ``list[Image]``."""
    if annotation in (None, type(None)):
        return "None"
    if typing.get_origin(annotation) in _UNIONS:
        return " | ".join(type_name(part) for part in typing.get_args(annotation))
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def fits(given: Any, wanted: Any) -> bool:
    """Whether every value of the type ``given`` may go into a port of the type ``wanted``."""
    if given == wanted or Any in (given, wanted) or wanted is object:
        return True
    if typing.get_origin(given) in _UNIONS:
        return all(fits(part, wanted) for part in typing.get_args(given))
    if typing.get_origin(wanted) in _UNIONS:
        return any(fits(given, part) for part in typing.get_args(wanted))
    if typing.get_args(wanted):  # list[Image] takes list[Image], which was compared above
        return False
    given, wanted = typing.get_origin(given) or given, typing.get_origin(wanted) or wanted
    return isinstance(given, type) and isinstance(wanted, type) and issubclass(given, wanted)


def accepts(value: Any, wanted: Any) -> bool:
    """Whether ``value`` may go into a port of the type ``wanted`` (the outermost type is looked at)."""
    if wanted is Any or wanted is object:
        return True
    if typing.get_origin(wanted) in _UNIONS:
        return any(accepts(value, part) for part in typing.get_args(wanted))
    if typing.get_origin(wanted) is typing.Literal:
        return value in typing.get_args(wanted)
    wanted = type(None) if wanted is None else typing.get_origin(wanted) or wanted
    if wanted is float and isinstance(value, int):
        return True
    return not isinstance(wanted, type) or isinstance(value, wanted)


def without_none(annotation: Any) -> Any:
    """``Prompts | None`` → ``Prompts``."""
    if typing.get_origin(annotation) not in _UNIONS:
        return annotation
    parts = [part for part in typing.get_args(annotation) if part is not type(None)]
    return functools.reduce(lambda one, other: one | other, parts) if parts else annotation


def ports_of(cls: type) -> Ports:
    """The ports of a node class, read once.

    Raises:
        GraphError: ``run`` is missing, not annotated, takes ``*args`` or ``**kwargs``, or returns something
            that has no name.
    """
    ports = _read.get(cls)
    if ports is None:
        ports = _read[cls] = _read_ports(cls)
    return ports


def _read_ports(cls: type) -> Ports:
    run = getattr(cls, "run", None)
    if run is None:
        raise GraphError(f"{cls.__name__} has no run(). Write one: its signature is the node's ports.")
    hints = hints_of(cls, run)
    inputs = {}
    for parameter in list(inspect.signature(run).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise GraphError(
                f"{cls.__name__}.run takes {parameter}: every input needs a name. "
                "Write one plain parameter for each input."
            )
        if parameter.name not in hints:
            raise GraphError(f"{cls.__name__}.run does not say the type of {parameter.name!r}. Annotate it.")
        required = parameter.default is parameter.empty
        annotation = hints[parameter.name]
        inputs[parameter.name] = Port(parameter.name, annotation if required else without_none(annotation), required)
    outputs, returns = _outputs(cls, hints)
    return Ports(inputs, outputs, returns)


def hints_of(cls: type, what: Any, *, with_limits: bool = False) -> dict[str, Any]:
    """The annotations of a node class, or of ``what`` belongs to it: ``run``, or the NamedTuple that it returns.

    Raises:
        GraphError: one of them cannot be read.
    """
    try:
        return typing.get_type_hints(what, include_extras=with_limits)
    except NameError as error:
        where = cls.__name__ if what is cls else f"{cls.__name__}.run"
        raise GraphError(
            f"{where} has an annotation that cannot be read: {error}. "
            "Import its type at the top of the module, outside `if TYPE_CHECKING`."
        ) from error


def _outputs(cls: type, hints: Mapping[str, Any]) -> tuple[dict[str, Port], Any]:
    if "return" not in hints:
        raise GraphError(f"{cls.__name__}.run does not say what it returns. Annotate it.")
    annotation = hints["return"]
    if not isinstance(annotation, type) or annotation is type(None) or typing.get_args(annotation):
        raise GraphError(
            f"{cls.__name__}.run returns {type_name(annotation)}, which has no port name. "
            "Return one class such as Masks, or a NamedTuple whose fields are the outputs."
        )
    if issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        fields = hints_of(cls, annotation)
        return {name: Port(name, fields[name]) for name in annotation._fields}, annotation
    name = annotation.__name__
    ours = annotation.__module__.partition(".")[0] == "sampipe"
    word = _WORDS[name] if ours and name in _WORDS else snake_case(name)
    return {word: Port(word, annotation)}, None
