"""Masks from clicks: one click, where a person or where chance puts it, and the clicks that correct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.data.annotated import AnnotatedImage
from sampipe.measure.quality import plots
from sampipe.measure.quality.answers import Answers, Session
from sampipe.measure.quality.clicks import Click, center_click, correction, random_click
from sampipe.measure.quality.comparison import (
    MIN_AREA,
    Asked,
    Comparison,
    ious,
    numbers,
    prepared_images,
    rows_of,
    speed_summary,
    timed,
)
from sampipe.measure.quality.figures import (
    by_image,
    correlation_summary,
    counts,
    flat,
    gain_cells,
    gain_summary,
    mean_summary,
    notes,
)
from sampipe.measure.quality.report import Evaluation, Scored, Table, counted, interval, lines, number, prefix
from sampipe.measure.quality.task import Prepared, Request, Task
from sampipe.types import RLE, Prompts
from sampipe.types._arrays import BoolArray
from sampipe.types.rle import iou_matrix

MAX_CLICKS = 20
REPORTED_CLICKS = (1, 2, 3, 5, 9)
TARGETS = (0.85, 0.9)
"""IoUs of NoC@85 and NoC@90."""
_FIRST = ("first click by", "where", "mean IoU", "95 % interval", "best of its masks", "95 % interval")
_LATER = {
    **{f"mean_iou_after_{count}": f"{count}{' click' * (count == 1)}" for count in REPORTED_CLICKS},
    **{f"noc{target * 100:.0f}": f"NoC@{target * 100:.0f}" for target in TARGETS},
}
_SECONDS = {
    "seconds_per_image": "s per image",
    "seconds_per_object": "s per object",
    "seconds_with_10_objects": "s for 10 objects",
    "seconds_per_correction": "s per correction",
}


@dataclass
class Clicked:
    """What a method answered to the clicks on an image's objects: the first, a random one, and the IoU after each."""

    first: Asked
    random: Answers
    ious: list[list[float]]
    seconds: dict[str, Any] = field(default_factory=dict)


@dataclass
class Points(Task[AnnotatedImage, dict[str, Clicked]]):
    """Click on every object and compare the masks with the true ones.

    One click at the middle of the object (the maximum of its distance transform) and one anywhere on it, each with
    the single answer (of highest predicted IoU) and with the best of the three by the truth. From the middle,
    corrections follow, each at the middle of the deeper of what is missing and what is too much, until the IoU
    reaches 90 % or the clicks run out, but never fewer than nine (paper, section 7.1 and appendix D.1; number of
    clicks, NoC, as in Sofiiuk et al., ICIP 2022: an object that never gets there counts as the largest number).

    Args:
        max_clicks: the largest number of clicks.
    """

    max_clicks: int = MAX_CLICKS
    name = "points"
    min_area = MIN_AREA
    competitors = ("wand",)

    def prepare(self, request: Request) -> Prepared[AnnotatedImage]:
        """Read the images and load everybody."""
        from sampipe.models import load_segmenter

        sam = load_segmenter(request.model, request.device)
        self._comparison, self._seed = Comparison.of(sam, request, "points"), request.seed
        return prepared_images(request, sam, self._comparison, max_clicks=self.max_clicks)

    def answer(self, item: AnnotatedImage) -> dict[str, Clicked]:
        """Everybody's answers to the clicks on one image's objects; each correction depends on the answer before."""
        image, pixels = item.open(), [truth.mask.decode() for truth in item.objects]
        middles = [center_click(mask) for mask in pixels]
        random = [
            random_click(mask, np.random.default_rng([self._seed, int(truth.id)]))
            for mask, truth in zip(pixels, item.objects, strict=True)
        ]
        found = {}
        for name, asked in self._comparison.ask(image, _prompts([[click] for click in middles])).items():
            anywhere = asked.session.answer(_prompts([[click] for click in random]))
            correct = partial(_corrected, asked.session, asked.answers, middles, pixels, self.max_clicks)
            (sequences, count), seconds = timed(correct)
            spent = {**asked.seconds, "corrections": seconds, "corrections_asked": count}
            found[name] = Clicked(asked, anywhere, sequences, spent)
        return found

    def score(self, item: AnnotatedImage, answer: dict[str, Clicked]) -> Scored:
        """IoUs of the first clicks, of the best candidates, and after each correction."""
        truths = [truth.mask for truth in item.objects]
        columns: dict[str, Sequence[Any]] = {}
        for name, clicked in answer.items():
            columns |= _first_click(prefix(name), clicked.first.answers, truths)
            columns |= _first_click(f"{prefix(name)}random_", clicked.random, truths)
            columns[f"{prefix(name)}click_ious"] = clicked.ious
        return {"rows": rows_of(item, columns), "seconds": {name: one.seconds for name, one in answer.items()}}

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """Means with intervals after each number of clicks, NoC, gains, correlations, and time."""
        summary, names = counts(scored), list(self._comparison.methods)
        for name in names:
            start = prefix(name)
            for kind in ("", "random_"):
                for key in (f"{start}{kind}", f"{start}{kind}oracle_"):
                    summary |= mean_summary(f"{key}mean_iou", by_image(scored, f"{key}iou"), self._seed)
                summary |= correlation_summary(scored, name, self._seed, kind)
            summary |= self._clicks_summary(scored, name)
            summary |= gain_summary(scored, name, "iou", self._seed)
        return summary | speed_summary(scored, names)

    def _clicks_summary(self, scored: Sequence[Scored], name: str) -> dict[str, Any]:
        summary: dict[str, Any] = {}
        start, sequences = prefix(name), by_image(scored, f"{prefix(name)}click_ious")
        for count in (count for count in REPORTED_CLICKS if count <= self.max_clicks):
            after = [[one[min(count, len(one)) - 1] for one in image] for image in sequences]
            summary |= mean_summary(f"{start}mean_iou_after_{count}", after, self._seed)
        for target in TARGETS:
            needed = [[clicks_needed(one, target, self.max_clicks) for one in image] for image in sequences]
            summary |= mean_summary(f"{start}noc{target * 100:.0f}", needed, self._seed)
            missed = [max(one) < target for one in flat(sequences)]
            summary[f"{start}never_reached_{target * 100:.0f}"] = float(np.mean(missed))
        asked = sum(one["seconds"][name]["corrections_asked"] for one in scored)
        spent = sum(one["seconds"][name]["corrections"] for one in scored)
        summary[f"{start}seconds_per_correction"] = spent / asked if asked else None
        return summary

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """First clicks, IoU by number of clicks, seconds, and the model's gain over each competitor."""
        first, later, seconds, gains = [], [], [], []
        for data, summary in evaluation.summaries().items():
            for name, start in evaluation.methods.items():
                for where, kind in (("middle", ""), ("anywhere", "random_")):
                    keys = f"{start}{kind}mean_iou", f"{start}{kind}oracle_mean_iou"
                    cells = [
                        cell for key in keys for cell in (number(summary[key]), interval(summary[f"{key}_interval"]))
                    ]
                    first.append((data, (name, where, *cells)))
                later.append((data, (name, *(_with_interval(summary, f"{start}{key}") for key in _LATER))))
                seconds.append((data, (name, *(number(summary[f"{start}{key}"]) for key in _SECONDS))))
            gains += [(data, gain_cells(summary, name)) for name in evaluation.summary["competitors"]]
        yield Table.by_data(first, _FIRST, counted(evaluation), words=2)
        yield Table.by_data(later, ("mean IoU after", *_LATER.values()))
        yield Table.by_data(seconds, ("first clicks by", *_SECONDS.values()))
        if gains:
            model = Path(evaluation.model).stem
            yield Table.by_data(
                gains, (f"{model} over", "gain in IoU after one click", "95 % interval", "times faster")
            )
        for data, summary in evaluation.summaries().items():
            yield from lines(data, notes(summary))

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """Mean IoU click by click, and the share of objects that reach each IoU after the first."""
        with plots.figure(path, 2) as (left, right):
            for name, start in evaluation.methods.items():
                keys = [f"{start}mean_iou_after_{count}" for count in REPORTED_CLICKS]
                [line] = left.plot(REPORTED_CLICKS, [evaluation.summary[key] for key in keys], marker="o", label=name)
                if "data_sets" not in evaluation.summary:
                    bounds = np.transpose([evaluation.summary[f"{key}_interval"] for key in keys])
                    left.fill_between(REPORTED_CLICKS, *bounds, color=line.get_color(), alpha=0.2)
            left.set(xlabel="clicks", ylabel="mean IoU", ylim=(0, 1), xticks=REPORTED_CLICKS)
            left.legend(frameon=False)
            plots.reached(right, evaluation, "iou", extra={"best of three": "oracle_iou"})


