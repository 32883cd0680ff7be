"""A picture of each evaluation, by matplotlib."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import whole_file
from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.eval.points import REPORTED_CLICKS
from sampipe.eval.report import Evaluation

_FORMATS = (".png", ".svg", ".pdf")


def check_plot(path: Path | None) -> None:
    """Say before the measurement what would fail after it.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        DataError: an ending that it does not write.
    """
    if path is not None:
        require("matplotlib", "eval")
        if path.suffix not in _FORMATS:
            raise DataError(f"plot: got {path}, wanted a file that ends in {', '.join(_FORMATS)}")


def plot_boxes(evaluation: Evaluation, competitors: Sequence[str], path: Path) -> None:
    """The share of objects that reach each IoU, and what the model predicts against what is true."""
    with figure(path, 2) as (left, right):
        _reached(left, evaluation, competitors, "iou")
        _predicted(right, evaluation, "iou", "predicted_iou")


def plot_points(evaluation: Evaluation, competitors: Sequence[str], path: Path) -> None:
    """Mean IoU click by click, and the share of objects that reach each IoU after the first."""
    with figure(path, 2) as (left, right):
        for name, start in _entrants(evaluation, competitors):
            means = [_mean(evaluation, f"{start}mean_iou_after_{number}") for number in REPORTED_CLICKS]
            [line] = left.plot(REPORTED_CLICKS, means, marker="o", label=name)
            if "data_sets" not in evaluation.summary:
                bounds = [evaluation.summary[f"{start}mean_iou_after_{number}_interval"] for number in REPORTED_CLICKS]
                left.fill_between(REPORTED_CLICKS, *np.transpose(bounds), color=line.get_color(), alpha=0.2)
        left.set(xlabel="clicks", ylabel="mean IoU", ylim=(0, 1), xticks=REPORTED_CLICKS)
        left.legend(frameon=False)
        _reached(right, evaluation, competitors, "iou", extra={"best of three": "oracle_iou"})


def plot_proposals(evaluation: Evaluation, path: Path) -> None:
    """Average recall by number of proposals, for each group of objects."""
    from sampipe.eval.proposals import GROUPS, LIMITS

    with figure(path, 1) as (axes,):
        for group in GROUPS:
            if evaluation.summary[f"objects_{group}"]:
                ending = "" if group == "all" else f"_{group}"
                recalls = [evaluation.summary[f"ar{most}{ending}"] for most in LIMITS]
                axes.plot(LIMITS, recalls, marker="o", label=f"{group} ({evaluation.summary[f'objects_{group}']})")
        axes.set(xscale="log", xlabel="proposals an image", ylabel="average recall", ylim=(0, 1))
        axes.legend(frameon=False)


def plot_instances(evaluation: Evaluation, competitors: Sequence[str], path: Path) -> None:
    """AP of the boxes beside that of everybody's masks, for all objects and by size."""
    sizes = {"ap": "all", "ap_small": "small", "ap_medium": "medium", "ap_large": "large"}
    kinds = [("boxes", "box_"), *((f"masks by {name}", start) for name, start in _entrants(evaluation, competitors))]
    width = 0.8 / len(kinds)
    with figure(path, 1) as (axes,):
        for number, (name, start) in enumerate(kinds):
            heights = [evaluation.summary[f"{start}{key}"] or 0 for key in sizes]
            axes.bar(np.arange(len(sizes)) + (number - (len(kinds) - 1) / 2) * width, heights, width, label=name)
        axes.set(ylabel="AP", xticks=np.arange(len(sizes)), xticklabels=sizes.values())
        axes.legend(frameon=False)


def plot_text(evaluation: Evaluation, rivals: Sequence[str], path: Path) -> None:
    """The share of phrases that reach each IoU."""
    with figure(path, 1) as (axes,):
        _reached(axes, evaluation, rivals, "iou")
        axes.set(ylabel="share of phrases that reach it")


def _reached(
    axes: Any, evaluation: Evaluation, competitors: Sequence[str], column: str, extra: Mapping[str, str] | None = None
) -> None:
    lines = [(name, f"{start}{column}") for name, start in _entrants(evaluation, competitors)]
    for name, key in [*lines, *(extra or {}).items()]:
        axes.ecdf([row[key] for row in evaluation.rows], complementary=True, label=name)
    axes.set(xlabel="IoU", ylabel="share of objects that reach it", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)


def _predicted(axes: Any, evaluation: Evaluation, true: str, predicted: str) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    pairs = np.array([(row[predicted], row[true]) for row in evaluation.rows], dtype=float)
    axes.scatter(*pairs.T, s=10, alpha=0.5)
    axes.set(xlabel="predicted IoU", ylabel="true IoU", ylim=(0, 1))


def _entrants(evaluation: Evaluation, competitors: Sequence[str]) -> list[tuple[str, str]]:
    return [(Path(evaluation.model).stem, ""), *((name, f"{name}_") for name in competitors)]


def _mean(evaluation: Evaluation, key: str) -> float:
    return float(evaluation.summary[key])


@contextmanager
def figure(path: Path, count: int) -> Iterator[Sequence[Any]]:
    """So many axes side by side; the file is written when the block ends."""
    require("matplotlib", "eval")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * count, 4), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    yield axes
    with whole_file(path) as partial:
        figure.savefig(partial, format=path.suffix.removeprefix("."))
