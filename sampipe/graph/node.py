"""Node: a frozen set of parameters with a ``run``."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, ParamSpec, Protocol, TypeVar, cast

from typing_extensions import Self, dataclass_transform

from sampipe.errors import DataError, GraphError, SpecError
from sampipe.graph.border import admit_all
from sampipe.graph.fields import validated
from sampipe.graph.mistakes import NodeType, refuse_in_chain
from sampipe.graph.ports import Ports, ports_of
from sampipe.graph.requirement import Requirement
from sampipe.graph.resources import drop_resources, resources_of
from sampipe.graph.tracing import active_tracer

if TYPE_CHECKING:
    from sampipe.graph.graph import Graph

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class Runs(Protocol[P, R]):
    """Whatever has a ``run``; gives ``Node.__call__`` the types of the author's own signature."""

    def run(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False, field_specifiers=(dataclasses.field,))
class Node(metaclass=NodeType):
    """One step of a graph. Subclass it; fields are parameters, ``run`` is what it does.

    ::

        class Brightest(sp.Node):
            count: Annotated[int, Field(ge=1)] = 5                    # a parameter: a JSON value, and its limits

            def run(self, image: sp.Image) -> sp.Prompts: ...         # its ports

    A subclass becomes a frozen keyword-only dataclass by itself, whose parameters are checked against their
    annotations (limits are ``pydantic.Field``) before ``__post_init__`` may check what takes several of them. Two
    nodes are equal when they are of one class and have equal parameters. Calling a node runs it; inside
    :func:`sampipe.trace` it connects it.

    An author may add ``run_batch``: every input as a list, the outputs as a list in the same order.
    """

    version: ClassVar[int] = 1
    """Goes up when the same parameters begin to mean something else."""
    pure: ClassVar[bool] = True
    """False for a node with an effect outside (it saves files): it runs even if nothing uses its output."""
    passes_on: ClassVar[tuple[str, ...]] = ()
    """Inputs that a chain ending with this node still gives: ``... | Annotate()`` has the masks beside the image."""
    stateful: ClassVar[bool] = False
    """True for a node that is not pure only because its state lasts from image to image; nothing is left outside."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            raise GraphError(
                f"{cls.__name__} has an __init__ of its own. Write its parameters as fields (`count: int = 5`), and "
                "what it loads as a method under @sampipe.resource."
            )
        dataclasses.dataclass(frozen=True, kw_only=True, eq=False)(cls)
        cls.__init__ = _checking(cls.__init__)  # type: ignore[method-assign]
        for name in _fields(cls):
            if hasattr(Node, name) or name == "run":
                raise GraphError(f"{cls.__name__}.{name} hides Node.{name}. Give the parameter another name.")

    def __call__(self: Runs[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        tracer = active_tracer.get()
        if tracer is not None:
            return cast("R", tracer.call(cast("Node", self), args, kwargs))
        args, kwargs = admit_all(cast("Node", self), args, kwargs)  # type: ignore[assignment]
        return self.run(*args, **kwargs)

    def __or__(self, other: Node | Graph) -> Graph:
        from sampipe.graph.chain import chain

        return chain(self, other)

    def __ror__(self, other: object) -> NoReturn:
        refuse_in_chain(other)

    def warm(self) -> None:
        """Build every resource now."""
        for name in resources_of(type(self)):
            getattr(self, name)

    def flush(self) -> None:
        """Finish what the job collected; called when a job ends, also when it ends early."""

    def close(self) -> None:
        """Flush, and drop every resource; they are built again on the next use."""
        try:
            self.flush()
        finally:
            drop_resources(self)

    def requirements(self) -> Sequence[Requirement]:
        """Packages, weights and devices that ``check`` should look for before anything loads."""
        return ()

    def weights_digest(self) -> str | None:
        """A digest of the weights it runs on, which this may load; None: it has none.

        A job notes it, and resumes only with the same.
        """
        return None

    def named(self, name: str) -> Self:
        """The same node, with a name of its own in the graphs that use it."""
        if not name.isidentifier():
            raise GraphError(f"{name!r} cannot name a node: use letters, digits and underscores.")
        return _rebuild(type(self), _values(self), name)

    @property
    def type_id(self) -> str:
        """``"sampipe.Segment@1"``: vendor, class and version; for an unregistered class its import path."""
        from sampipe.graph.registry import type_id

        return type_id(type(self))

    @property
    def ports(self) -> Ports:
        """What it takes and gives."""
        return ports_of(type(self))

    def params(self) -> dict[str, Any]:
        """All parameters as JSON values (tuples become lists).

        Raises:
            SpecError: a parameter is not a JSON value.
        """
        return {name: _json(value, f"{type(self).__name__}.{name}") for name, value in _values(self).items()}

    def changed_params(self) -> dict[str, Any]:
        """The parameters that differ from their defaults, as JSON values."""
        defaults = {field.name: _default(field) for field in dataclasses.fields(cast("Any", self))}
        return {
            name: value
            for name, value in self.params().items()
            if defaults[name] is dataclasses.MISSING or _hashable(value) != _hashable(defaults[name])
        }

    def describe(self) -> str:
        """``"Segment(model='vit_b')"``: the class and the parameters that are not at their defaults."""
        params = ", ".join(f"{name}={value!r}" for name, value in self.changed_params().items())
        return f"{type(self).__name__}({params})"

    def input_files(self) -> Sequence[str]:
        """Paths of the files that it reads when it runs, weights apart; some may not be there."""
        return ()

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """What its files hold that no image of a job has met, in sentences; asked when the job ends.

        Args:
            sources: of all images of the job.
        """
        return ()

    def digest(self) -> str:
        """A hex digest of type, version, parameters and what is in :meth:`input_files` now.

        A node's part of a cache key; a resumed job compares it.
        """
        text = json.dumps([self.type_id, self.params()], sort_keys=True, allow_nan=False)
        found = hashlib.blake2b(text.encode(), digest_size=16)
        for path in map(Path, self.input_files()):
            if path.expanduser().is_file():
                found.update(hashlib.blake2b(path.expanduser().read_bytes()).digest())
        return found.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node) or type(self) is not type(other):
            return NotImplemented
        return bool(_identity(self) == _identity(other))

    def __hash__(self) -> int:
        return hash((type(self), _identity(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), _values(self), self.__dict__.get("_name"))


def given_name(node: Node) -> str | None:
    """What :meth:`Node.named` called it."""
    return cast("str | None", node.__dict__.get("_name"))


N = TypeVar("N", bound=Node)


def _checking(init: Any) -> Any:
    """A dataclass's ``__init__`` behind the check of its parameters."""

    @functools.wraps(init)
    def checked(self: Node, *args: Any, **values: Any) -> None:
        cls = type(self)
        if args:
            first = next(iter(_fields(cls)), None)
            example = f": {cls.__name__}({first}=...)" if first else ", and it has none"
            raise DataError(f"{cls.__name__} takes its parameters by name{example}.")
        init(self, **validated(cls, values))

    return checked


def _rebuild(cls: type[N], values: Mapping[str, Any], name: str | None) -> N:
    node = cls(**values)
    if name is not None:
        node.__dict__["_name"] = name
    return node


def _fields(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def _values(node: Node) -> dict[str, Any]:
    return {name: getattr(node, name) for name in _fields(type(node))}


def _identity(node: Node) -> Any:
    return _hashable(_values(node))


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _hashable(value: Any) -> Any:
    """A parameter as something to compare and hash: a list and a tuple of the same things are the same."""
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, Mapping):
        return tuple(sorted((key, _hashable(item)) for key, item in value.items()))
    return value


def _json(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [_json(item, where) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _json(item, where) for key, item in value.items()}
    raise SpecError(
        f"{where} is {value!r} ({type(value).__name__}), which a graph file cannot hold. Parameters are JSON "
        "values: None, bool, int, finite float, str, and lists or dicts of them."
    )
