"""The parameters of a node class: what each may be is declared once, in its annotation.

::

    confidence: Annotated[float, Field(ge=0, le=1)] = 0.25

The same limits (``pydantic.Field``) refuse a value, word the message, fill a slider and ``sampipe nodes NAME``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pkgutil
import re
import sys
import types
import typing
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from sampipe.errors import DataError
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.ports import hints_of, type_name, without_none

if typing.TYPE_CHECKING:
    from pydantic import TypeAdapter

MISSING = dataclasses.MISSING
_NUMBERS = {int: "whole number", float: "number"}
_read: weakref.WeakKeyDictionary[type, dict[str, NodeField]] = weakref.WeakKeyDictionary()


class Limits(NamedTuple):
    """What a number lies between; None where it is open."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __str__(self) -> str:
        if self.ge is not None and self.le is not None:
            return f"from {self.ge:g} to {self.le:g}"
        words = {"at least": self.ge, "above": self.gt, "at most": self.le, "below": self.lt}
        return " and ".join(f"{word} {limit:g}" for word, limit in words.items() if limit is not None)


@dataclass(frozen=True)
class NodeField:
    """One parameter of a node class.

    Args:
        name: of the field.
        annotation: as it was written, with its limits.
        type: without limits and without None.
        optional: None is a value of its own.
        default: ``dataclasses.MISSING`` where there is none.
        limits: of a number.
        choices: the values of a Literal.
        wanted: what is wanted, in words, as messages say it.
        help: from the Args of the docstring.
    """

    name: str
    annotation: Any
    type: Any
    optional: bool
    default: Any
    limits: Limits
    choices: tuple[Any, ...]
    wanted: str
    help: str

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING

    @functools.cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import ConfigDict, TypeAdapter

        return TypeAdapter(self.annotation, config=ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False))

    def validated(self, owner: str, value: Any) -> Any:
        """The value, NumPy's numbers and arrays as Python's.

        Raises:
            DataError: it is of another type, or outside the limits; ``owner`` is the class that the message names.
        """
        from pydantic import ValidationError

        value = plain(value)
        try:
            checked = self._checked(value)
        except ValidationError as error:
            at = "".join(f"[{step}]" for step in error.errors()[0]["loc"] if isinstance(step, int))
            inner = f" ({self.name}{at} is {_brief(error.errors()[0]['input'])})" if at else ""
            given = f"{owner}: {self.name}={_brief(value)}"
            raise DataError(f"{given} does not fit; wanted {self.wanted}{inner}.") from error
        return checked if isinstance(checked, bool | int | float | str | tuple) else value

    def _checked(self, value: Any) -> Any:
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):  # no JSON value: the annotation alone decides
            return self._adapter.validate_python(value, strict=True)
        return self._adapter.validate_json(text, strict=True)  # in JSON a list is a tuple as well


def fields(cls: type) -> tuple[NodeField, ...]:
    """The parameters of a node class, in order.

    Raises:
        GraphError: an annotation that cannot be read.
    """
    return tuple(fields_by_name(cls).values())


def fields_by_name(cls: type) -> Mapping[str, NodeField]:
    """See :func:`fields`."""
    found = _read.get(cls)
    if found is None:
        found = _read[cls] = _read_fields(cls)
    return found


def validated(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a node keeps them.

    Raises:
        DataError: an unknown or missing name, or a value that does not fit.
    """
    known, owner = fields_by_name(cls), cls.__name__
    for name in values:
        if name not in known:
            raise DataError(f"{owner} has no parameter {name!r}.{did_you_mean(name, known)} It takes {listed(known)}.")
    for field in known.values():
        if field.required and field.name not in values:
            raise DataError(f"{owner} needs the parameter {field.name!r}: {field.wanted}.")
    return {name: known[name].validated(owner, value) for name, value in values.items()}


def plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's scalars and arrays (NaN in them is null), tensors and paths."""
    if isinstance(value, list | tuple):
        parts = [plain(part) for part in value]
        return tuple(parts) if type(value) is tuple else parts
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return _null_for_nan(value.tolist()) if hasattr(value, "tolist") else value


def _null_for_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_null_for_nan(part) for part in value]
    return None if value != value else value


