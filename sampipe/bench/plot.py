"""The figures as a picture: speed-ups, and how time and memory grow with the boxes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe._files import write_atomic
from sampipe._optional import require
from sampipe.bench.growth import SIZES
from sampipe.bench.worker import OURS

if TYPE_CHECKING:
    from sampipe.bench.report import Report

_SPEEDUP = "speedup_vs_"


def plot_report(report: Report, path: Path) -> None:
    """Bars of how many times as fast as each peer, and lines of seconds and peak memory over boxes.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    figure_module = require("matplotlib.figure", "bench")
    summary = {key: values for key, values in report.summary.items() if f"{_SPEEDUP}best_peer" in values}
    bars = sum(len(_speedups(values)) for values in summary.values())
    scaled = [name for name in SIZES if any(key.startswith(f"{name}_") for key in report.extras.get("scaling", {}))]
    figure = figure_module.Figure(
        figsize=(13 + 3 * len(scaled), max(5.0, 1.5 + 0.28 * (bars + len(summary)))), layout="constrained"
    )
    wide, seconds, memory, *sizes = figure.subplots(1, 3 + len(scaled), width_ratios=(2, 1, 1, *[1] * len(scaled)))
    figure.suptitle(report.headline(), fontsize=9)
    peers = sorted({peer for values in summary.values() for peer in _speedups(values)})
    _draw_speedups(wide, summary, peers)
    _draw_growth(seconds, report, peers, "seconds", lambda row: row.seconds)
    _draw_growth(memory, report, peers, "peak MB above the model", lambda row: (row.peak_bytes or 0) / 1e6)
    for axes, name in zip(sizes, scaled, strict=True):
        _draw_scaling(axes, name, report.extras["scaling"])
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lstrip(".") or "png", dpi=120)
    write_atomic(path, buffer.getvalue())


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
    if rows:
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
