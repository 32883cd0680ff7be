"""Graphs as files: YAML with registry ids, never import paths."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import sampipe.types
from sampipe._files import write_atomic
from sampipe.errors import GraphError, SpecError
from sampipe.graph.graph import Graph
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.node import Node
from sampipe.graph.ports import Port, type_name
from sampipe.graph.registry import find, is_registered
from sampipe.graph.wiring import Source
from sampipe.graph.yaml_text import parse, write


class NodeSpec(BaseModel):
    """One entry under ``nodes:``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: str
    params: dict[str, Any] = {}
    inputs: dict[str, str] = {}


class GraphSpec(BaseModel):
    """A whole file; ``sampipe: 1`` is the version of the format.

    ``layout`` is where a canvas shows nodes and ``$inputs``, [x, y] in its pixels; running takes no notice of it.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    sampipe: Literal[1]
    inputs: dict[str, str] = {}
    nodes: dict[str, NodeSpec]
    outputs: dict[str, str]
    layout: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = {}


def load(source: str | os.PathLike[str]) -> Graph:
    """A graph from a file or from YAML text; see :meth:`Graph.from_yaml`."""
    text, where = read_text(source)
    return build(read(text, where), where)


def dump(graph: Graph, path: str | os.PathLike[str] | None = None) -> str:
    """A graph as YAML text, written to ``path`` too if there is one (whole or not at all)."""
    text = write(_data(graph))
    if path is not None:
        write_atomic(path, text.encode())
    return text


def read_text(source: str | os.PathLike[str]) -> tuple[str, str]:
    """The YAML text and what to call it in messages; a string of several lines is the text itself."""
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return source, "graph"
    try:
        return Path(source).read_text(encoding="utf-8"), os.fspath(source)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SpecError(f"{os.fspath(source)}: the graph file cannot be read: {error}") from error


def read(text: str, where: str) -> GraphSpec:
    """Check the form of a file; nothing is looked up yet.

    Raises:
        SpecError: every key that is wrong, missing or unknown, in words.
    """
    data = parse(text, where)
    if not isinstance(data, dict):
        raise SpecError(
            f"{where}: a graph file is a mapping with the keys {listed(GraphSpec.model_fields)}; "
            f"this is {type(data).__name__}."
        )
    try:
        return GraphSpec.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_form_problem(one, data) for one in error.errors())
        raise SpecError(f"{where}: {problems}.") from error


def build(spec: GraphSpec, where: str) -> Graph:
    """The graph that a spec describes.

    Raises:
        SpecError: an unknown type id, version, parameter or type name, or a parameter of the wrong type.
        GraphError: the wires do not fit.
    """
    nodes = {name: make_node(name, one, where) for name, one in spec.nodes.items()}
    wires = {
        name: {port: _source(text, f"{where}: node {name!r}, input {port!r}") for port, text in one.inputs.items()}
        for name, one in spec.nodes.items()
    }
    outputs = {name: _source(text, f"{where}: output {name!r}") for name, text in spec.outputs.items()}
    inputs = {name: _input(name, text, nodes, wires, where) for name, text in spec.inputs.items()}
    return Graph(inputs, nodes, wires, outputs)


def make_node(name: str, spec: NodeSpec, where: str) -> Node:
    """One node of a file, its parameters checked against the annotations of its fields."""
    where = f"{where}: node {name!r}"
    try:
        cls = find(spec.type)
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from error
    try:
        return cls(**spec.params)
    except (ValueError, TypeError) as error:
        raise SpecError(f"{where}: {error}") from error


def _source(text: str, where: str) -> Source:
    try:
        return Source.parse(text)
    except GraphError as error:
        raise SpecError(f"{where}: {error}") from error


def _input(
    name: str, text: str, nodes: Mapping[str, Node], wires: Mapping[str, Mapping[str, Source]], where: str
) -> Port:
    """A graph input; its type is a word of sampipe's or the type of a port that it feeds."""
    word = text.removesuffix("?").strip()
    types = {**_known_types()}
    for node, mine in wires.items():
        for port, source in mine.items():
            if source == Source(None, name) and port in nodes[node].ports.inputs:
                wanted = nodes[node].ports.inputs[port].type
                types.setdefault(type_name(wanted), wanted)
    if word not in types:
        raise SpecError(
            f"{where}: input {name!r} is of the unknown type {word!r}.{did_you_mean(word, types)} "
            f"Known: {listed(types)}."
        )
    return Port(name, types[word], required=not text.endswith("?"))


def _known_types() -> dict[str, Any]:
    values = ("Image", "Prompts", "Masks", "ImageEmbedding", "Embedding", "EdgeMap", "Text")
    types: dict[str, Any] = {name: getattr(sampipe.types, name) for name in values}
    return types | {"Any": Any, "str": str, "int": int, "float": float, "bool": bool}


def _data(graph: Graph) -> dict[str, Any]:
    nodes = {}
    for name, node in graph.nodes.items():
        if not is_registered(type(node)):
            raise SpecError(
                f"{name!r}: {type(node).__name__} is not registered, so a file cannot name it. Put "
                f'@sp.register("your_name") above the class, or declare an entry point "sampipe.nodes".'
            )
        entry: dict[str, Any] = {"type": node.type_id}
        if params := node.changed_params():
            entry["params"] = params
        if wires := graph.wires[name]:
            entry["inputs"] = {port: str(source) for port, source in wires.items()}
        nodes[name] = entry
    inputs = {name: f"{type_name(port.type)}{'' if port.required else '?'}" for name, port in graph.inputs.items()}
    outputs = {name: str(source) for name, source in graph.outputs.items()}
    return {"sampipe": 1, "inputs": inputs, "nodes": nodes, "outputs": outputs}


def _form_problem(error: Any, data: Mapping[str, Any]) -> str:
    path = ".".join(str(step) for step in error["loc"])
    if error["type"] == "missing":
        return f"{path!r} is missing"
    if error["type"] == "extra_forbidden":
        fields = NodeSpec.model_fields if len(error["loc"]) > 1 else GraphSpec.model_fields
        return f"{path!r} is not one of the keys {listed(fields)}"
    if error["loc"] == ("sampipe",):
        return f"'sampipe: {data['sampipe']}' is a format this version does not read; it reads 'sampipe: 1'"
    return f"{path!r} is {error['input']!r}: {error['msg']}"
