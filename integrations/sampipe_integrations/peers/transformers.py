"""``transformers.SamModel``, with either of its attentions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from sampipe import DataError, Frame
from sampipe.models.weights.naming import to_transformers
from sampipe_integrations.peers._pixels import normalized

_SIZES = {
    "vit_b": {},
    "vit_l": {
        "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "global_attn_indexes": [5, 11, 17, 23],
    },
    "vit_h": {
        "hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16, "global_attn_indexes": [7, 15, 23, 31],
    },
}  # fmt: skip


_FIRST_MASK = """
import sys
weights, image, box, out = sys.argv[1:]
import numpy, torch
from PIL import Image
from transformers import SamModel, SamProcessor
model, processor = SamModel.from_pretrained(weights), SamProcessor.from_pretrained(weights)
photo = Image.open(image).convert("RGB")
inputs = processor(photo, input_boxes=[[[float(side) for side in box.split(",")]]], return_tensors="pt")
with torch.inference_mode():
    found = model(**inputs, multimask_output=False)
masks = processor.image_processor.post_process_masks(
    found.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"]
)
mask = Image.fromarray(masks[0][0, 0].numpy().astype(numpy.uint8) * 128)
Image.composite(Image.new("RGB", photo.size, "red"), photo, mask).save(out + "/overlay.png")
"""


class _Transformers:
    _attention: ClassVar[str]

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        from transformers import SamConfig, SamModel

        if model not in _SIZES:
            raise DataError(f"it has no {model}")
        config = SamConfig(vision_config=dict(_SIZES[model]), mask_decoder_config={"layer_norm_eps": 1e-5})
        config._attn_implementation = self._attention
        self._sam = SamModel(config).eval()
        self._sam.load_state_dict(to_transformers(torch.load(checkpoint, weights_only=True)))
        self._sam.to(device)
        self._device = device

    @torch.inference_mode()
    def encode(self, image: np.ndarray) -> Tensor:
        """Features of an image, (1, channels, side, side)."""
        return self._sam.get_image_embeddings(normalized(image).to(self._device))

    @torch.inference_mode()
    def logits(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> Tensor:
        """Low-resolution logits of the single mask of each box."""
        corners = torch.from_numpy(Frame.fit(hw, 1024).boxes_to_input(boxes)).to(self._device)
        answer = self._sam(
            image_embeddings=embedding.to(self._device), input_boxes=corners[None], multimask_output=False
        )
        return answer.pred_masks[0]

    @torch.inference_mode()
    def decode(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
        """Boolean masks of full size."""
        low = self.logits(embedding, boxes, hw)
        full = self._post_process(low, hw)
        return full[:, 0].cpu().numpy()

    def _post_process(self, low: Tensor, hw: tuple[int, int]) -> Any:
        from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

        return SamImageProcessorPil().post_process_masks(
            [low], [list(hw)], [list(Frame.fit(hw, 1024).resized_hw)], mask_threshold=0.0
        )[0]


class TransformersSdpa(_Transformers):
    """With ``scaled_dot_product_attention``."""

    _attention = "sdpa"

    @classmethod
    def first_mask(cls, checkpoint: Path, model: str, image: Path, box: Sequence[int], out: Path) -> list[str]:
        """Its model and processor on one box, painted by Pillow into a file in ``out``."""
        folder = checkpoint.with_name(f"{checkpoint.stem}_transformers")
        if not folder.exists():
            from transformers import SamImageProcessor, SamProcessor

            cls(checkpoint, model, "cpu")._sam.save_pretrained(folder)
            SamProcessor(SamImageProcessor()).save_pretrained(folder)
        return [sys.executable, "-c", _FIRST_MASK, str(folder), str(image), ",".join(map(str, box)), str(out)]


class TransformersEager(_Transformers):
    """With matmul, softmax, matmul."""

    _attention = "eager"
