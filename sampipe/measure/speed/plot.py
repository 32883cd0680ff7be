"""The figures as a plot: speed-ups, and how time and memory grow with the boxes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe._files import write_atomic
from sampipe._optional import require
from sampipe.measure.speed.growth import SIZES
from sampipe.measure.speed.worker import OURS

if TYPE_CHECKING:
    from sampipe.measure.speed.report import Report

_SPEEDUP = "speedup_vs_"
Panel = tuple[int, Callable[[Any], None]]
"""How wide, and what draws it."""


def plot_report(report: Report, path: Path) -> None:
    """Bars of how many times as fast as each peer, lines of seconds and peak memory over sizes: what was measured.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    figure_module = require("matplotlib.figure", "bench")
    speedups = {key: _speedups(values) for key, values in report.summary.items() if f"{_SPEEDUP}best_peer" in values}
    panels = [*_peer_panels(report, speedups), *_scaling_panels(report.extras.get("scaling", {}))]
    bars = sum(map(len, speedups.values())) + len(speedups)
    widths = [width for width, _ in panels] or [1]
    figure = figure_module.Figure(figsize=(3.25 * sum(widths), max(5.0, 1.5 + 0.28 * bars)), layout="constrained")
    figure.suptitle(report.headline(), fontsize=9)
    every = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for axes, (_, draw) in zip(every, panels, strict=False):
        draw(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lstrip(".") or "png", dpi=120)
    write_atomic(path, buffer.getvalue())


def _speedups(values: Mapping[str, Any]) -> dict[str, float]:
    found = {name.removeprefix(_SPEEDUP): value for name, value in values.items() if name.startswith(_SPEEDUP)}
    return {name: value for name, value in found.items() if name != "best_peer"}


def _peer_panels(report: Report, speedups: Mapping[str, Mapping[str, float]]) -> Iterator[Panel]:
    peers = sorted({peer for shown in speedups.values() for peer in shown})
    if peers:
        yield 2, lambda axes: _draw_speedups(axes, speedups, peers)
    if any(row.case.task == "decode" and row.runs for row in report.rows):
        names = [OURS, *peers]
        yield 1, lambda axes: _draw_growth(axes, report, names, "seconds", lambda row: row.seconds)
        memory = "peak MB above the model"
        yield 1, lambda axes: _draw_growth(axes, report, names, memory, lambda row: (row.peak_bytes or 0) / 1e6)


def _scaling_panels(values: Mapping[str, float]) -> Iterator[Panel]:
    for name in SIZES:
        if any(key.startswith(f"{name}_") for key in values):
            yield 1, partial(_draw_scaling, name=name, values=values)


def _draw_speedups(axes: Any, speedups: Mapping[str, Mapping[str, float]], peers: Sequence[str]) -> None:
    place, ticks = 0.0, []
    for shown in speedups.values():
        ticks.append(place + (len(shown) - 1) / 2)
        for peer, value in shown.items():
            axes.barh(place, value, color=f"C{1 + peers.index(peer)}")
            axes.text(value, place, f" {value:.1f} x {peer}", va="center", fontsize=8)
            place += 1
        place += 0.8
    axes.set_yticks(ticks, list(speedups))
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times as fast as the peer")
    axes.margins(x=0.35)


def _draw_growth(axes: Any, report: Report, names: Sequence[str], label: str, value: Callable[[Any], float]) -> None:
    rows = [row for row in report.rows if row.case.stage == "decode" and row.case.task == "decode" and row.runs]
    for index, name in enumerate(names):
        mine = [row for row in rows if row.who == name]
        if mine:
            counts = [row.case.count for row in mine]
            axes.plot(counts, [value(row) for row in mine], marker="o", color=f"C{index}", label=name)
    axes.set_xlabel("boxes")
    axes.set_title(label, fontsize=9)
    axes.loglog()
    axes.legend(fontsize=7)


def _draw_scaling(axes: Any, name: str, values: Mapping[str, float]) -> None:
    """Seconds and memory over one size, and a line of what is linear."""
    sizes: tuple[int, ...] = ()
    for index, (ending, label, scale) in enumerate((("seconds", "s", 1.0), ("peak_bytes", "GB", 1e-9))):
        points = sorted(
            (int(key.split("_")[1]), max(value * scale, 1e-6))
            for key, value in values.items()
            if key.startswith(f"{name}_") and key.endswith(ending)
        )
        if points:
            sizes, heights = zip(*points, strict=True)
            axes.plot(sizes, heights, marker="o", color=f"C{index}", label=label)
            axes.plot(sizes, [heights[0] * size / sizes[0] for size in sizes], color=f"C{index}", linestyle=":")
    axes.loglog()
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=7)
    axes.minorticks_off()
    axes.set_xlabel(name)
    axes.set_title(f"growth with {name}; dotted: linear", fontsize=9)
    axes.legend(fontsize=7)
