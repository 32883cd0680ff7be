"""What says where on an image a phrase is, and how well a mask fits it: a CLIP model, or a text head of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np

from sampipe.errors import CheckpointError
from sampipe.text.clip import load_clip
from sampipe.types import Embedding, Frame, Image, Masks
from sampipe.types._arrays import FloatArray

Crops = Literal["plain", "masked", "both"]
BACKGROUND = ("background", "surface", "texture")
"""Phrases that compete with what is looked for, where a CLIP model has to choose the likeliest of several."""


@dataclass(frozen=True)
class ScoreMaps:
    """Logits (n, side, side) over a square input, above 0 where phrase n is; ``frame`` places the image in it."""

    logits: FloatArray
    frame: Frame


class Objects(NamedTuple):
    """Objects that a detector found, best first: boxes (n, 4) xyxy in pixels of the image, and scores (n,)."""

    boxes: FloatArray
    scores: FloatArray


class Matcher(Protocol):
    """Images against phrases.

    Attributes:
        name: of the model.
        space: the CLIP space of the vectors that it takes.
        digest: of its weights.
    """

    name: str
    space: str
    digest: str

    def score_maps(self, image: Image, text: Embedding, background: Sequence[str]) -> ScoreMaps:
        """Where on the image each phrase is."""
        ...

    def objects(self, image: Image, phrase: str) -> Objects | None:
        """Where on the image the objects are that a phrase names; None for phrases that name no class it knows."""
        ...

    def scores(
        self, image: Image, masks: Masks, text: Embedding, *, crops: Crops, background: Sequence[str]
    ) -> FloatArray:
        """How well each mask fits each phrase, (masks, phrases), 0 to 1."""
        ...


def load_matcher(model: str, device: str = "auto") -> Matcher:
    """The matcher of a model.

    Args:
        model: a Segment Anything model with a text head ("nano", or a file with ``<stem>_text.safetensors`` beside
            it), or a CLIP model of :func:`sampipe.text.clip.load_clip`.

    Raises:
        CheckpointError: weights that are missing or do not belong together.
    """
    from sampipe.models.weights.known import is_known

    if is_known(model) or Path(model).expanduser().is_file():
        from sampipe.text.head_matching import HeadMatcher

        return HeadMatcher.load(model, device)
    from sampipe.text.clip_matching import ClipMatcher

    return ClipMatcher(load_clip(model, device))


def check_space(text: Embedding, matcher: Matcher) -> None:
    """The vectors are of the matcher's space.

    Raises:
        CheckpointError: they are not.
    """
    if text.model != matcher.space:
        raise CheckpointError(
            f"text: vectors of the CLIP space {text.model!r}, and {matcher.name} looks for those of "
            f"{matcher.space!r}. Encode the text with a model of that space (ClipText(clip=...))."
        )


def softmax(scores: FloatArray) -> FloatArray:
    """Over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float32)
