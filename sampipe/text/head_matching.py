"""Matching with a text head on a Segment Anything model: the image is encoded once, for masks and for words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sampipe.errors import CheckpointError
from sampipe.text.classes import class_of
from sampipe.text.matching import Crops, Objects, ScoreMaps
from sampipe.types import RLE, Embedding, Frame, Image, Masks
from sampipe.types._arrays import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from sampipe.models import SamModel
    from sampipe.models.text_head import TextHead


_LEAST, _NMS, _MOST = 0.05, 0.4, 300  # of the detector's objects


class HeadMatcher:
    """See :class:`sampipe.text.matching.Matcher`. Each phrase is judged by itself, so no background competes.

    Args:
        sam: the model.
        head: the head on top of it.
        space: the head's CLIP space.
    """

    def __init__(self, sam: SamModel, head: TextHead, *, space: str) -> None:
        self._sam, self._head = sam, head.to(sam.device)
        self.name, self.space, self.digest = sam.name, space, sam.key

    @classmethod
    def load(cls, model: str, device: str = "auto") -> HeadMatcher:
        """The model with the head whose file lies beside it.

        Raises:
            CheckpointError: no head, or one that was trained on other weights.
        """
        from sampipe.models import load_model
        from sampipe.models.text_head import load_text_head

        path = head_path(model)
        if not path.is_file():
            raise CheckpointError(
                f"{model}: has no text head ({path} is not there). Use 'nano', a CLIP model such as ViT-B-32/openai, "
                f"or train a head: sampipe train text --from {model}"
            )
        sam, loaded = load_model(model, device), load_text_head(path)
        if loaded.sam_digest != sam.heads_key:
            raise CheckpointError(
                f"{path}: trained on the weights {loaded.sam_digest[:16]}, and {model} is {sam.heads_key[:16]}. "
                f"Train it again: sampipe train text --from {model}"
            )
        return cls(sam, loaded.head, space=loaded.space)

    def score_maps(self, image: Image, text: Embedding, background: Sequence[str]) -> ScoreMaps:
        """Logits of each phrase at stride 8 of the model's input."""
        import torch

        from sampipe.models import default_cache
        from sampipe.models.text_head import text_maps

        embedding = default_cache().get_or_encode(self._sam, image)
        with torch.inference_mode():
            vectors = torch.tensor(text.vectors, device=self._sam.device)
            features, fine, deep = (None if one is None else one[None].float() for one in text_maps(embedding))
            assert features is not None
            pixels = self._pixels(image, embedding.frame) if self._head.look else None
            logits = self._head(features, fine, vectors, deep, pixels)[0]
        return ScoreMaps(logits.float().cpu().numpy(), embedding.frame)

    def objects(self, image: Image, phrase: str) -> Objects | None:
        """What the model's detector finds, down to low scores, where it knows the class."""
        from sampipe.models import default_cache
        from sampipe.models.detect import detect

        detector = self._sam.config.detector
        number = None if detector is None else class_of(phrase, detector.names)
        if number is None:
            return None
        found = detect(
            self._sam, default_cache().get_or_encode(self._sam, image), confidence=_LEAST, nms=_NMS, most=_MOST
        )
        kept = found.class_ids == number
        return Objects(found.boxes[kept], found.scores[kept])

    def _pixels(self, image: Image, frame: Frame) -> Tensor:
        """The image as the head takes it, at half the size of the encoder's input."""
        import torch
        from PIL import Image as Pillow

        from sampipe.models.text_head import as_pixels

        side = frame.input_size // 2
        height, width = frame.content_hw(side)
        canvas, content = torch.zeros(1, 3, side, side, dtype=torch.uint8), torch.zeros(1, 1, side, side)
        resized = np.array(image.to_pil().resize((width, height), Pillow.Resampling.BILINEAR))
        canvas[0, :, :height, :width] = torch.from_numpy(resized).permute(2, 0, 1)
        content[..., :height, :width] = 1
        return as_pixels(canvas, content).to(self._sam.device)

    def scores(
        self, image: Image, masks: Masks, text: Embedding, *, crops: Crops, background: Sequence[str]
    ) -> FloatArray:
        """Mean probability of each phrase over the places inside each mask."""
        maps = self.score_maps(image, text, background)
        side = maps.logits.shape[-1]
        likely = (1 / (1 + np.exp(-maps.logits))).reshape(len(text), -1)
        inside = np.stack([_covered(mask, side, maps.frame.resized_hw, maps.frame.input_size) for mask in masks.rle()])
        area = np.maximum(inside.sum(axis=1, keepdims=True), 1e-6)
        return np.asarray(inside @ likely.T / area, dtype=np.float32)


def head_path(model: str) -> Path:
    """Where the head of a model belongs: beside its file, ``<stem>_text.safetensors``."""
    from sampipe.models.weights.hub import installed_path
    from sampipe.models.weights.known import is_known, known_model

    path = installed_path(known_model(model)) if is_known(model) else Path(model).expanduser()
    return (path or Path(f"{model}.safetensors")).with_name(f"{path.stem if path else model}_text.safetensors")


def _covered(mask: RLE, side: int, resized_hw: tuple[int, int], input_size: int) -> FloatArray:
    """The share of each place that a mask covers, (side * side,)."""
    from PIL import Image as Pillow

    height, width = (max(1, round(length * side / input_size)) for length in resized_hw)
    image = Pillow.fromarray(mask.decode().astype(np.float32))
    covered = np.zeros((side, side), dtype=np.float32)
    covered[:height, :width] = np.asarray(image.resize((width, height), Pillow.Resampling.BOX))
    return covered.reshape(-1)
