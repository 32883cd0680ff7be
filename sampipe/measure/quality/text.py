"""Masks from words: for each image and each class that is on it, the union of the answer against the union of the
truth, beside two answers that do not read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._optional import require
from sampipe.data.annotated import AnnotatedImage, Category, GroundTruth
from sampipe.data.annotations import Annotations
from sampipe.data.formats import read_images
from sampipe.data.report import ReadReport
from sampipe.errors import DataError
from sampipe.measure.quality import plots
from sampipe.measure.quality.average_precision import average_precision
from sampipe.measure.quality.comparison import timed
from sampipe.measure.quality.figures import mean_summary
from sampipe.measure.quality.report import MODEL, Evaluation, Scored, Table, interval, number, prefix, versions
from sampipe.measure.quality.results import keyed
from sampipe.measure.quality.task import Prepared, Request, Task
from sampipe.measure.quality.text_answers import TextAnswers, largest_proposal
from sampipe.text.modes import choose_mode
from sampipe.train.captioned import compose_scene, draw_query
from sampipe.types import RLE, Image, Masks
from sampipe.types.rle import iou_matrix, merge

SCENES = "scenes"
"""The name of the composed data: drawn things with sentences about them."""
_SCENES, _SENTENCES, _SIDE = 60, 3, 512
COMMONEST = 10
BASELINES = ("largest", "whole")
"""The largest proposal and the whole image, whatever the words say."""


@dataclass(frozen=True)
class Query:
    """One image with what is looked for in it: phrases, and for each the true masks of its instances."""

    name: str
    image: Callable[[], Image]
    truth: Mapping[str, Sequence[RLE]]


@dataclass(frozen=True)
class Answered:
    """The masks that are labelled with the phrases, their seconds, and the baselines' one mask each."""

    masks: Masks
    seconds: float
    baselines: Mapping[str, RLE]