def clicks_needed(sequence: Sequence[float], target: float, most: int) -> int:
    """The first click after which the IoU is at least ``target``; ``most`` where it never is."""
    return next((count for count, iou in enumerate(sequence, start=1) if iou >= target), most)


def _first_click(start: str, answers: Answers, truths: Sequence[RLE]) -> dict[str, Sequence[Any]]:
    candidates = zip(answers.candidates, truths, strict=True)
    return {
        f"{start}iou": ious(answers.chosen(), truths),
        f"{start}oracle_iou": [float(iou_matrix(list(row), [truth]).max()) for row, truth in candidates],
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
        remaining = []
        for row, (index, mask) in enumerate(zip(active.tolist(), answers.chosen(), strict=True)):
            answer = mask.decode()
            sequences[index].append(float((answer & truths[index]).sum() / (answer | truths[index]).sum()))
            if _is_done(sequences[index], max_clicks):
                continue
            click = correction(answer, truths[index], clicks[index])
            if click is not None:
                clicks[index].append(click)
                remaining.append(row)
        if not remaining:
            return sequences, asked
        active, answers = active[remaining], answers.select(np.array(remaining))
        answers = session.answer(_prompts([clicks[index] for index in active]), answers)
        asked += len(active)


def _is_done(sequence: Sequence[float], max_clicks: int) -> bool:
    reached = max(sequence) >= max(TARGETS) and len(sequence) >= max(REPORTED_CLICKS)
    return reached or len(sequence) >= max_clicks


def _prompts(clicks: Sequence[Sequence[Click]]) -> Prompts:
    """An object a row; all have the same number of clicks."""
    values = np.array(clicks, np.float32)
    return Prompts.from_points(values[:, :, :2], values[:, :, 2].astype(np.int8))


def _with_interval(summary: Mapping[str, Any], key: str) -> str:
    fine, coarse = (".2f", ".1f") if "noc" in key else (".3f", ".2f")
    low, high = (format(value, coarse) for value in summary[f"{key}_interval"])
    return f"{number(summary[key], fine)}\n{low}-{high}"
