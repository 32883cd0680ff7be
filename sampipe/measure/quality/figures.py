"""Figures of a data set from the rows of its images, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sampipe.measure.quality.report import MODEL, Scored, interval, number, prefix
from sampipe.measure.quality.statistics import bootstrap_interval, spearman, spearman_interval


def by_image(scored: Sequence[Scored], column: str) -> list[list[Any]]:
    """A column's values, image by image."""
    return [[row[column] for row in one["rows"]] for one in scored]


def flat(groups: Sequence[Sequence[Any]]) -> Iterator[Any]:
    """The values of all images."""
    return (value for group in groups for value in group)


def counts(scored: Sequence[Scored]) -> dict[str, Any]:
    """How many images and objects there are."""
    return {"images": len(scored), "objects": sum(len(one["rows"]) for one in scored)}


def mean_summary(key: str, groups: Sequence[Sequence[float]], seed: int) -> dict[str, Any]:
    """The mean over all objects and, as ``KEY_interval``, where it lies with 95 %.

    Args:
        groups: the values, image by image; images without any are left out.
    """
    filled = [group for group in groups if len(group)]
    mean = float(np.mean(list(flat(filled))))
    return {key: mean, f"{key}_interval": list(bootstrap_interval(filled, seed=seed))}


def gain_summary(scored: Sequence[Scored], name: str, column: str, seed: int) -> dict[str, Any]:
    """How much higher the model is in a column than a competitor: mean difference an object, and its interval."""
    if name == MODEL:
        return {}
    gains = [[row[column] - row[f"{name}_{column}"] for row in one["rows"]] for one in scored]
    return mean_summary(f"gain_over_{name}", gains, seed)


def correlation_summary(scored: Sequence[Scored], name: str, seed: int, kind: str = "") -> dict[str, Any]:
    """Rank correlation of predicted with true IoU (columns ``KINDiou``, ``KINDpredicted_iou``), if it is predicted."""
    start = f"{prefix(name)}{kind}"
    trues, guesses = by_image(scored, f"{start}iou"), by_image(scored, f"{start}predicted_iou")
    if any(guess is None for guess in flat(guesses)):
        return {}
    found = spearman_interval(trues, guesses, seed=seed)
    return {
        f"{start}spearman": spearman(list(flat(trues)), list(flat(guesses))),
        f"{start}spearman_interval": None if found is None else list(found),
    }


def gain_cells(summary: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A competitor's name, the model's gain over it with its interval, and how many times as fast the model is."""
    return (
        name,
        number(summary[f"gain_over_{name}"], "+.4f"),
        interval(summary[f"gain_over_{name}_interval"], "+.4f"),
        number(summary[f"times_faster_than_{name}"], ".3g"),
    )


def notes(summary: Mapping[str, Any]) -> list[str]:
    """How well the model knows its IoU, and on which images times are compared."""
    kinds = {"spearman": "", "random_spearman": " (random click)"}
    texts = [
        f"predicted against true IoU{words}: Spearman {summary[key]:.4f} ({interval(summary[f'{key}_interval'])})"
        for key, words in kinds.items()
        if summary.get(key) is not None
    ]
    images = summary["images_with_10_objects"]
    named = f"times are compared with 10 objects on each of {len(images)} images: {', '.join(images)}"
    return [*texts, named if images else "no image has 10 objects: times are compared on all"]
