"""GroundingDINO: boxes of whatever a phrase names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations._detections import check_fraction
from sampipe_integrations._phrases import checked_phrases, phrase_prompts
from sampipe_integrations.transformers.loading import load_pretrained, weights_requirement
from sampipe_integrations.transformers.tokenizers import load_tokenizer

_STOPS = str.maketrans(dict.fromkeys(".?", " "))  # where the model parts phrases


class GroundingDino(sp.Node):
    """Boxes of the things that phrases name, by GroundingDINO (Liu et al. 2023), as prompts.

    Every box gets the one phrase whose words it matches best, so phrases never run together ("firehydr"), whatever
    the tokenizer does. More phrases than the model reads at once are read in several goes.

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

    texts: Sequence[str] = ()
    model: str = "IDEA-Research/grounding-dino-tiny"
    confidence: float = 0.3
    nms: float = 0.7
    max_detections: int = 300
    device: str = "auto"

    def __post_init__(self) -> None:
        check_fraction(confidence=self.confidence, nms=self.nms)
        if self.texts:
            sp.Text.of(self.texts)

    def requirements(self) -> Sequence[sp.Requirement]:
        """transformers, the model and the device."""
        package = sp.Requirement.package("transformers", extra="transformers")
        return package, weights_requirement(self.model), sp.Requirement.device(self.device)

    @sp.resource(shared=lambda self: ("transformers.grounding_dino", self.model, self.device))
    def loaded(self) -> _Loaded:
        """The loaded model; phrases are no part of it."""
        network, processor = load_pretrained(
            self.model,
            "AutoModelForZeroShotObjectDetection",
            device=self.device,
            what="an open-vocabulary detector",
        )
        if network.config.model_type not in ("grounding-dino", "mm-grounding-dino"):
            raise sp.CheckpointError(f"{self.model}: a {network.config.model_type}; wanted a GroundingDINO.")
        return _Loaded(network, processor, load_tokenizer(self.model))

    def run(self, image: sp.Image, text: sp.Text | None = None) -> sp.Prompts:
        """Find what the phrases name."""
        phrases = checked_phrases(self.texts, text)
        found = [self._detect(image, group) for group in self._groups(phrases)]
        boxes, class_ids, scores = (np.concatenate(column) for column in zip(*found, strict=True))
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

    def _groups(self, phrases: Sequence[str]) -> Iterator[_Caption]:
        """Captions of as many phrases as fit into what the model reads."""
        limit = self.loaded.network.config.max_text_len
        group: list[int] = []
        for number in range(len(phrases)):
            caption = caption_of(phrases, [*group, number], self.loaded.tokenizer)
            if len(caption.tokens) <= limit:
                group.append(number)
                continue
            if not group:
                raise sp.DataError(
                    f"text: {phrases[number][:40]!r}... is longer than the {limit} tokens that {self.model} reads; "
                    "name the thing in fewer words."
                )
            yield caption_of(phrases, group, self.loaded.tokenizer)
            group = [number]
        yield caption_of(phrases, group, self.loaded.tokenizer)

    def _detect(
        self, image: sp.Image, caption: _Caption
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        import torch

        loaded, device = self.loaded, self.loaded.network.device
        with torch.inference_mode():
            inputs = loaded.processor(images=image.to_pil(), return_tensors="pt").to(device)
            tokens = torch.tensor([caption.tokens], device=device)
            outputs = loaded.network(**inputs, input_ids=tokens, attention_mask=torch.ones_like(tokens))
        likely = outputs.logits[0].float().sigmoid().cpu().numpy()
        centers = outputs.pred_boxes[0].float().cpu().numpy()
        class_ids, scores = assign(likely, caption)
        good = np.flatnonzero(scores >= self.confidence)
        return to_xyxy(centers[good], image.wh), class_ids[good], scores[good]


@dataclass(frozen=True)
class _Loaded:
    network: Any
    processor: Any
    tokenizer: Any


@dataclass(frozen=True)
class _Caption:
    """Token ids of several phrases, and which of the tokens are of which phrase."""

    tokens: list[int]
    phrases: list[int]
    positions: list[list[int]]


def caption_of(phrases: Sequence[str], chosen: Sequence[int], tokenizer: Any) -> _Caption:
    """``"a cat. a dog."`` of the chosen phrases."""
    text, spans = "", []
    for number in chosen:
        words = " ".join(phrases[number].translate(_STOPS).lower().split()) or "?"
        spans.append((len(text), len(text) + len(words)))
        text += f"{words}. "
    encoded = tokenizer(text.strip(), return_offsets_mapping=True)
    positions = [
        [place for place, (start, end) in enumerate(encoded["offset_mapping"]) if start < end and first <= start < last]
        for first, last in spans
    ]
    return _Caption(list(encoded["input_ids"]), list(chosen), positions)


def assign(likely: NDArray[np.float32], caption: _Caption) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each query's best phrase, and its score: the likeliest of the phrase's tokens.

    Args:
        likely: (queries, tokens) probabilities.
        caption: what the tokens are.
    """
    by_phrase = np.stack(
        [likely[:, places].max(axis=1) if places else np.zeros(len(likely)) for places in caption.positions], axis=1
    )
    best = by_phrase.argmax(axis=1)
    return np.asarray(caption.phrases, np.int64)[best], by_phrase[np.arange(len(best)), best].astype(np.float32)


def to_xyxy(centers: NDArray[np.float32], wh: tuple[int, int]) -> NDArray[np.float32]:
    """Boxes (n, 4) cx, cy, w, h in shares of a picture as x0, y0, x1, y1 in its pixels."""
    corners = np.concatenate([centers[:, :2] - centers[:, 2:] / 2, centers[:, :2] + centers[:, 2:] / 2], axis=1)
    return np.asarray(corners * np.array([*wh, *wh]), dtype=np.float32)
