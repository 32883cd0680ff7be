"""Baselines that know the answer: what a perfect model scores, and one that mixes its objects up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sampipe.data.annotated import AnnotatedImage
from sampipe.measure.quality.answers import Answers, Baseline
from sampipe.measure.quality.boxes import Boxes
from sampipe.measure.quality.comparison import Comparison
from sampipe.measure.quality.points import Points
from sampipe.types import RLE, Image, Prompts


class Knowing:
    """Answers the k-th prompt with the k-th mask it was given."""

    takes = frozenset({"boxes", "points"})
    digest = ""

    def __init__(self, masks: Sequence[RLE]) -> None:
        self.masks = list(masks)
        self.starts = 0

    def start(self, image: Image) -> Knowing:
        self.starts += 1
        return self

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        return Answers.single(self.masks[: len(prompts)])


class Pieces:
    """Answers with the pieces of the object that were clicked; clicks beside it take nothing away."""

    takes = frozenset({"points"})
    digest = ""

    def __init__(self, pieces: Sequence[np.ndarray]) -> None:
        self.pieces = pieces

    def start(self, image: Image) -> Pieces:
        return self

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        assert prompts.points is not None
        clicks = prompts.points[0].astype(int)
        union = np.zeros_like(self.pieces[0])
        for piece in self.pieces:
            if any(piece[y, x] for x, y in clicks):
                union |= piece
        return Answers.single([RLE.from_mask(union)])


def scored(
    task: Boxes | Points, methods: Mapping[str, Baseline], image: AnnotatedImage, seed: int = 0
) -> Mapping[str, Any]:
    """What a task says of one image when these methods answer."""
    task._comparison, task._seed = Comparison(methods), seed
    return task.score(image, task.answer(image))


def truthful(picture: AnnotatedImage) -> Knowing:
    return Knowing([truth.mask for truth in picture.objects])


def shuffled(picture: AnnotatedImage) -> Knowing:
    return Knowing([truth.mask for truth in picture.objects][::-1])
