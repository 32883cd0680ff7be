"""What the plots of evaluations have in common, by matplotlib."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import atomic_file
from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.measure.quality.report import Evaluation

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
    with atomic_file(path) as partial:
        figure.savefig(partial, format=path.suffix.removeprefix("."))


def reached(axes: Any, evaluation: Evaluation, column: str, extra: Mapping[str, str] | None = None) -> None:
    """The share of objects that reach each IoU: a line for each method, and for each column of ``extra``."""
    columns = {name: f"{start}{column}" for name, start in evaluation.methods.items()}
    for name, key in {**columns, **(extra or {})}.items():
        axes.ecdf([row[key] for row in evaluation.rows], complementary=True, label=name)
    axes.set(xlabel="IoU", ylabel="share of objects that reach it", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)


def predicted(axes: Any, evaluation: Evaluation) -> None:
    """The IoU that the model predicts against the true one, an object a point."""
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    pairs = np.array([(row["predicted_iou"], row["iou"]) for row in evaluation.rows], dtype=float)
    axes.scatter(*pairs.T, s=10, alpha=0.5)
    axes.set(xlabel="predicted IoU", ylabel="true IoU", ylim=(0, 1))
