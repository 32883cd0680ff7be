"""A model and its competitors, asked the same about the same pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.eval.answers import Answers, Competitor, Session
from sampipe.eval.datasets import DataSet, digest, open_picture, read_data_sets
from sampipe.eval.report import Evaluation, mean_over, versions
from sampipe.eval.results import Progress, Results, Shard, keys
from sampipe.eval.summaries import Measured
from sampipe.types import RLE, Image, Prompts
from sampipe.types.coco import Picture
from sampipe.types.rle import iou_matrix

MIN_AREA = 32**2
"""COCO's line between small objects and the others, in px²."""
MODEL = "model"
"""The name under which the model itself takes part."""
TEN = 10
"""Objects of the pictures that speed is compared on."""

Entrants = Mapping[str, Competitor]
Measure = Callable[[Entrants, Picture], Measured]
Summarize = Callable[[Sequence[Measured], Sequence[str]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Who takes part, and on what.

    Args:
        task: the name in ``sampipe eval TASK``.
        model: as it was asked for.
        data: as it was asked for.
        entrants: :data:`MODEL` first, then its competitors.
        data_sets: what was read.
        parameters: what else the figures depend on.
        versions: packages, device and the digests of weights and data.
    """

    task: str
    model: str
    data: str
    entrants: Entrants
    data_sets: Sequence[DataSet]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]

    @classmethod
    def of(
        cls,
        task: str,
        model: str,
        data: str | Path,
        competitors: Entrants,
        *,
        device: str,
        min_area: int,
        limit: int | None,
        seed: int,
        **parameters: Any,
    ) -> Contest:
        """Read the data and load the model.

        Raises:
            DataError: the data are not what they should be.
            CheckpointError: the model cannot be loaded.
        """
        from sampipe.eval.sam_competitor import SamCompetitor
        from sampipe.models import load_model

        data_sets = read_data_sets(data, min_area=min_area, limit=limit, seed=seed)
        sam = load_model(model, device)
        digests = {f"{name}_digest": entrant.digest for name, entrant in competitors.items() if entrant.digest}
        return cls(
            task=task,
            model=model,
            data=str(data),
            entrants={MODEL: SamCompetitor(sam), **competitors},
            data_sets=data_sets,
            parameters={"seed": seed, **parameters},
            versions=versions(model_digest=sam.key, device=str(sam.device), data_digest=digest(data_sets), **digests),
        )

    def run(
        self,
        measure: Measure,
        summarize: Summarize,
        *,
        out: Path | None = None,
        shard: Shard | None = None,
        progress: Progress | None = None,
    ) -> Evaluation:
        """Ask everybody about every picture, and sum up by data set.

        The first picture is answered once by everybody before any clock starts.

        Args:
            measure: to ``{"rows": [...], "seconds": {...}}`` of one picture.
            summarize: the summary of one data set's pictures, for these entrants.
            out: folder of results picture by picture, which goes on where it stopped.
            shard: of a folder that several processes share.
            progress: told (pictures done, pictures in all).
        """
        warm = _once(lambda picture: _warm_up(self.entrants, picture))

        def measure_one(picture: Picture) -> Measured:
            warm(picture)
            return measure(self.entrants, picture)

        pictures = [(one.name, picture) for one in self.data_sets for picture in one.pictures]
        items = dict(zip(keys([f"{name}/{picture.path.name}" for name, picture in pictures]), pictures, strict=True))
        results = Results(out, self._fingerprint(), shard or Shard())
        measured = results.collect(items, lambda item: measure_one(item[1]), progress)
        return self._evaluation(measured, summarize)

    def _fingerprint(self) -> dict[str, Any]:
        competitors = [name for name in self.entrants if name != MODEL]
        return {"task": self.task, "competitors": competitors, **self.parameters, **self.versions}

    def _evaluation(self, measured: Sequence[Measured], summarize: Summarize) -> Evaluation:
        summaries, rows, start = {}, [], 0
        for one in self.data_sets:
            part = measured[start : start + len(one.pictures)]
            start += len(part)
            summaries[one.name] = {"min_area": one.min_area, **summarize(part, list(self.entrants))}
            rows += [{"data": one.name, **row} for picture in part for row in picture["rows"]]
        only = next(iter(summaries.values())) if len(summaries) == 1 else None
        summary = only or {**mean_over(list(summaries.values())), "data_sets": summaries}
        return Evaluation(
            task=self.task,
            model=self.model,
            data=self.data,
            n=len(rows),
            summary={**self.parameters, **summary},
            rows=rows,
            versions=dict(self.versions),
        )


def prefix(name: str) -> str:
    """What stands before an entrant's keys: nothing for the model, ``grabcut_`` for GrabCut."""
    return "" if name == MODEL else f"{name}_"


def ask(entrant: Competitor, image: Image, prompts: Prompts) -> tuple[Session, Answers, dict[str, Any]]:
    """Masks for all prompts of a picture, and the seconds: of all, of the look at the image, of ten objects."""
    start = time.perf_counter()
    session = entrant.start(image)
    looked = time.perf_counter()
    answers = session.answer(prompts)
    seconds = {"all": time.perf_counter() - start, "start": looked - start, "ten": None}
    if len(prompts) == TEN:
        seconds["ten"] = seconds["all"]
    elif len(prompts) > TEN:
        start = time.perf_counter()
        entrant.start(image).answer(prompts.select(slice(TEN)))
        seconds["ten"] = time.perf_counter() - start
    return session, answers, seconds


def ious(answers: Sequence[RLE], truths: Sequence[RLE]) -> list[float]:
    """IoU of each answer with its truth."""
    return [float(iou_matrix([answer], [truth])[0, 0]) for answer, truth in zip(answers, truths, strict=True)]


def best_ious(answers: Answers, truths: Sequence[RLE]) -> list[float]:
    """IoU of each object's best candidate, chosen by one who knows the truth."""
    return [float(iou_matrix(list(row), [truth]).max()) for row, truth in zip(answers.candidates, truths, strict=True)]


def numbers(values: np.ndarray) -> list[float | None]:
    """As JSON values; NaN is None."""
    return [None if np.isnan(value) else float(value) for value in values]


def rows_of(picture: Picture, columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """One mapping an object: what it is, and its value in each column."""
    return [
        {
            "image": picture.path.name,
            "annotation": truth.id,
            "category": truth.category,
            "area": truth.mask.area,
            **{name: values[index] for name, values in columns.items()},
        }
        for index, truth in enumerate(picture.objects)
    ]


def _once(action: Callable[[Picture], None]) -> Callable[[Picture], None]:
    done: list[bool] = []

    def act(picture: Picture) -> None:
        if not done:
            done.append(True)
            action(picture)

    return act


def _warm_up(entrants: Entrants, picture: Picture) -> None:
    image, box = open_picture(picture), picture.objects[0].xyxy
    middle = [[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]]
    for entrant in entrants.values():
        prompts = Prompts.from_boxes(box) if "boxes" in entrant.takes else Prompts.from_points(middle)
        entrant.start(image).answer(prompts)
