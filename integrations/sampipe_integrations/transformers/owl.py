"""OWLv2 and OWL-ViT: boxes of whatever a phrase names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import check_fraction
from sampipe_integrations._phrases import checked_phrases, phrase_prompts
from sampipe_integrations.transformers.grounding_dino import to_xyxy
from sampipe_integrations.transformers.loading import load_pretrained, weights_requirement
from sampipe_integrations.transformers.tokenizers import load_tokenizer

_TEMPLATE = "a photo of a {}"


class Owl(sp.Node):
    """Boxes of the things that phrases name, by OWLv2 or OWL-ViT (Minderer et al. 2022, 2023), as prompts.

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
    model: str = "google/owlv2-base-patch16-ensemble"
    confidence: float = 0.2
    nms: float = 0.5
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

    @sp.resource(shared=lambda self: ("transformers.owl", self.model, self.device))
    def loaded(self) -> _Loaded:
        """The loaded model; phrases are no part of it."""
        network, processor = load_pretrained(
            self.model,
            "AutoModelForZeroShotObjectDetection",
            device=self.device,
            what="an open-vocabulary detector",
        )
        if network.config.model_type not in ("owlv2", "owlvit"):
            raise sp.CheckpointError(f"{self.model}: a {network.config.model_type}; wanted an OWLv2 or OWL-ViT.")
        return _Loaded(network, processor, load_tokenizer(self.model))

    def run(self, image: sp.Image, text: sp.Text | None = None) -> sp.Prompts:
        """Find what the phrases name."""
        import torch

        phrases, loaded = checked_phrases(self.texts, text), self.loaded
        device = loaded.network.device
        with torch.inference_mode():
            pixels = loaded.processor(images=image.to_pil(), return_tensors="pt")["pixel_values"].to(device)
            outputs = loaded.network(pixel_values=pixels, **self._tokens(phrases).to(device))
        likely = outputs.logits[0].float().sigmoid().cpu().numpy()  # (places, phrases)
        places, class_ids = np.nonzero(likely >= self.confidence)
        extent = max(image.wh)  # OWLv2 pads a picture to a square before it resizes it
        wh = (extent, extent) if loaded.network.config.model_type == "owlv2" else image.wh
        return phrase_prompts(
            image,
            to_xyxy(outputs.pred_boxes[0].float().cpu().numpy()[places], wh),
            phrases=phrases,
            class_ids=class_ids.astype(np.int64),
            scores=likely[places, class_ids],
            nms=self.nms,
            limit=self.max_detections,
            source=self.type_id,
        )

    def _tokens(self, phrases: Sequence[str]) -> Any:
        length = self.loaded.network.config.text_config.max_position_embeddings
        sentences = [_TEMPLATE.format(phrase) for phrase in phrases]
        for phrase, ids in zip(phrases, self.loaded.tokenizer(sentences)["input_ids"], strict=True):
            if len(ids) > length:
                raise sp.DataError(
                    f"text: {phrase[:40]!r}... is longer than the {length} tokens that {self.model} reads; name the "
                    "thing in fewer words."
                )
        return self.loaded.tokenizer(sentences, padding="max_length", max_length=length, return_tensors="pt")


@dataclass(frozen=True)
class _Loaded:
    network: Any
    processor: Any
    tokenizer: Any