def _read_fields(cls: type) -> dict[str, NodeField]:
    hints, helps = hints_of(cls, cls, with_limits=True), _helps(cls)
    found = {}
    for field in dataclasses.fields(cast("Any", cls)):
        annotation = hints[field.name]
        bare, metadata = _without_limits(annotation)
        found[field.name] = NodeField(
            name=field.name,
            annotation=annotation,
            type=without_none(bare),
            optional=without_none(bare) != bare,
            default=_default(field),
            limits=_limits(metadata),
            choices=typing.get_args(without_none(bare)) if typing.get_origin(without_none(bare)) is Literal else (),
            wanted=_in_words(annotation),
            help=helps.get(field.name, ""),
        )
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    """The default, made if need be. A class that travelled to another process by value has a MISSING of its own."""
    factory = field.default_factory
    if callable(factory):
        return factory()
    return MISSING if isinstance(field.default, type(MISSING)) else field.default


def _without_limits(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """``Annotated[float, Field(ge=0)] | None`` → ``float | None`` and what was said of the number."""
    if typing.get_origin(annotation) is typing.Annotated:
        bare, metadata = _without_limits(annotation.__origin__)
        return bare, (*metadata, *_flat(annotation.__metadata__))
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [_without_limits(part) for part in typing.get_args(annotation)]
        union = functools.reduce(lambda one, other: one | other, (part for part, _ in parts))
        return union, tuple(one for _, metadata in parts for one in metadata)
    return annotation, ()


def _flat(metadata: Sequence[Any]) -> list[Any]:
    """pydantic's Field and the single limits that it stands for."""
    return [one for entry in metadata for one in (entry, *getattr(entry, "metadata", ()))]


def _limits(metadata: Sequence[Any]) -> Limits:
    found = {name: getattr(one, name) for one in metadata for name in Limits._fields if hasattr(one, name)}
    return Limits(**found)


def _in_words(annotation: Any, *, several: bool = False) -> str:
    """ "a whole number, at least 1 or null"; with ``several`` "whole numbers"."""
    bare, metadata = _without_limits(annotation)
    for one in metadata:
        if getattr(one, "description", None):
            words = str(one.description)
            break
    else:
        words = _type_in_words(without_none(bare), metadata, several, annotation)
    return words + (" or null" if without_none(bare) != bare else "")


def _type_in_words(kind: Any, metadata: Sequence[Any], several: bool, annotation: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    a, s = ("", "s") if several else ("a ", "")
    if kind in _NUMBERS:
        limits = _limits(metadata)
        between = limits.ge is not None and limits.le is not None
        return f"{a}{_NUMBERS[kind]}{s}" + (f"{' ' if between else ', '}{limits}" if str(limits) else "")
    if kind is bool:
        return "true or false"
    if kind is str:
        return f"{a}string{s}"
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in inner)
    if isinstance(origin, type) and issubclass(origin, Sequence) and inner:
        least, most = (
            next((getattr(m, n) for m in metadata if hasattr(m, n)), 0) for n in ("min_length", "max_length")
        )
        count = f"{least} " if least == most != 0 else f"at least {least} " if least else ""
        example = ", such as ['cat', 'dog']" if inner[0] is str and not several else ""
        return f"{a}list{s} of {count}{_in_words(_item(annotation), several=True)}{example}"
    return type_name(kind)


def _item(annotation: Any) -> Any:
    """What a sequence holds, with its limits."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = annotation.__origin__
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _item(parts[0])
    return typing.get_args(annotation)[0]


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _helps(cls: type) -> dict[str, str]:
    """The Args of the docstrings of a class and of what it is built on, by parameter."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, arguments = (base.__doc__ or "").partition("Args:\n")
        for match in re.finditer(r"^ {4,8}([\w, ]+): (.+(?:\n {9,}.+)*)", arguments, re.MULTILINE):
            names, words = match[1].split(", "), " ".join(match[2].split())
            elsewhere = re.match(r"see :class:`~?([\w.]+)`[.;,]? ?", words)
            there = _helps(_class_named(elsewhere[1], base)) if elsewhere else {}
            own = re.sub(r"[`*]+|:\w+:", "", words[elsewhere.end() :] if elsewhere else words)
            found.update({name: " ".join(filter(None, (there.get(name), own))) for name in names})
    return {name: words for name, words in found.items() if words}


def _class_named(name: str, base: type) -> type:
    """A class that a docstring of ``base`` names: in full, or as its module or a package around it knows it."""
    if "." in name:
        return cast("type", pkgutil.resolve_name(name))
    module = base.__module__
    while module:
        if isinstance(found := getattr(sys.modules.get(module), name, None), type):
            return found
        module = module.rpartition(".")[0]
    return object
