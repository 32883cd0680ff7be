"""The errors of sampipe, all under one roof.

Every message says what was given, what was wanted and what to do::

    SampipeError
    ├ GraphError(ValueError)      a graph that cannot run, found when it is built
    │ ├ UnknownPortError          a name that the node does not have
    │ ├ MissingInputError         an input that nothing feeds
    │ ├ PortTypeError             a value of another type than the port takes
    │ ├ CycleError                a node that waits for itself
    │ └ DuplicateNodeError        two nodes of one name
    ├ SpecError(ValueError)       a graph file that is not one: bad YAML, unknown type id or version
    ├ DataError(ValueError)       values that do not fit: shapes, dtypes, colors, unreadable files
    ├ CheckpointError             weights that are unknown, corrupt, of another architecture or unsafe
    ├ MissingDependencyError(ImportError)   an extra that is not installed
    └ NodeError(RuntimeError)     a node that failed while running: .node .item .inputs; __cause__ kept
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any


class SampipeError(Exception):
    """Whatever sampipe raises on purpose."""


class GraphError(SampipeError, ValueError):
    """A graph that cannot run; raised when it is built, before anything heavy loads."""


class UnknownPortError(GraphError):
    """A port name that the node does not have."""


class MissingInputError(GraphError):
    """A required input that nothing feeds."""


class PortTypeError(GraphError):
    """A wire between two ports of different types."""


class CycleError(GraphError):
    """A node that, through its inputs, waits for itself."""


class DuplicateNodeError(GraphError):
    """Two nodes under one name."""


class SpecError(SampipeError, ValueError):
    """A graph file that cannot be read: bad YAML, an unknown key, type id or version."""


class DataError(SampipeError, ValueError):
    """A value that does not fit: shape, dtype, color order, or a file that is not what it should be."""


class CheckpointError(SampipeError):
    """Weights that are unknown, corrupt, of another architecture, or refused as unsafe."""


class MissingDependencyError(SampipeError, ImportError):
    """An optional package that is not installed; the message holds the pip line."""


class NodeError(SampipeError, RuntimeError):
    """A node that failed while a graph ran. The original error is the ``__cause__``.

    Args:
        message: what happened, for people.
        node: the node's name in the graph.
        item: which item of the run (a file, an index), if there are several.
        inputs: the node's inputs, by port.
    """

    def __init__(
        self, message: str, *, node: str, item: str | None = None, inputs: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.node = node
        self.item = item
        self.inputs = dict(inputs or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(NodeError, node=self.node, item=self.item, inputs=self.inputs), self.args
