"""The speed-ups as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sampipe._files import write_atomic
from sampipe._optional import require

if TYPE_CHECKING:
    from sampipe.bench.report import Report


def plot_speedups(report: Report, path: Path) -> None:
    """A bar for each case and peer: how many times as fast as that peer.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    figure_module = require("matplotlib.figure", "bench")
    summary = {key: values for key, values in report.summary.items() if "speedup_vs_best_peer" in values}
    peers = sorted({name for values in summary.values() for name in values if name.startswith("speedup_vs_")})
    peers.remove("speedup_vs_best_peer") if peers else None
    figure = figure_module.Figure(figsize=(9, 1.2 + 0.25 * len(summary) * (1 + len(peers))), layout="constrained")
    axes = figure.subplots()
    place, ticks = 0.0, []
    for values in summary.values():
        shown = [(peer, values[peer]) for peer in peers if peer in values]
        ticks.append(place + (len(shown) - 1) / 2)
        for peer, value in shown:
            axes.barh(place, value, color=f"C{peers.index(peer)}")
            axes.text(value, place, f" {value:.1f} x {peer.removeprefix('speedup_vs_')}", va="center", fontsize=8)
            place += 1
        place += 0.8
    axes.set_yticks(ticks, list(summary))
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times as fast as the peer")
    axes.set_title(report.headline(), fontsize=8)
    axes.margins(x=0.25)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lstrip(".") or "png", dpi=120)
    write_atomic(path, buffer.getvalue())
