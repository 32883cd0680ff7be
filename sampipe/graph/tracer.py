"""``trace``: run a function once with symbols for values, and keep what it connected."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sampipe.errors import DuplicateNodeError, GraphError, MissingInputError, PortTypeError
from sampipe.graph.graph import Graph
from sampipe.graph.names import listed, numbered, snake_case
from sampipe.graph.node import Node, given_name
from sampipe.graph.ports import Port, without_none
from sampipe.graph.symbol import Symbol, several
from sampipe.graph.tracing import active_tracer
from sampipe.graph.wiring import Source, Wires, check_input_name, check_wires, label


def trace(function: Callable[..., Any], /) -> Graph:
    """The graph of an ordinary function that calls nodes.

    ::

        def pipeline(image: sp.Image) -> sp.Masks:
            return keep(segment(image, prompts=detect(image)))

        graph = sp.trace(pipeline)

    The function's parameters become the graph's inputs (those with the default None are optional; one with
    another default keeps it and is no input). What it returns becomes the outputs: one value under its port's
    name, a NamedTuple or a dict under their own. A node is named like the variable by which the function
    knows it, else like its class; :meth:`Node.named` overrules both. A name that comes again is numbered.

    Raises:
        GraphError: a wire does not fit (raised where the call stands), the function looked at a value, or it
            returned something that no node gave.
    """
    recorder = _Recorder(_node_variables(function))
    arguments = recorder.inputs_of(function)
    token = active_tracer.set(recorder)
    try:
        returned = function(**arguments)
    finally:
        active_tracer.reset(token)
    return recorder.graph(returned)


class _Recorder:
    """Notes nodes and wires as the function calls them."""

    def __init__(self, variables: Mapping[int, str]) -> None:
        self.variables = variables
        self.inputs: dict[str, Port] = {}
        self.nodes: dict[str, Node] = {}
        self.wires: dict[str, Wires] = {}
        self.available: dict[Source, Port] = {}

    def inputs_of(self, function: Callable[..., Any]) -> dict[str, Any]:
        """A symbol for each parameter that is an input."""
        for name, parameter in _signature(function).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise GraphError(f"A traced function takes plain named parameters, not {parameter}.")
            required = parameter.default is parameter.empty
            if required or parameter.default is None:
                annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
                port = Port(name, annotation if required else without_none(annotation), required)
                self.inputs[name] = self.available[Source(None, name)] = port
        return {name: Symbol(self, Source(None, name), port) for name, port in self.inputs.items()}

    def call(self, node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Instead of running ``node``: connect it, and give symbols for what it returns."""
        name = self._name(node)
        wires = self._wires(name, node, args, kwargs)
        check_wires(name, node, wires, self.available)
        self.nodes[name], self.wires[name] = node, wires
        symbols = {}
        for port in node.ports.outputs.values():
            source = Source(name, port.name)
            self.available[source] = port
            symbols[port.name] = Symbol(self, source, port)
        if node.ports.returns is None:
            return next(iter(symbols.values()))
        return several(node.ports.returns, name, symbols)

    def graph(self, returned: Any) -> Graph:
        """The finished graph."""
        outputs = {}
        for name, value in _named(returned):
            if not isinstance(value, Symbol):
                raise GraphError(
                    f"The traced function returned a {type(value).__name__}. Return what nodes gave: one "
                    "value, a tuple, a NamedTuple or a dict of them."
                )
            if name in outputs:
                raise GraphError(f"Two outputs would be called {name!r}. Return a dict to name them.")
            outputs[name] = self._source(value)
        return Graph(self._typed_inputs(), self.nodes, self.wires, outputs)

    def _name(self, node: Node) -> str:
        chosen = given_name(node)
        if chosen is not None and chosen in self.nodes and self.nodes[chosen] is not node:
            raise DuplicateNodeError(f"Two nodes are named {chosen!r}. Give one of them another name.")
        name = chosen or self.variables.get(id(node)) or snake_case(type(node).__name__)
        return numbered(name, self.nodes)

    def _wires(self, name: str, node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Source]:
        ports = list(node.ports.inputs)
        if len(args) > len(ports):
            raise MissingInputError(f"{label(name, node)} takes {len(ports)} inputs and got {len(args)}.")
        given = dict(zip(ports, args, strict=False))
        for port, value in kwargs.items():
            check_input_name(name, node, port)
            if port in given:
                raise GraphError(f"{label(name, node)} got input {port!r} twice.")
            given[port] = value
        return {
            port: self._source(self._symbol(name, node, port, value))
            for port, value in given.items()
            if value is not None or node.ports.inputs[port].required
        }

    def _symbol(self, name: str, node: Node, port: str, value: Any) -> Symbol:
        if isinstance(value, Symbol):
            return value
        if isinstance(value, tuple) and value and all(isinstance(one, Symbol) for one in value):
            raise PortTypeError(
                f"{label(name, node)}, input {port!r} got several outputs at once; wanted "
                f"{node.ports.inputs[port]}. Pick one: {listed(one.port.name for one in value)}."
            )
        raise GraphError(
            f"{label(name, node)}, input {port!r} got a {type(value).__name__} while tracing; wanted "
            f"{node.ports.inputs[port]} from a node or a parameter. A graph holds no values: make it a "
            "parameter of the function, or of a node."
        )

    def _source(self, symbol: Symbol) -> Source:
        if symbol.tracer is not self:
            raise GraphError(f"{symbol} belongs to another trace. Each trace makes its own values.")
        return symbol.source

    def _typed_inputs(self) -> dict[str, Port]:
        """The inputs; one without annotation gets the type of the first port it feeds."""
        types: dict[Source, Any] = {}
        for name, wires in self.wires.items():
            for port, source in wires.items():
                types.setdefault(source, self.nodes[name].ports.inputs[port].type)
        return {
            name: Port(name, types.get(Source(None, name), Any), port.required) if port.type is Any else port
            for name, port in self.inputs.items()
        }


def _named(returned: Any) -> list[tuple[str, Any]]:
    if isinstance(returned, Mapping):
        return list(returned.items())
    if isinstance(returned, tuple) and hasattr(returned, "_fields"):
        return list(zip(returned._fields, returned, strict=True))
    values = returned if isinstance(returned, (tuple, list)) else [returned]
    return [(one.port.name if isinstance(one, Symbol) else "", one) for one in values]


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError as error:
        raise GraphError(
            f"An annotation of the traced function cannot be read: {error}. Import its type at the top of "
            "the module, outside `if TYPE_CHECKING`."
        ) from error


def _node_variables(function: Callable[..., Any]) -> dict[int, str]:
    """The nodes that the function knows by a variable, or as attributes of its ``self``: id → name."""
    variables: dict[str, Any] = dict(getattr(getattr(function, "__self__", None), "__dict__", {}))
    code = getattr(function, "__code__", None)
    if code is not None:
        module = getattr(function, "__globals__", {})
        variables.update((name, module[name]) for name in code.co_names if name in module)
        for name, cell in zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False):
            with suppress(ValueError):  # a variable that has no value yet
                variables[name] = cell.cell_contents
    return {id(value): name for name, value in variables.items() if isinstance(value, Node)}
