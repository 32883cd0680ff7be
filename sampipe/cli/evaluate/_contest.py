"""What the tables of ``eval boxes`` and ``eval points`` have in common: gains, speed, correlation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe.cli.evaluate._tables import interval, number, print_by_data, summaries, versions_line

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation


def print_rest(evaluation: Evaluation, rivals: Sequence[str], *, gain: str) -> None:
    """Below the figures: the model against each competitor, how well it knows its IoU, on which pictures speed.

    Args:
        gain: of which figure the gain is.
    """
    rows = [(data, _gain(summary, name)) for data, summary in summaries(evaluation) for name in rivals]
    if rows:
        columns = (f"{Path(evaluation.model).stem} over", f"gain in {gain}", "95 % interval", "times faster")
        print_by_data(rows, columns=columns, title=None)
    for data, summary in summaries(evaluation):
        for line in (*_correlations(summary), _ten(summary)):
            print(f"{data}: {line}" if data else line)
    print(versions_line(evaluation))


def _gain(summary: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return (
        name,
        number(summary[f"gain_over_{name}"], "+.4f"),
        interval(summary[f"gain_over_{name}_interval"], signed=True),
        number(summary[f"times_faster_than_{name}"], ".3g"),
    )


def _correlations(summary: Mapping[str, Any]) -> list[str]:
    kinds = {"spearman": "", "random_spearman": " (random click)"}
    return [
        f"predicted against true IoU{words}: Spearman {summary[key]:.4f} ({interval(summary[f'{key}_interval'])})"
        for key, words in kinds.items()
        if summary.get(key) is not None
    ]


def _ten(summary: Mapping[str, Any]) -> str:
    images = summary["images_with_10_objects"]
    if not images:
        return "no image has 10 objects: times are compared on all"
    return f"times are compared with 10 objects on each of {len(images)} images: {', '.join(images)}"
