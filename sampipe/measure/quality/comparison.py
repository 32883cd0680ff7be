"""A model and its competitors, asked the same about the same images, and the time they take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.datasets import digest, read_data_sets
from sampipe.errors import DataError
from sampipe.measure.quality.answers import Answers, Baseline, Session
from sampipe.measure.quality.baselines import baselines
from sampipe.measure.quality.report import MODEL, Scored, prefix
from sampipe.measure.quality.results import keyed
from sampipe.measure.quality.task import DataPart, Prepared, Request, made_with
from sampipe.types import RLE, Image, Prompts
from sampipe.types.rle import iou_matrix

if TYPE_CHECKING:
    from sampipe.models import Segmenter

T = TypeVar("T")
MIN_AREA = 32**2
"""COCO's line between small objects and the others, in px²."""
TEN = 10
"""Objects of the images that speed is compared on."""


@dataclass(frozen=True)
class Asked:
    """What a method answered about an image, and in how many seconds: ``all``, ``start`` (the image), ``ten``."""

    session: Session
    answers: Answers
    seconds: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The model, under the name :data:`MODEL`, and its baselines. Everybody answers once before any clock starts."""

    methods: Mapping[str, Baseline]
    _warm: list[bool] = field(default_factory=list)

    @classmethod
    def of(cls, sam: Segmenter, request: Request, takes: str) -> Comparison:
        """The loaded model beside the competitors of a request, all of which take ``"boxes"`` or ``"points"``.

        Raises:
            DataError: an unknown competitor, or one that does not take such prompts.
        """
        from sampipe.measure.quality.sam_baseline import SamBaseline

        return cls({MODEL: SamBaseline(sam), **baselines(request.competitors or (), takes, request.device)})

    @property
    def digests(self) -> dict[str, str]:
        """What the answers of the baselines depend on."""
        return {f"{name}_digest": one.digest for name, one in self.methods.items() if name != MODEL and one.digest}

    def ask(self, image: Image, prompts: Prompts) -> dict[str, Asked]:
        """Everybody's masks for all prompts of an image.

        Raises:
            DataError: somebody cannot answer.
        """
        try:
            if not self._warm:
                self._warm.append(True)
                for method in self.methods.values():
                    method.start(image).answer(prompts.select(slice(1)))
            return {name: _ask(method, image, prompts) for name, method in self.methods.items()}
        except DataError as error:
            raise DataError(f"{image.source}: {error}") from error


def _ask(method: Baseline, image: Image, prompts: Prompts) -> Asked:
    start = time.perf_counter()
    session = method.start(image)
    started = time.perf_counter()
    answers = session.answer(prompts)
    seconds = {"all": time.perf_counter() - start, "start": started - start, "ten": None}
    if len(prompts) == TEN:
        seconds["ten"] = seconds["all"]
    elif len(prompts) > TEN:
        _, seconds["ten"] = timed(lambda: method.start(image).answer(prompts.select(slice(TEN))))
    return Asked(session, answers, seconds)


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """What the action returns, and its seconds."""
    start = time.perf_counter()
    found = action()
    return found, time.perf_counter() - start


def prepared_images(
    request: Request, sam: Segmenter, comparison: Comparison, **parameters: Any
) -> Prepared[AnnotatedImage]:
    """The images of a COCO folder, or of a YAML list of them, for a comparison.

    Raises:
        DataError: a list, a folder or one of its files is not what it should be.
    """
    data_sets = read_data_sets(request.data, min_area=request.min_area or 0, limit=request.limit, seed=request.seed)
    images = [(one.name, image) for one in data_sets for image in one.images]
    return Prepared(
        items=keyed([f"{name}/{image.path.name}" for name, image in images], [image for _, image in images]),
        versions=made_with(sam, data_digest=digest(data_sets), **comparison.digests),
        parameters=parameters,
        data_sets=[DataPart(one.name, len(one.images), one.min_area) for one in data_sets],
        reports={one.name: one.report for one in data_sets},
    )


def ious(answers: Sequence[RLE], truths: Sequence[RLE]) -> list[float]:
    """IoU of each answer with its truth."""
    return [float(iou_matrix([answer], [truth])[0, 0]) for answer, truth in zip(answers, truths, strict=True)]


def numbers(values: np.ndarray) -> list[float | None]:
    """As JSON values; NaN is None."""
    return [None if np.isnan(value) else float(value) for value in values]


def rows_of(image: AnnotatedImage, columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """One mapping an object: what it is, and its value in each column."""
    return [
        {
            "image": image.path.name,
            "annotation": truth.id,
            "category": truth.category,
            "area": truth.mask.area,
            **{name: values[index] for name, values in columns.items()},
        }
        for index, truth in enumerate(image.objects)
    ]


def speed_summary(scored: Sequence[Scored], names: Sequence[str]) -> dict[str, Any]:
    """Seconds by method: an image with all its objects, an object, and an image with ten objects.

    The images with ten objects are those that have as many or more; of more, ten are asked about. They are named.
    ``times_faster_than_NAME`` is a competitor's seconds over the model's, on those images where there are any.
    """
    objects = sum(len(one["rows"]) for one in scored)
    tens = [one for one in scored if one["seconds"][MODEL]["ten"] is not None]
    summary: dict[str, Any] = {"images_with_10_objects": [one["rows"][0]["image"] for one in tens]}
    compared = {}
    for name in names:
        every = sum(one["seconds"][name]["all"] for one in scored)
        ten = sum(one["seconds"][name]["ten"] for one in tens)
        summary[f"{prefix(name)}seconds_per_image"] = every / len(scored)
        summary[f"{prefix(name)}seconds_per_object"] = every / objects
        summary[f"{prefix(name)}seconds_with_10_objects"] = ten / len(tens) if tens else None
        compared[name] = ten if tens else every
    for name in names:
        if name != MODEL:
            summary[f"times_faster_than_{name}"] = compared[name] / compared[MODEL]
    return summary