@dataclass
class Text(Task[Query, Answered]):
    """Ask for every class on every image, by its name, and compare with the truth.

    Only classes that are on an image are asked for, so nothing here says how often something is found that is not
    there; AP50 is of the same questions. A class counts on an image when its masks together have ``min_area`` px².
    ``data`` is a COCO folder, or :data:`SCENES`; competitors are those of :data:`BASELINES`.

    Args:
        mode, clip: how text becomes masks; see :func:`sampipe.text.modes.choose_mode`.
        proposals: points along a side of the grid that the largest proposal comes from.
    """

    mode: str | None = None
    clip: str | None = None
    proposals: int = 8
    name = "text"
    competitors = BASELINES

    def prepare(self, request: Request) -> Prepared[Query]:
        """Read or draw the images, and load what reads the words."""
        require("faster_coco_eval", "eval")
        self._competitors, self._seed = tuple(request.competitors or ()), request.seed
        unknown = [name for name in self._competitors if name not in BASELINES]
        if unknown:
            raise DataError(f"competitors: got {', '.join(unknown)}; there are {', '.join(BASELINES)}")
        report = ReadReport()
        scenes = str(request.data) == SCENES
        queries = list(_scenes(request) if scenes else _of_images(request, report))
        if not queries:
            raise DataError(f"{request.data}: no class covers {request.min_area} px² of any image")
        self._phrases = sorted({phrase for query in queries for phrase in query.truth})
        mode = choose_mode(self._phrases, model=request.model, mode=self.mode, clip=self.clip, detector=False)
        self._answers = TextAnswers(mode, model=request.model, device=request.device)
        self._largest = partial(largest_proposal, request.model, request.device, self.proposals)
        self._mode = str(mode)
        return Prepared(
            items=keyed([query.name for query in queries], queries),
            versions=versions(
                model_digest=self._answers.digest, device=self._answers.device, data_digest=_digest(queries)
            ),
            parameters={"text_mode": self._mode, "points_per_side": self.proposals},
            reports={} if scenes else {"": report},
        )

    def answer(self, item: Query) -> Answered:
        """The masks for all phrases of an image at once; the image is encoded before the clock starts."""
        image = item.image()
        self._answers.warm(image)

        def ask() -> Masks:
            masks = self._answers(image, tuple(item.truth))
            masks.rle()
            return masks

        masks, seconds = timed(ask)
        baselines = {
            name: self._largest(image) if name == "largest" else RLE.from_mask(np.ones(image.hw, bool))
            for name in self._competitors
        }
        return Answered(masks, seconds, baselines)

    def score(self, item: Query, answer: Answered) -> Scored:
        """A row a phrase with everybody's IoU, and the masks for AP."""
        masks, labels = answer.masks.rle(), answer.masks.prompts.labels or ()
        rows = []
        for phrase, instances in item.truth.items():
            truth = merge(instances)
            mine = [mask for mask, label in zip(masks, labels, strict=True) if label == phrase]
            row = {"image": item.name, "phrase": phrase, "area": truth.area, "instances": len(instances)}
            row |= {"answers": len(mine), "iou": _iou(merge(mine), truth) if mine else 0.0}
            rows.append(row | {f"{name}_iou": _iou(mask, truth) for name, mask in answer.baselines.items()})
        truths = [
            {"phrase": phrase, "segmentation": mask.to_coco()} for phrase, masks in item.truth.items() for mask in masks
        ]
        return {"rows": rows, "seconds": answer.seconds, "masks": kept_masks(answer.masks), "truths": truths}

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """Mean IoUs over all questions and over the commonest classes, AP50 and time."""
        rows = self.rows(scored)
        summary: dict[str, Any] = {
            "images": len(scored),
            "questions": len(rows),
            "seconds_per_image": sum(one["seconds"] for one in scored) / len(scored),
            "ap50": ap50(scored),
            "classes": self._by_class(rows),
        }
        for start in map(prefix, (MODEL, *self._competitors)):
            groups = [[row[f"{start}iou"] for row in one["rows"]] for one in scored]
            summary |= mean_summary(f"{start}mean_iou", groups, self._seed)
            commonest = [one[f"{start}mean_iou"] for one in summary["classes"][:COMMONEST]]
            summary[f"{start}commonest_mean_iou"] = float(np.mean(commonest))
        return summary

    def _by_class(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Mean IoUs of each phrase, the commonest first."""
        phrases: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            phrases.setdefault(row["phrase"], []).append(row)
        starts = [prefix(name) for name in (MODEL, *self._competitors)]
        return [
            {"phrase": phrase, "images": len(mine)}
            | {f"{start}mean_iou": float(np.mean([row[f"{start}iou"] for row in mine])) for start in starts}
            for phrase, mine in sorted(phrases.items(), key=lambda item: (-len(item[1]), item[0]))
        ]

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """Everybody's mean IoU, and that of the commonest classes."""
        summary, classes = evaluation.summary, evaluation.summary["classes"][:COMMONEST]
        names = {"answer": "", **{name: prefix(name) for name in summary["competitors"]}}
        counted = f"{summary['questions']} questions about {summary['images']} images"
        title = f"{evaluation.model}, {summary['text_mode']}: {counted}"
        rows = [
            (name, number(summary[f"{start}mean_iou"]), interval(summary[f"{start}mean_iou_interval"]))
            for name, start in names.items()
        ]
        yield Table(("masks by", "mean IoU", "95 % interval"), rows, title)
        if classes[0]["images"] > 1 and len(classes) > 1:
            each = [(one["phrase"], str(one["images"]), *_means(one, names)) for one in classes]
            mean = ("mean of these", "", *(number(summary[f"{s}commonest_mean_iou"], ".3f") for s in names.values()))
            yield Table(("commonest", "images", *names), [*each, mean])
        yield f"AP50 {number(summary['ap50'])}, {summary['seconds_per_image']:.2f} s an image once it is encoded"

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """The share of phrases that reach each IoU."""
        with plots.figure(path, 1) as (axes,):
            plots.reached(axes, evaluation, "iou")
            axes.set(ylabel="share of phrases that reach it")

    def smoke(self, request: Request, folder: Path) -> tuple[Text, Request]:
        """Two drawn scenes, by the model itself: random weights know no words."""
        return Text(proposals=1), replace(request, data=SCENES, limit=2)


def kept_masks(masks: Masks) -> list[dict[str, Any]]:
    """The masks of an answer, their phrases and scores, as JSON values."""
    scores = masks.prompts.scores if masks.prompts.scores is not None else masks.iou_scores[:, 0]
    labels = masks.prompts.labels or ()
    return [
        {"segmentation": rle.to_coco(), "phrase": phrase, "score": float(score)}
        for rle, phrase, score in zip(masks.rle(), labels, scores, strict=True)
    ]


def ap50(scored: Sequence[Scored]) -> float | None:
    """Average precision at mask IoU 0.5 over all phrases.

    Args:
        scored: of each image, ``truths`` with a phrase each, and ``masks`` as :func:`kept_masks` gives them.

    Raises:
        MissingDependencyError: faster-coco-eval is not installed.
    """
    phrases = sorted({truth["phrase"] for one in scored for truth in one["truths"]})
    number = {phrase: key for key, phrase in enumerate(phrases, start=1)}
    images = tuple(_annotated(place, one["truths"], number) for place, one in enumerate(scored, start=1))
    results = [
        {"image_id": place, "category_id": number[mask["phrase"]], **mask}
        for place, one in enumerate(scored, start=1)
        for mask in one["masks"]
    ]
    categories: dict[int | str, Category] = {key: Category(key, phrase) for phrase, key in number.items()}
    return average_precision(Annotations("text", images, categories, False, ReadReport()), results, "segm")["ap50"]


def _annotated(place: int, truths: Sequence[Mapping[str, Any]], number: Mapping[str, int]) -> AnnotatedImage:
    objects = [
        GroundTruth.of_mask(key, one["phrase"], RLE.from_coco(one["segmentation"]), category_id=number[one["phrase"]])
        for key, one in enumerate(truths, start=1)
    ]
    return AnnotatedImage(Path(str(place)), tuple(objects), objects[0].mask.hw, id=place)


def _digest(queries: Sequence[Query]) -> str:
    """Of what is asked: names, phrases and true masks."""
    found = hashlib.blake2b(digest_size=16)
    for query in queries:
        found.update(query.name.encode())
        for phrase, masks in query.truth.items():
            found.update(phrase.encode() + b"".join(mask.counts for mask in masks))
    return found.hexdigest()


def _of_images(request: Request, report: ReadReport) -> Iterator[Query]:
    for image in read_images(request.data, limit=request.limit, seed=request.seed, report=report):
        truth: dict[str, list[RLE]] = {}
        for item in image.objects:
            truth.setdefault(item.category, []).append(item.mask)
        least = max(request.min_area or 0, 1)
        truth = {name: masks for name, masks in truth.items() if merge(masks).area >= least}
        if truth:
            yield Query(image.path.name, partial(Image.open, image.path), truth)


def _scenes(request: Request) -> Iterator[Query]:
    for place in range(request.limit or _SCENES):
        rng = np.random.default_rng([request.seed, place, 20_000])  # training draws other numbers
        scene = compose_scene(rng, _SIDE)
        truth: dict[str, list[RLE]] = {}
        for _ in range(_SENTENCES):
            words = draw_query([thing.words for thing in scene.things], rng)
            truth[" ".join(words)] = [RLE.from_mask(thing.mask) for thing in scene.matching(words)]
        yield Query(f"scene {place}", partial(Image.from_array, scene.pixels), truth)


def _iou(one: RLE, other: RLE) -> float:
    return float(iou_matrix([one], [other])[0, 0])


def _means(figures: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    return [number(figures[f"{start}mean_iou"], ".3f") for start in names.values()]
