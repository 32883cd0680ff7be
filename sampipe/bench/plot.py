"""The figures as a picture: speed-ups, and how time and memory grow with the boxes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe._files import write_atomic
from sampipe._optional import require
from sampipe.bench.growth import SIZES
from sampipe.bench.worker import OURS

if TYPE_CHECKING:
    from sampipe.bench.report import Report

_SPEEDUP = "speedup_vs_"
Panel = tuple[int, Callable[[Any], None]]
"""How wide, and what draws it."""


def plot_report(report: Report, path: Path) -> None:
    """Bars of how many times as fast as each peer, lines of seconds and peak memory over sizes: what was measured.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    figure_module = require("matplotlib.figure", "bench")
    summary = {key: values for key, values in report.summary.items() if f"{_SPEEDUP}best_peer" in values}
    panels = [*_peer_panels(report, summary), *_scaling_panels(report.extras.get("scaling", {}))]
    bars = sum(len(_speedups(values)) for values in summary.values())
    widths = [width for width, _ in panels] or [1]
    figure = figure_module.Figure(
        figsize=(3.25 * sum(widths), max(5.0, 1.5 + 0.28 * (bars + len(summary)))), layout="constrained"
    )
    figure.suptitle(report.headline(), fontsize=9)
    every = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for axes, (_, draw) in zip(every, panels, strict=False):
        draw(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lstrip(".") or "png", dpi=120)
    write_atomic(path, buffer.getvalue())


def _peer_panels(report: Report, summary: dict[str, dict[str, Any]]) -> Iterator[Panel]:
    peers = sorted({peer for values in summary.values() for peer in _speedups(values)})
    if peers:
        yield 2, lambda axes: _draw_speedups(axes, summary, peers)
    if any(row.case.task == "decode" and row.runs for row in report.rows):
        yield 1, lambda axes: _draw_growth(axes, report, peers, "seconds", lambda row: row.seconds)
        memory = "peak MB above the model"
        yield 1, lambda axes: _draw_growth(axes, report, peers, memory, lambda row: (row.peak_bytes or 0) / 1e6)


def _scaling_panels(values: dict[str, float]) -> Iterator[Panel]:
    for name in SIZES:
        if any(key.startswith(f"{name}_") for key in values):
            yield 1, partial(_draw_scaling, name=name, values=values)


def _speedups(values: dict[str, Any]) -> dict[str, float]:
    found = {name.removeprefix(_SPEEDUP): value for name, value in values.items() if name.startswith(_SPEEDUP)}
    return {name: value for name, value in found.items() if name != "best_peer"}


def _draw_speedups(axes: Any, summary: dict[str, dict[str, Any]], peers: Sequence[str]) -> None:
    place, ticks = 0.0, []
    for values in summary.values():
        shown = _speedups(values)
        ticks.append(place + (len(shown) - 1) / 2)
        for peer, value in shown.items():
            axes.barh(place, value, color=f"C{1 + peers.index(peer)}")
            axes.text(value, place, f" {value:.1f} x {peer}", va="center", fontsize=8)
            place += 1
        place += 0.8
    axes.set_yticks(ticks, list(summary))
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times as fast as the peer")
    axes.margins(x=0.35)


def _draw_growth(axes: Any, report: Report, peers: Sequence[str], label: str, value: Any) -> None:
    rows = [row for row in report.rows if row.case.task == "decode" and row.runs]
    for index, name in enumerate((OURS, *peers)):
        mine = [row for row in rows if row.who == name]
        if mine:
            counts = [row.case.count for row in mine]
            axes.plot(counts, [value(row) for row in mine], marker="o", color=f"C{index}", label=name)
    axes.set_xlabel("boxes")
    axes.set_title(label, fontsize=9)
    axes.loglog()
    axes.legend(fontsize=7)


def _draw_scaling(axes: Any, name: str, values: dict[str, float]) -> None:
    """Seconds and memory over one size, and a line of what is linear."""
    sizes: tuple[int, ...] = ()
    for index, (ending, label) in enumerate((("seconds", "s"), ("peak_bytes", "GB"))):
        points = sorted(
            (int(key.split("_")[1]), value)
            for key, value in values.items()
            if key.startswith(f"{name}_") and key.endswith(ending)
        )
        if points:
            scale = 1e-9 if ending == "peak_bytes" else 1.0
            sizes, heights = zip(*((size, max(value * scale, 1e-6)) for size, value in points), strict=True)
            axes.plot(sizes, heights, marker="o", color=f"C{index}", label=label)
            axes.plot(sizes, [heights[0] * size / sizes[0] for size in sizes], color=f"C{index}", linestyle=":")
    axes.loglog()
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=7)
    axes.minorticks_off()
    axes.set_xlabel(name)
    axes.set_title(f"growth with {name}; dotted: linear", fontsize=9)
    axes.legend(fontsize=7)
