"""GroundingDINO: boxes of whatever a phrase names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations.transformers.open_vocabulary import Found, OpenVocabularyDetector, to_xyxy

_STOPS = str.maketrans(dict.fromkeys(".?", " "))  # where the model parts phrases


class GroundingDino(OpenVocabularyDetector):
    """Boxes of the things that phrases name, by GroundingDINO (Liu et al. 2023), as prompts.

    Every box gets the one phrase whose words it matches best, so phrases never run together ("firehydr"), whatever
    the tokenizer does. More phrases than the model reads at once are read in several goes.

    Its parameters are those of :class:`OpenVocabularyDetector`.
    """

    kinds = ("grounding-dino", "mm-grounding-dino")
    wanted = "a GroundingDINO"

    model: str = "IDEA-Research/grounding-dino-tiny"

    def find(self, image: sp.Image, phrases: Sequence[str]) -> Found:
        found = [self._detect(image, group) for group in self._groups(phrases)]
        boxes, class_ids, scores = (np.concatenate(column) for column in zip(*found, strict=True))
        return boxes, class_ids, scores

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
                raise self.too_long(phrases[number], limit)
            yield caption_of(phrases, group, self.loaded.tokenizer)
            group = [number]
        yield caption_of(phrases, group, self.loaded.tokenizer)

    def _detect(self, image: sp.Image, caption: _Caption) -> Found:
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
