"""What detectors that read phrases share: parameters, loading, and phrases to prompts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations._detections import Count, Fraction
from sampipe_integrations._phrases import checked_phrases, phrase_prompts
from sampipe_integrations.transformers.loading import load_pretrained, weights_requirement
from sampipe_integrations.transformers.tokenizers import load_tokenizer

Found = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]
"""Boxes (n, 4) in pixels, which of the phrases each shows, scores."""


class OpenVocabularyDetector(sp.Node):
    """Boxes of whatever phrases name, as prompts.

    Args:
        texts: phrases, such as ["wheel", "dog"]; left out where they come through the input ``text``.
        model: a name on the Hugging Face hub, downloaded on first use, or a folder that ``save_pretrained`` wrote.
        confidence: keep boxes with at least this score.
        nms: IoU above which the weaker of two boxes of one phrase goes.
        max_detections: keep at most so many, the best.
        device: where to run; ``auto`` is the fastest that is there.

    Raises:
        DataError: no phrase, a phrase too long for the model, or a threshold outside 0..1.
        CheckpointError: a model that is missing, of another kind, or whose weights do not fill it.
        MissingDependencyError: transformers is not installed.
    """

    kinds: ClassVar[Sequence[str]]
    """The kinds of model that the node can read, as transformers names them."""
    wanted: ClassVar[str]
    """The same for people."""

    texts: Sequence[str] = ()
    model: str = ""
    confidence: Fraction = 0.3
    nms: Fraction = 0.7
    max_detections: Count = 300
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.texts:
            sp.Text.of(self.texts)

    def requirements(self) -> Sequence[sp.Requirement]:
        """transformers, the model and the device."""
        package = sp.Requirement.package("transformers", extra="transformers")
        return package, weights_requirement(self.model), sp.Requirement.device(self.device)

    @sp.resource(shared=lambda self: (self.type_id, self.model, self.device))
    def loaded(self) -> Loaded:
        """The loaded model; phrases are no part of it."""
        network, processor = load_pretrained(
            self.model,
            "AutoModelForZeroShotObjectDetection",
            device=self.device,
            what="an open-vocabulary detector",
        )
        if network.config.model_type not in self.kinds:
            raise sp.CheckpointError(f"{self.model}: a {network.config.model_type}; wanted {self.wanted}.")
        return Loaded(network, processor, load_tokenizer(self.model))

    def run(self, image: sp.Image, text: sp.Text | None = None) -> sp.Prompts:
        """Find what the phrases name."""
        phrases = checked_phrases(self.texts, text)
        boxes, class_ids, scores = self.find(image, phrases)
        return phrase_prompts(
            image,
            boxes,
            phrases=phrases,
            class_ids=class_ids,
            scores=scores,
            nms=self.nms,
            limit=self.max_detections,
            source=self.type_id,
        )

    @abstractmethod
    def find(self, image: sp.Image, phrases: Sequence[str]) -> Found:
        """What reaches the confidence."""

    def too_long(self, phrase: str, limit: int) -> sp.DataError:
        """The error for a phrase of more than ``limit`` tokens."""
        return sp.DataError(
            f"text: {phrase[:40]!r}... is longer than the {limit} tokens that {self.model} reads; "
            "name the thing in fewer words."
        )


@dataclass(frozen=True)
class Loaded:
    """A network with what prepares its images and its words."""

    network: Any
    processor: Any
    tokenizer: Any


def to_xyxy(centers: NDArray[np.float32], wh: tuple[int, int]) -> NDArray[np.float32]:
    """Boxes (n, 4) cx, cy, w, h in shares of an image as x0, y0, x1, y1 in its pixels."""
    corners = np.concatenate([centers[:, :2] - centers[:, 2:] / 2, centers[:, :2] + centers[:, 2:] / 2], axis=1)
    return np.asarray(corners * np.array([*wh, *wh]), dtype=np.float32)
