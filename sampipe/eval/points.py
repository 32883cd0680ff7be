"""Masks from clicks: one click, where a person or where chance puts it, and the clicks that correct."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.eval.answers import Answers, Session
from sampipe.eval.clicks import Click, center_click, correction, random_click
from sampipe.eval.competitors import Rivals
from sampipe.eval.competitors import competitors as by_name
from sampipe.eval.contest import MIN_AREA, MODEL, Contest, Entrants, ask, best_ious, ious, numbers, prefix, rows_of
from sampipe.eval.datasets import open_picture
from sampipe.eval.report import Evaluation
from sampipe.eval.results import Progress, Shard
from sampipe.eval.speed import speed_summary
from sampipe.eval.summaries import (
    Measured,
    by_picture,
    correlation_summary,
    flat,
    gain_summary,
    mean_summary,
)
from sampipe.types import RLE, Prompts
from sampipe.types._arrays import BoolArray
from sampipe.types.coco import Picture

MAX_CLICKS = 20
REPORTED_CLICKS = (1, 2, 3, 5, 9)
TARGETS = (0.85, 0.9)
"""IoUs of NoC@85 and NoC@90."""


def evaluate_points(
    model: str,
    data: str | Path,
    *,
    device: str = "auto",
    limit: int | None = None,
    min_area: int = MIN_AREA,
    seed: int = 0,
    competitors: Rivals = ("wand",),
    max_clicks: int = MAX_CLICKS,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Click on every object of ``data`` and compare the masks of ``model`` with the true ones.

    One click at the middle of the object (the maximum of its distance transform) and one anywhere on it, each with
    the single answer (of highest predicted IoU) and with the best of the three by the truth. From the middle,
    corrections follow, each at the middle of the deeper of what is missing and what is too much, until the IoU
    reaches 90 % or the clicks run out, but never fewer than nine (paper, section 7.1 and appendix D.1; number of
    clicks, NoC, as in Sofiiuk et al., ICIP 2022: an object that never gets there counts as the largest number).

    Args:
        model, data, device, limit, min_area, seed, out, shard, progress: see
            :func:`~sampipe.eval.boxes.evaluate_boxes`; ``seed`` also places the random clicks.
        competitors: who answers beside the model, see :func:`~sampipe.eval.competitors.competitors`.
        max_clicks: the largest number of clicks.

    Raises:
        DataError: the data, a competitor or the folder are not what they should be.
        CheckpointError: the model cannot be loaded.
    """
    contest = Contest.of(
        "points",
        model,
        data,
        by_name(competitors, "points"),
        device=device,
        min_area=min_area,
        limit=limit,
        seed=seed,
        max_clicks=max_clicks,
    )
    return contest.run(
        lambda entrants, picture: measure_points(entrants, picture, seed=seed, max_clicks=max_clicks),
        lambda measured, names: _summary(measured, names, seed, max_clicks),
        out=out,
        shard=shard,
        progress=progress,
    )


def measure_points(entrants: Entrants, picture: Picture, *, seed: int, max_clicks: int) -> Measured:
    """Everybody's answers to the clicks on one picture's objects."""
    image = open_picture(picture)
    truths = [truth.mask for truth in picture.objects]
    pixels = [mask.decode() for mask in truths]
    middles = [center_click(mask) for mask in pixels]
    anywhere = [
        random_click(mask, np.random.default_rng([seed, truth.id]))
        for mask, truth in zip(pixels, picture.objects, strict=True)
    ]
    columns: dict[str, Sequence[Any]] = {}
    seconds: dict[str, Any] = {}
    for name, entrant in entrants.items():
        start = prefix(name)
        session, first, seconds[name] = ask(entrant, image, _prompts([[click] for click in middles]))
        columns |= _first_click(start, first, truths)
        columns |= _first_click(f"{start}random_", session.answer(_prompts([[click] for click in anywhere])), truths)
        begin = time.perf_counter()
        sequences, asked = _corrected(session, first, middles, pixels, max_clicks)
        seconds[name] |= {"corrections": time.perf_counter() - begin, "corrections_asked": asked}
        columns[f"{start}click_ious"] = sequences
    return {"rows": rows_of(picture, columns), "seconds": seconds}


