"""The items of a job: from what the caller hands over to checked inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sampipe.errors import MissingInputError, NodeError
from sampipe.graph.graph import Graph
from sampipe.graph.names import listed
from sampipe.graph.run.step import Item
from sampipe.graph.wiring import Source
from sampipe.types import Image


def single(graph: Graph, inputs: Mapping[str, Any]) -> Item:
    """The item of one run."""
    return Item({Source(None, name): value for name, value in graph.bind(inputs).items()})


def load(graph: Graph, items: Iterable[Any]) -> Iterator[Item]:
    """Items one by one, images opened and inputs checked; one that cannot be loaded carries its error."""
    for index, given in enumerate(items):
        name = _name(given, index)
        try:
            item = single(graph, _by_input(graph, given))
            item.name = name
        except Exception as cause:
            where = "$" + next(iter(graph.inputs), "")
            error = NodeError(f"{name} cannot be loaded: {cause}", node=where, item=name, inputs={})
            error.__cause__ = cause
            item = Item({}, name, error)
        yield item


def _by_input(graph: Graph, given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    required = [name for name, port in graph.inputs.items() if port.required]
    if len(required) != 1:
        raise MissingInputError(
            f"An item is a {type(given).__name__}, but the graph needs {listed(required)}. "
            "Give each item as a mapping of inputs."
        )
    return {required[0]: given}


def _name(given: Any, index: int) -> str:
    for value in given.values() if isinstance(given, Mapping) else (given,):
        if isinstance(value, (str, os.PathLike)):
            return str(value)
        if isinstance(value, Image) and value.source is not None:
            return str(value.source)
    return f"#{index}"
