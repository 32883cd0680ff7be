"""One node's turn, for one item or for several at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sampipe.errors import NodeError, PortTypeError
from sampipe.graph.plan import Step
from sampipe.graph.ports import accepts, type_name
from sampipe.graph.result import NodeReport
from sampipe.graph.run.events import listening
from sampipe.graph.run.memory import MemoryRise
from sampipe.graph.wiring import Source


@dataclass
class Item:
    """One set of inputs on its way through a graph.

    Args:
        values: everything computed so far that is still needed.
        name: what messages call it, or None for a single run.
        error: why it goes no further.
    """

    values: dict[Source, Any]
    name: str | None = None
    error: NodeError | None = None


def run_step(step: Step, items: Sequence[Item]) -> NodeReport:
    """Run a node on every item; outputs and errors go into the items."""
    memory = MemoryRise()
    started = time.perf_counter()
    with listening() as counters:
        if len(items) > 1 and step.inputs and step.node.pure and hasattr(step.node, "run_batch"):
            for group in _alike(step, items):
                _run_many(step, group)
        else:
            for item in items:
                _run_one(step, item)
    return NodeReport(
        seconds=time.perf_counter() - started,
        cache_hits=counters.events["cache_hits"],
        peak_memory=memory.bytes(),
        device=counters.device,
    )


def release(step: Step, items: Iterable[Item]) -> None:
    """Let go of the values that no later step needs."""
    for item in items:
        for source in step.frees:
            item.values.pop(source, None)


def _run_one(step: Step, item: Item) -> None:
    inputs = _inputs(step, item)
    try:
        _keep(step, item, step.node.run(**inputs))  # type: ignore[attr-defined]
    except Exception as error:
        item.error = node_error(step, item, inputs, error)


def _run_many(step: Step, items: Sequence[Item]) -> None:
    """Run a batch; one that fails (out of memory, a bad item) is halved until the culprit stands alone."""
    if len(items) == 1:
        return _run_one(step, items[0])
    lists = {
        port: [item.values[source] for item in items]
        for port, source in step.inputs.items()
        if source in items[0].values
    }
    try:
        values = step.node.run_batch(**lists)  # type: ignore[attr-defined]
        if not isinstance(values, (list, tuple)) or len(values) != len(items):
            got = f"{len(values)} values" if isinstance(values, (list, tuple)) else type(values).__name__
            raise PortTypeError(f"run_batch got {len(items)} items and returned {got}; wanted one for each")
        for item, value in zip(items, values, strict=True):
            _keep(step, item, value)
        return None
    except Exception:  # tried again in halves, outside this block so that the failed batch's memory is free
        del lists
    half = len(items) // 2
    _run_many(step, items[:half])
    _run_many(step, items[half:])


def _alike(step: Step, items: Sequence[Item]) -> list[list[Item]]:
    """Items grouped by the optional inputs they have: a batch gives an input to all of them or to none."""
    groups: dict[frozenset[str], list[Item]] = {}
    for item in items:
        groups.setdefault(frozenset(_inputs(step, item)), []).append(item)
    return list(groups.values())


def _inputs(step: Step, item: Item) -> dict[str, Any]:
    return {port: item.values[source] for port, source in step.inputs.items() if source in item.values}


def _keep(step: Step, item: Item, value: Any) -> None:
    ports = step.node.ports
    if ports.returns is not None and not isinstance(value, tuple):
        raise PortTypeError(f"run returned {type(value).__name__}; it promises {type_name(ports.returns)}")
    for port, part in ports.unpack(value).items():
        if not accepts(part, ports.outputs[port].type):
            raise PortTypeError(f"run returned {type(part).__name__}; it promises {ports.outputs[port]}")
        item.values[step.outputs[port]] = part


def node_error(step: Step, item: Item, inputs: dict[str, Any], cause: Exception) -> NodeError:
    """The error of an item, with the node, the item and its inputs; the original is its cause."""
    on_item = f" on {item.name}" if item.name else ""
    error = NodeError(
        f"{step.name!r} ({step.node.describe()}) failed{on_item}: {type(cause).__name__}: {cause}",
        node=step.name,
        item=item.name,
        inputs=inputs,
    )
    error.__cause__ = cause
    return error
