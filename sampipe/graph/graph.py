"""Graph: nodes, the wires between them, what goes in and what comes out. A value; it never changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from sampipe.errors import GraphError, MissingInputError, NodeError, UnknownPortError
from sampipe.graph.border import admit, refuse_single
from sampipe.graph.engines import Engine, OnError, load_engine
from sampipe.graph.mistakes import refuse_in_chain
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.node import Node
from sampipe.graph.plan import Step, plan
from sampipe.graph.ports import Port
from sampipe.graph.result import Result
from sampipe.graph.wiring import Source, Wires, check_wires, order, resolve, sources

if TYPE_CHECKING:
    from typing_extensions import Self

    from sampipe.graph.check import CheckReport
    from sampipe.types.image import ImageLike


@dataclass(frozen=True)
class Graph:
    """A checked graph. Made by :func:`sampipe.trace`, by ``|``, or from a file.

    Args:
        inputs: what the caller gives, by name.
        nodes: by name, each after those it takes from.
        wires: for each node, where each of its inputs comes from.
        outputs: what the caller gets, by name.

    Raises:
        GraphError: the graph cannot run; the message names the node, the port, what is there and what was
            wanted. Nothing has been loaded.
    """

    inputs: Mapping[str, Port]
    nodes: Mapping[str, Node]
    wires: Mapping[str, Wires]
    outputs: Mapping[str, Source]

    def __post_init__(self) -> None:
        _check_names(self)
        available = sources(self.inputs, self.nodes)
        for name, node in self.nodes.items():
            check_wires(name, node, self.wires.get(name, {}), available)
        for name, source in self.outputs.items():
            resolve(source, available, f"Output {name!r}")
        names = order(self.nodes, self.wires)
        frozen = {
            "inputs": self.inputs,
            "nodes": {name: self.nodes[name] for name in names},
            "wires": {name: MappingProxyType(dict(self.wires.get(name, {}))) for name in names},
            "outputs": self.outputs,
        }
        for name, value in frozen.items():
            object.__setattr__(self, name, MappingProxyType(dict(value)))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What an engine has to do, in order: nodes that reach an output or have an effect of their own."""
        return plan(self.nodes, self.wires, self.outputs)

    @property
    def side_effect_nodes(self) -> tuple[str, ...]:
        """The names of the nodes that leave something outside, such as files."""
        return tuple(name for name, node in self.nodes.items() if not node.pure and not node.stateful)

    def outputs_of(self, kind: type) -> tuple[str, ...]:
        """The names of the outputs of one type."""
        available = sources(self.inputs, self.nodes)
        return tuple(name for name, source in self.outputs.items() if available[source].type is kind)

    # -- running -----------------------------------------------------------------------------------------

    def run(self, /, *, engine: str | Engine = "local", **inputs: Any) -> Result:
        """Run once: ``graph.run(image="street.jpg")``.

        An image may be whatever :meth:`Image.open` takes.

        Raises:
            GraphError: an input is unknown, missing or of the wrong type.
            NodeError: a node failed; ``.node`` says which, ``__cause__`` is the original error.
        """
        return load_engine(engine).run(self, inputs)

    def stream(self, /, *, engine: str | Engine = "local", **inputs: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Run once, giving ``(node name, {port: value})`` as soon as each node is done."""
        return load_engine(engine).stream(self, inputs)

    def map(
        self,
        items: Iterable[ImageLike | Mapping[str, Any]],
        *,
        batch_size: int = 1,
        progress: bool = False,
        on_error: OnError = "raise",
        engine: str | Engine = "local",
    ) -> Iterator[Result | NodeError]:
        """Run over many items, in order, lazily, holding a bounded number of them.

        Args:
            items: a mapping of inputs each, or just the one required input; what is an image (a path, a URL, an
                array ...: see :meth:`Image.open`) is opened when its turn comes.
            batch_size: how many items a node with ``run_batch`` gets at once.
            progress: draw a progress bar on standard error.
            on_error: ``"return"`` gives the NodeError in the place of a failed item and continues.

        Raises:
            NodeError: an item failed, with ``on_error="raise"``.
        """
        refuse_single(items)
        return load_engine(engine).map(self, items, batch_size=batch_size, progress=progress, on_error=on_error)

    async def arun(self, /, *, engine: str | Engine = "local", **inputs: Any) -> Result:
        """Run once without blocking the event loop."""
        return await load_engine(engine).arun(self, inputs)

    def bind(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Check the inputs of one run, and make an Image of whatever is one; None leaves an optional input out.

        Raises:
            UnknownPortError, MissingInputError, PortTypeError: they do not fit.
            DataError: an image that cannot be read.
        """
        bound = {}
        for name, value in inputs.items():
            if name not in self.inputs:
                raise UnknownPortError(
                    f"The graph has no input {name!r}.{did_you_mean(name, self.inputs)} "
                    f"It takes {listed(str(port) for port in self.inputs.values())}."
                )
            port = self.inputs[name]
            if value is None and not port.required:
                continue
            bound[name] = admit(value, port, f"Graph input {name!r}")
        for name, port in self.inputs.items():
            if port.required and name not in bound:
                raise MissingInputError(f"Graph input {name!r} was not given. Wanted: {port}.")
        return bound

    # -- life of what the nodes load ---------------------------------------------------------------------

    def warm(self) -> None:
        """Build every node's resources now."""
        self._each(lambda node: node.warm())

    def flush(self) -> None:
        """Let every node finish what it collected; a node that fails does not stop the others."""
        self._each(lambda node: node.flush())

    def left_out(self, sources: Sequence[str]) -> list[str]:
        """What the files of its nodes hold that no image of a job has met, see :meth:`Node.left_out`."""
        return [line for node in self.nodes.values() for line in node.left_out(sources)]

    def close(self) -> None:
        """Flush every node and drop its resources; a node that fails does not stop the others."""
        self._each(lambda node: node.close())

    def __enter__(self) -> Self:
        try:
            self.warm()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _each(self, act: Callable[[Node], None]) -> None:
        failed: NodeError | None = None
        for name, node in self.nodes.items():
            try:
                act(node)
            except Exception as error:
                if failed is None:
                    failed = NodeError(f"{name!r} ({node.describe()}): {error}", node=name)
                    failed.__cause__ = error
        if failed is not None:
            raise failed

    # -- other forms -------------------------------------------------------------------------------------

    def __or__(self, other: Node | Graph) -> Graph:
        from sampipe.graph.chain import chain

        return chain(self, other)

    def __ror__(self, other: object) -> NoReturn:
        refuse_in_chain(other)

    def check(self) -> CheckReport:
        """What is missing on this machine, found without loading anything heavy."""
        from sampipe.graph.check import check

        return check(self)

    def to_yaml(self, path: str | os.PathLike[str] | None = None) -> str:
        """The graph as YAML; also written to ``path`` if one is given.

        Raises:
            SpecError: a node's class is not registered, or a parameter is not a JSON value.
        """
        from sampipe.graph.spec import dump

        return dump(self, path)

    @classmethod
    def from_yaml(cls, source: str | os.PathLike[str]) -> Graph:
        """A graph from a file, or from YAML text (a string of several lines).

        Raises:
            SpecError: the file cannot be read, or names what is not registered.
            GraphError: the wires do not fit.
        """
        from sampipe.graph.spec import load

        return load(source)

    def mermaid(self) -> str:
        """The graph as a Mermaid flowchart."""
        from sampipe.graph.draw import mermaid

        return mermaid(self)

    def svg(self, path: str | os.PathLike[str] | None = None) -> str:
        """The graph as a drawing, legible on light and dark pages; also written to ``path`` if given."""
        from sampipe.graph.draw_svg import svg

        text = svg(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        steps = ", ".join(f"{name}={node.describe()}" for name, node in self.nodes.items())
        return f"Graph({listed(self.inputs)} -> {steps} -> {listed(self.outputs)})"

    def __hash__(self) -> int:
        return hash((frozenset(self.nodes.items()), frozenset(self.outputs.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        wires = {name: dict(wires) for name, wires in self.wires.items()}
        return Graph, (dict(self.inputs), dict(self.nodes), wires, dict(self.outputs))


def _check_names(graph: Graph) -> None:
    for kind, names in (("input", graph.inputs), ("node", graph.nodes), ("output", graph.outputs)):
        for name in names:
            if not name.isidentifier():
                raise GraphError(f"{name!r} cannot name a graph's {kind}: use letters, digits and underscores.")
    if "engine" in graph.inputs:
        raise GraphError("A graph input cannot be called 'engine': run() uses the word. Rename it.")
    for name in graph.wires:
        if name not in graph.nodes:
            raise GraphError(f"Wires lead to {name!r}, but there is no such node.{did_you_mean(name, graph.nodes)}")
    if not graph.outputs:
        raise GraphError("The graph has no outputs. Say what should come out of it.")
