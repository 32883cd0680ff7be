"""Resources: what a node loads once, when it is first needed, and can drop again.

A node's parameters are its value; a model, a session or a file handle is not. A resource is built under a
lock on first use, kept on the node that asked, and dropped by ``close()`` and by pickling. A *shared*
resource lives once per process for as long as any node holds it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
_EMPTY: Any = object()
_KEY = "_resources"


class _Box(Generic[T]):
    """A value that is built once; the lock is the box's own, so that boxes are filled side by side."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.value: T = _EMPTY

    def fill(self, build: Callable[[], T]) -> T:
        with self.lock:
            if self.value is _EMPTY:
                self.value = build()
            return self.value


_pool: weakref.WeakValueDictionary[Hashable, _Box[Any]] = weakref.WeakValueDictionary()
_pool_lock = threading.Lock()


class Resource(Generic[T]):
    """The descriptor that :func:`resource` makes; reading it from a node gives the built value."""

    def __init__(self, build: Callable[[Any], T], shared: Callable[[Any], Hashable] | None = None) -> None:
        self._build = build
        self._shared = shared
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, node: None, owner: type) -> Self: ...
    @overload
    def __get__(self, node: object, owner: type) -> T: ...
    def __get__(self, node: object | None, owner: type) -> Self | T:
        if node is None:
            return self
        box: _Box[T] | None = node.__dict__.get(_KEY, {}).get(self.name)
        if box is None:
            box = self._box(node)
        if box.value is not _EMPTY:
            return box.value
        return box.fill(lambda: self._build(node))

    def _box(self, node: object) -> _Box[T]:
        held: dict[str, _Box[T]] = node.__dict__.setdefault(_KEY, {})  # atomic, as every dict operation
        if self._shared is None:
            return held.setdefault(self.name, _Box())
        key = self._shared(node)
        with _pool_lock:
            box = _pool.get(key)
            if box is None:
                box = _pool[key] = _Box()
        return held.setdefault(self.name, box)


@overload
def resource(build: Callable[[Any], T], /) -> Resource[T]: ...
@overload
def resource(*, shared: Callable[[Any], Hashable]) -> Callable[[Callable[[Any], T]], Resource[T]]: ...
def resource(
    build: Callable[[Any], T] | None = None, /, *, shared: Callable[[Any], Hashable] | None = None
) -> Resource[T] | Callable[[Callable[[Any], T]], Resource[T]]:
    """Mark a method of a node as something to build once, lazily, under a lock.

    ::

        @sp.resource
        def session(self): ...                      # one for each node

        @sp.resource(shared=lambda self: ("yolo", self.weights))
        def model(self): ...                        # one for each key in the process, held weakly

    The key of a shared resource names *what is built*, across node classes: begin it with a word of your own.
    A build that raises leaves nothing behind; the next use tries again.
    """
    if build is not None:
        return Resource(build)
    return lambda method: Resource(method, shared)


def resources_of(cls: type) -> list[str]:
    """The names of a class's resources, inherited ones first."""
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        names.update((name, None) for name, value in vars(base).items() if isinstance(value, Resource))
    return list(names)


def drop_resources(node: object) -> None:
    """Let go of everything a node has built; what is still in use elsewhere lives on there."""
    node.__dict__.pop(_KEY, None)