def _first_click(start: str, answers: Answers, truths: Sequence[RLE]) -> dict[str, Sequence[Any]]:
    return {
        f"{start}iou": ious(answers.chosen(), truths),
        f"{start}oracle_iou": best_ious(answers, truths),
        f"{start}predicted_iou": numbers(answers.chosen_predicted()),
    }


def _corrected(
    session: Session, first: Answers, middles: Sequence[Click], truths: Sequence[BoolArray], max_clicks: int
) -> tuple[list[list[float]], int]:
    """The IoU after each click, object by object, and how many corrections were asked for in all.

    A sequence ends when its mask is perfect, or when it has the highest target and all clicks that are reported.
    """
    clicks = [[click] for click in middles]
    sequences: list[list[float]] = [[] for _ in truths]
    active, answers, asked = np.arange(len(truths)), first, 0
    while True:
        going = []
        for row, (index, mask) in enumerate(zip(active.tolist(), answers.chosen(), strict=True)):
            answer = mask.decode()
            sequences[index].append(_iou(answer, truths[index]))
            if _is_done(sequences[index], max_clicks):
                continue
            click = correction(answer, truths[index], clicks[index])
            if click is not None:
                clicks[index].append(click)
                going.append(row)
        if not going:
            return sequences, asked
        active, answers = active[going], answers.select(np.array(going))
        answers = session.answer(_prompts([clicks[index] for index in active]), answers)
        asked += len(active)


def _is_done(sequence: Sequence[float], max_clicks: int) -> bool:
    reached = max(sequence) >= max(TARGETS) and len(sequence) >= max(REPORTED_CLICKS)
    return reached or len(sequence) >= max_clicks


def _iou(answer: BoolArray, truth: BoolArray) -> float:
    return float((answer & truth).sum() / (answer | truth).sum())


def _prompts(clicks: Sequence[Sequence[Click]]) -> Prompts:
    """An object a row; all have the same number of clicks."""
    values = np.array(clicks, np.float32)
    return Prompts.from_points(values[:, :, :2], values[:, :, 2].astype(np.int8))


def clicks_needed(sequence: Sequence[float], target: float, most: int) -> int:
    """The first click after which the IoU is at least ``target``; ``most`` where it never is."""
    return next((number for number, iou in enumerate(sequence, start=1) if iou >= target), most)


def _summary(measured: Sequence[Measured], names: Sequence[str], seed: int, max_clicks: int) -> dict[str, Any]:
    summary: dict[str, Any] = {"images": len(measured), "objects": sum(len(one["rows"]) for one in measured)}
    for name in names:
        start = prefix(name)
        for kind in ("", "random_"):
            for key in ("", "oracle_"):
                summary |= mean_summary(
                    f"{start}{kind}{key}mean_iou", by_picture(measured, f"{start}{kind}{key}iou"), seed
                )
            columns = f"{kind}iou", f"{kind}predicted_iou"
            summary |= correlation_summary(measured, start, *columns, seed, key=f"{kind}spearman")
        summary |= _clicks_summary(measured, start, seed, max_clicks)
        if name != MODEL:
            summary |= gain_summary(measured, name, "iou", seed)
    return summary | speed_summary(measured, names)


def _clicks_summary(measured: Sequence[Measured], start: str, seed: int, max_clicks: int) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    sequences = by_picture(measured, f"{start}click_ious")
    for number in REPORTED_CLICKS:
        if number <= max_clicks:
            after = [[one[min(number, len(one)) - 1] for one in picture] for picture in sequences]
            summary |= mean_summary(f"{start}mean_iou_after_{number}", after, seed)
    for target in TARGETS:
        needed = [[clicks_needed(one, target, max_clicks) for one in picture] for picture in sequences]
        summary |= mean_summary(f"{start}noc{target * 100:.0f}", needed, seed)
        missed = [max(one) < target for one in flat(sequences)]
        summary[f"{start}never_reached_{target * 100:.0f}"] = float(np.mean(missed))
    name = start.removesuffix("_") or MODEL
    asked = sum(one["seconds"][name]["corrections_asked"] for one in measured)
    spent = sum(one["seconds"][name]["corrections"] for one in measured)
    summary[f"{start}seconds_per_correction"] = spent / asked if asked else None
    return summary
