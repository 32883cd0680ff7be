"""What a run gives back: the outputs, and a report of what each node did."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import UnknownPortError
from sampipe.graph.names import did_you_mean, listed
from sampipe.types import Image, Masks


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


@dataclass(frozen=True, eq=False, repr=False)
class Result(Mapping[str, Any]):
    """The outputs of one run, a mapping: ``result.masks``, ``result["masks"]``, ``"masks" in result``.

    Args:
        outputs: by name; None for an output that is an optional input nobody gave.
        report: what each node did. (An output of the name "report", "outputs", "keys" ... is reached by ``[...]``.)
        item: which item of a ``map`` this is (its file, or ``#index``); None for a single run.
        background: the image of a single run, on which notebooks draw the masks.
    """

    outputs: Mapping[str, Any]
    report: Report = field(default_factory=lambda: Report({}))
    item: str | None = None
    background: Image | None = None

    __eq__, __hash__ = object.__eq__, object.__hash__  # arrays do not compare to one truth

    def __getitem__(self, name: str) -> Any:
        if name not in self.outputs:
            raise UnknownPortError(self._unknown(name))
        return self.outputs[name]

    def __getattr__(self, name: str) -> Any:
        outputs = self.__dict__.get("outputs", {})  # absent only while unpickling
        if name not in outputs:
            raise AttributeError(self._unknown(name) if outputs else name)
        return outputs[name]

    def __contains__(self, name: object) -> bool:
        return name in self.outputs

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)

    def get(self, name: str, default: Any = None) -> Any:
        """The output, or ``default`` where there is none of that name."""
        return self.outputs.get(name, default)

    def __repr__(self) -> str:
        width = max(map(len, self.outputs), default=0)
        lines = [f"Result of {self.item}" if self.item else "Result"]
        lines += [f"  {name:<{width}}  {_in_short(value)}" for name, value in self.outputs.items()]
        took = ", ".join(f"{name} {one.seconds:.2f}" for name, one in self.report.items())
        return "\n".join([*lines, f"  {self.report.seconds:.2f} s: {took}"] if took else lines)

    def _repr_html_(self) -> str:
        from sampipe.types.display import value_html

        shown = ((name, value_html(value, self.background)) for name, value in self.outputs.items())
        return "".join(f"<h4>{html.escape(name)}</h4>{text}" for name, text in shown)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.outputs]

    def _unknown(self, name: str) -> str:
        return f"The result has no output {name!r}.{did_you_mean(name, self.outputs)} It has {listed(self.outputs)}."


def _in_short(value: Any) -> str:
    if isinstance(value, Masks):
        from sampipe.types.display import summary

        return f"{summary(value)} on {value.hw[1]}x{value.hw[0]} pixels"
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"
