"""OWLv2 and OWL-ViT: boxes of whatever a phrase names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import Fraction
from sampipe_integrations.transformers.open_vocabulary import Found, OpenVocabularyDetector, to_xyxy

_TEMPLATE = "a photo of a {}"


class Owl(OpenVocabularyDetector):
    """Boxes of the things that phrases name, by OWLv2 or OWL-ViT (Minderer et al. 2022, 2023), as prompts.

    Its parameters are those of :class:`OpenVocabularyDetector`.
    """

    kinds = ("owlv2", "owlvit")
    wanted = "an OWLv2 or OWL-ViT"

    model: str = "google/owlv2-base-patch16-ensemble"
    confidence: Fraction = 0.2
    nms: float = 0.5

    def find(self, image: sp.Image, phrases: Sequence[str]) -> Found:
        import torch

        loaded, device = self.loaded, self.loaded.network.device
        with torch.inference_mode():
            pixels = loaded.processor(images=image.to_pil(), return_tensors="pt")["pixel_values"].to(device)
            outputs = loaded.network(pixel_values=pixels, **self._tokens(phrases).to(device))
        likely = outputs.logits[0].float().sigmoid().cpu().numpy()  # (places, phrases)
        places, class_ids = np.nonzero(likely >= self.confidence)
        extent = max(image.wh)  # OWLv2 pads an image to a square before it resizes it
        wh = (extent, extent) if loaded.network.config.model_type == "owlv2" else image.wh
        boxes = to_xyxy(outputs.pred_boxes[0].float().cpu().numpy()[places], wh)
        return boxes, class_ids.astype(np.int64), likely[places, class_ids]

    def _tokens(self, phrases: Sequence[str]) -> Any:
        length = self.loaded.network.config.text_config.max_position_embeddings
        sentences = [_TEMPLATE.format(phrase) for phrase in phrases]
        for phrase, ids in zip(phrases, self.loaded.tokenizer(sentences)["input_ids"], strict=True):
            if len(ids) > length:
                raise self.too_long(phrase, length)
        return self.loaded.tokenizer(sentences, padding="max_length", max_length=length, return_tensors="pt")
