"""Groups of people beside each other."""

from __future__ import annotations

from pathlib import Path

from sampipe.eval.fairness import POINTS
from sampipe.eval.plots import figure
from sampipe.eval.report import Evaluation


def plot_fairness(evaluation: Evaluation, path: Path) -> None:
    """Mean IoU and interval of every group, one picture for each number of clicks."""
    columns = evaluation.summary["groups"]
    names = [(column, name) for column, found in columns.items() for name in found["groups"]]
    with figure(path, len(POINTS)) as pictures:
        for axes, points in zip(pictures, POINTS, strict=True):
            for place, (column, name) in enumerate(names):
                group = columns[column]["groups"][name]
                mean, (low, high) = group[f"mean_iou_{points}"], group[f"mean_iou_{points}_interval"]
                color = f"C{list(columns).index(column)}"
                axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], marker="o", capsize=3, color=color)
            axes.set(xlabel=f"mean IoU after {points} click{'s' if points > 1 else ''}", yticks=range(len(names)))
            axes.set_yticklabels([f"{name} ({columns[column]['groups'][name]['people']})" for column, name in names])
            axes.invert_yaxis()
