"""What a run gives back: the outputs, and a report of what each node did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import UnknownPortError
from sampipe.graph.names import did_you_mean, listed


@dataclass(frozen=True)
class NodeReport:
    """One node's share of a run.

    Args:
        seconds: wall time inside the node.
        cache_hits: how often it found its work already done.
        peak_memory: bytes by which the process (on a GPU: torch's allocations) rose at the highest point
            above where it stood before; 0 where the system does not tell.
        device: the device it says it used, or None.
    """

    seconds: float
    cache_hits: int = 0
    peak_memory: int = 0
    device: str | None = None


@dataclass(frozen=True)
class Report(Mapping[str, NodeReport]):
    """The nodes that ran, in order. Items that went through in one batch share one report.

    Args:
        nodes: by name.
        batch: how many items the figures cover.
    """

    nodes: Mapping[str, NodeReport]
    batch: int = 1

    @property
    def seconds(self) -> float:
        """The sum over the nodes."""
        return sum(one.seconds for one in self.nodes.values())

    def __getitem__(self, name: str) -> NodeReport:
        return self.nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        """A table for people."""
        width = max((len(name) for name in self.nodes), default=4)
        lines = [f"{'node':<{width}}  {'seconds':>9}  {'hits':>5}  {'peak MB':>8}  device"]
        for name, one in self.nodes.items():
            lines.append(
                f"{name:<{width}}  {one.seconds:>9.4f}  {one.cache_hits:>5}  "
                f"{one.peak_memory / 1e6:>8.1f}  {one.device or '-'}"
            )
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Result:
    """The outputs of one run: ``result.masks`` or ``result["masks"]``.

    Args:
        outputs: by name; None for an output that is an optional input nobody gave.
        report: what each node did. (An output of the name "report" or "outputs" is reached by ``[...]``.)
        item: which item of a ``map`` this is (its file, or ``#index``); None for a single run.
    """

    outputs: Mapping[str, Any]
    report: Report = field(default_factory=lambda: Report({}))
    item: str | None = None

    def __getitem__(self, name: str) -> Any:
        if name not in self.outputs:
            raise UnknownPortError(self._unknown(name))
        return self.outputs[name]

    def __getattr__(self, name: str) -> Any:
        outputs = self.__dict__.get("outputs", {})  # absent only while unpickling
        if name not in outputs:
            raise AttributeError(self._unknown(name) if outputs else name)
        return outputs[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.outputs]

    def _unknown(self, name: str) -> str:
        return f"The result has no output {name!r}.{did_you_mean(name, self.outputs)} It has {listed(self.outputs)}."
