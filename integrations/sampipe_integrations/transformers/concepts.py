"""SAM 3: every instance of what a phrase names, or of what looks like a box, in one go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations.transformers.loading import load_pretrained
from sampipe_integrations.transformers.tokenizers import load_tokenizer

if TYPE_CHECKING:
    import torch

_BY_EXAMPLE = "visual"  # what SAM 3 was trained to read where only boxes say what is looked for


class ConceptModel:
    """``Sam3Model`` with its processor and tokenizer.

    Args:
        place: a folder, or a name on the hub.
        name: what people call it.
        device: where to run.

    Raises:
        MissingDependencyError: transformers is not installed.
        CheckpointError: a model that is missing, is no SAM 3, or whose weights do not fill it.
    """

    def __init__(self, place: str, *, name: str, device: torch.device) -> None:
        from sampipe.models.sam import state_digest

        self.name = name
        self._network, self._processor = load_pretrained(place, "Sam3Model", device=str(device), what="a SAM 3")
        self._tokenizer = load_tokenizer(place)
        made = f"words {state_digest(self._network)} {self._processor.to_json_string()}"
        self.key = hashlib.blake2b(made.encode(), digest_size=16).hexdigest()

    def find(
        self, image: sp.Image, phrases: Sequence[str], examples: sp.Prompts | None = None, *, confidence: float
    ) -> sp.Masks:
        """Every instance of each phrase whose score (its own times that of the phrase's presence) exceeds a limit.

        Args:
            image: where to look.
            phrases: what to look for; without any, what looks like the boxes.
            examples: boxes of such things in the image; one with the name of a phrase is that phrase's alone.
            confidence: the limit.

        Returns:
            One candidate an object, logits stretched over the square; label, box and score are among its prompts, and
            the score stands where others have a predicted IoU. Best first.

        Raises:
            DataError: neither a phrase nor a box, or a phrase that is too long.
        """
        import torch

        usable = None if examples is None else examples.sanitize(image.hw)
        if not phrases and (usable is None or not usable.has_boxes.any()):
            raise sp.DataError(f"{self.name}: nothing is asked for; give texts, or prompts with boxes around examples")
        with torch.inference_mode():
            pixels = self._processor(images=image.to_pil(), return_tensors="pt")["pixel_values"]
            seen = self._network.get_vision_features(pixels.to(self._network.device))
            found = [self._found(seen, image, phrase, usable, confidence) for phrase in phrases or ("",)]
        masks = sp.Masks.concat(found)
        return masks.select(np.argsort(-masks.iou_scores[:, 0], kind="stable"))

    def _found(
        self, seen: Any, image: sp.Image, phrase: str, examples: sp.Prompts | None, confidence: float
    ) -> sp.Masks:
        outputs = self._network(vision_embeds=seen, **self._tokens(phrase), **self._boxes(image, phrase, examples))
        scores = (outputs.pred_logits.sigmoid() * outputs.presence_logits.sigmoid())[0].float().cpu().numpy()
        kept = np.flatnonzero(scores > confidence)
        logits = outputs.pred_masks[0].float().cpu()[kept][:, None]
        height, width = (int(side) for side in (self._processor.size["height"], self._processor.size["width"]))
        frame = sp.Frame(image.hw, (height, width), max(height, width))
        if not len(kept):
            return sp.Masks.empty(image.hw, frame)
        boxes = outputs.pred_boxes[0].float().cpu().numpy()[kept] * np.array([*image.wh, *image.wh], np.float32)
        prompts = sp.Prompts.from_boxes(
            boxes, labels=[phrase] * len(kept) if phrase else None, scores=scores[kept], source=self.name
        )
        return sp.Masks(frame=frame, prompts=prompts, logits=logits, iou_scores=scores[kept][:, None])

    def _tokens(self, phrase: str) -> dict[str, torch.Tensor]:
        limit = self._network.config.text_config.max_position_embeddings
        made = self._tokenizer(phrase or _BY_EXAMPLE, padding="max_length", max_length=limit, return_tensors="pt")
        if made["input_ids"].shape[1] > limit:
            raise sp.DataError(
                f"text: {phrase[:40]!r}... is longer than the {limit} tokens that {self.name} reads; "
                "name the thing in fewer words."
            )
        return {name: made[name].to(self._network.device) for name in ("input_ids", "attention_mask")}

    def _boxes(self, image: sp.Image, phrase: str, examples: sp.Prompts | None) -> dict[str, torch.Tensor]:
        import torch

        boxes = _examples_of(phrase, examples)
        if not len(boxes):
            return {}
        shares = boxes / np.array([*image.wh, *image.wh], np.float32)
        centers = np.concatenate([(shares[:, :2] + shares[:, 2:]) / 2, shares[:, 2:] - shares[:, :2]], axis=1)
        given = torch.from_numpy(centers.astype(np.float32))[None].to(self._network.device)
        return {"input_boxes": given, "input_boxes_labels": torch.ones_like(given[..., 0], dtype=torch.int64)}


def _examples_of(phrase: str, examples: sp.Prompts | None) -> NDArray[np.float32]:
    if examples is None or examples.boxes is None:
        return np.zeros((0, 4), np.float32)
    names = examples.labels or ("",) * len(examples)
    return examples.boxes[examples.has_boxes & np.isin(names, ["", phrase])]
