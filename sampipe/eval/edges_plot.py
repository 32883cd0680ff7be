"""Precision over recall of edges, as the benchmark draws it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sampipe.eval.plots import figure
from sampipe.eval.report import Evaluation


def plot_edges(evaluation: Evaluation, competitors: Sequence[str], path: Path) -> None:
    """One line a method, its best point marked, over lines of equal F-measure."""
    summary = evaluation.summary
    with figure(path, 1) as (axes,):
        grid = np.linspace(0.01, 1, 100)
        recall, precision = np.meshgrid(grid, grid)
        f = 2 * recall * precision / (recall + precision)
        axes.contour(recall, precision, f, levels=np.arange(1, 10) / 10, colors="0.85", linewidths=0.8)
        for name, start in [(Path(evaluation.model).stem, ""), *((name, f"{name}_") for name in competitors)]:
            label = f"{name}, ODS {summary[f'{start}ods']:.3f}"
            [line] = axes.plot(summary[f"{start}recall"], summary[f"{start}precision"], label=label)
            best = summary[f"{start}ods_recall"], summary[f"{start}ods_precision"]
            axes.plot(*best, marker="o", color=line.get_color())
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, loc="lower left")
