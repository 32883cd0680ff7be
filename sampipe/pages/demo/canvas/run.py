"""Running what is on the canvas: node by node, each as far as it goes, nothing twice.

Every node is a graph of its own for the engine. Its result is kept under a key made of its type, its parameters and
the keys of what feeds it, so after a change only what is downstream runs again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import NodeError, SampipeError
from sampipe.graph import Graph, Node
from sampipe.graph.result import NodeReport
from sampipe.graph.run.events import following
from sampipe.graph.spec import GraphSpec, NodeSpec, make_node
from sampipe.graph.wiring import Source
from sampipe.pages import shared
from sampipe.pages.demo.jobs import PageJob

Shown = Callable[[Mapping[str, Any], NodeReport], dict[str, Any]]


@dataclass(frozen=True)
class Given:
    """A value that the page gives to an input of the graph, and what it is known by."""

    value: Any
    key: str


@dataclass(frozen=True)
class Ran:
    """What a node gave."""

    outputs: Mapping[str, Any]
    report: NodeReport
    key: str


@dataclass
class Memory:
    """What a window's runs left: the newest result of each node, and the nodes themselves with their models."""

    results: dict[str, Ran] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)

    def node(self, name: str, spec: NodeSpec) -> Node:
        """The node, made once for as long as its parameters stay."""
        made = make_node(name, spec, "graph")
        before = self.nodes.get(name)
        self.nodes[name] = made if before is None or before != made else before
        return self.nodes[name]


class CanvasRun(PageJob):
    """One run of a draft.

    Args:
        draft: what is on the canvas.
        given: by input of the graph; what the page cannot give is missing.
        memory: what earlier runs of the same window left.
        shown: what the page gets of a node's outputs.
        device: whose lock it takes.
    """

    def __init__(
        self, draft: GraphSpec, given: Mapping[str, Given], memory: Memory, *, shown: Shown, device: str
    ) -> None:
        self._draft, self._given, self._memory, self._shown = draft, given, memory, shown
        self._events: list[dict[str, Any]] = []
        super().__init__(device=device)

    def events(self, after: int, seconds: float) -> list[dict[str, Any]]:
        """What happened after the first ``after`` events, waiting for something for at most ``seconds``."""
        until = time.monotonic() + seconds
        while len(self._events) <= after and not self.look(0.05) and time.monotonic() < until:
            pass
        return self._events[after:]

    @property
    def count(self) -> int:
        """Events so far."""
        return len(self._events)

    def work(self) -> None:
        """Every node once, those first that the others wait for."""
        memory, waiting = self._memory, dict(self._draft.nodes)
        memory.results = {name: one for name, one in memory.results.items() if name in waiting}
        memory.nodes = {name: one for name, one in memory.nodes.items() if name in waiting}
        ended: dict[str, bool] = {}  # by node: whether it gave something
        while waiting:
            ready = [name for name, one in waiting.items() if not _sources(one) & waiting.keys()]
            if not ready:
                for name in waiting:
                    self._say(name, state="open", message="It waits for itself: its wires run in a circle.")
                return
            for name in ready:
                self.told(len(ended) / len(self._draft.nodes))
                ended[name] = self._node(name, waiting.pop(name), ended)

    def _node(self, name: str, spec: NodeSpec, ended: Mapping[str, bool]) -> bool:
        """Run one node, or say why not."""
        try:
            node = self._memory.node(name, spec)
        except SampipeError as error:
            self._memory.results.pop(name, None)
            return self._say(name, state="failed", message=shared.sentence(error).removeprefix("graph: "))
        inputs, why = self._inputs(node, spec, ended)
        if why:
            self._memory.results.pop(name, None)
            return self._say(name, state="open", message=why)
        key = _key(node, {port: one.key for port, one in inputs.items()})
        before = self._memory.results.get(name)
        if before is not None and before.key == key and node.pure:
            self._say(name, state="done", kept=True, **self._shown(before.outputs, before.report))
            return True
        self._say(name, state="running")
        try:
            ran = self._ran(name, node, inputs, key)
        except NodeError as error:
            if isinstance(error.__cause__, shared.Cancelled):
                raise error.__cause__ from None
            self._memory.results.pop(name, None)
            return self._say(name, state="failed", message=shared.noted(error).removeprefix(f"{name}: "))
        self._memory.results[name] = ran
        self._say(name, state="done", kept=False, **self._shown(ran.outputs, ran.report))
        return True

    def _ran(self, name: str, node: Node, inputs: Mapping[str, Given], key: str) -> Ran:
        ports = {port: node.ports.inputs[port] for port in inputs}
        wires = {name: {port: Source(None, port) for port in inputs}}
        graph = Graph(ports, {name: node}, wires, {port: Source(name, port) for port in node.ports.outputs})
        with following(lambda _: self.told(self.share or 0.0)):
            result = graph.run(**{port: one.value for port, one in inputs.items()})
        return Ran(result.outputs, result.report[name], key)

    def _inputs(self, node: Node, spec: NodeSpec, ended: Mapping[str, bool]) -> tuple[dict[str, Given], str]:
        """What feeds a node, or why it cannot run yet."""
        found: dict[str, Given] = {}
        for port, wanted in node.ports.inputs.items():
            source = spec.inputs.get(port)
            if source is None:
                if wanted.required:
                    return {}, f"Nothing feeds {port} yet."
                continue
            upstream, _, word = source.partition(".")
            if source.startswith("$"):
                given = self._given.get(source[1:])
                if given is None and wanted.required:
                    return {}, f"{source[1:]} is not given yet."
            elif not ended.get(upstream):
                return {}, f"It waits for {upstream}."
            else:
                ran = self._memory.results[upstream]
                given = Given(ran.outputs.get(word), f"{ran.key}.{word}")
            if given is not None:
                found[port] = given
        return found, ""

    def _say(self, name: str, **what: Any) -> bool:
        self._events.append({"node": name, **what})
        return False


def _sources(spec: NodeSpec) -> set[str]:
    return {source.partition(".")[0] for source in spec.inputs.values() if not source.startswith("$")}


def _key(node: Node, inputs: Mapping[str, str]) -> str:
    text = json.dumps([node.digest(), sorted(inputs.items())])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
