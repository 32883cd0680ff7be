"""Official files of other Segment Anything models: known by their tensors, and refused with the way that works."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sampipe.errors import CheckpointError

_FOREIGN = (  # a part of a tensor's name that nobody else has, whose it is, what to do; the first that fits
    ("detector.backbone.", "SAM 3", 'model="sam3" (pip install "sampipe[transformers]"), or with '
     "sampipe[ultralytics] a file named sam3.pt"),
    ("image_encoder.trunk.", "SAM 2", 'model="sam2.1_hiera_t", "sam2.1_hiera_s", "sam2.1_hiera_b+" or '
     '"sam2.1_hiera_l" (pip install "sampipe[transformers]"), or with sampipe[ultralytics] the file renamed to '
     "sam2.1_t.pt, sam2.1_s.pt, sam2.1_b.pt or sam2.1_l.pt"),
    ("mask_decoder.hf_token.", "SAM-HQ", 'model="sam_hq_vit_b", "sam_hq_vit_l" or "sam_hq_vit_h" '
     '(pip install "sampipe[transformers]")'),
    ("prompt_encoder.bbox_top_left_embeddings.", "EfficientSAM", 'model="mobile_sam" or "edgetam", small '
     "models that work here, or a file of EdgeSAM"),
)  # fmt: skip


def refuse_foreign(path: Path, names: Collection[str]) -> None:
    """Raise CheckpointError if tensors of these names are another Segment Anything's.

    The names are those of facebookresearch/sam3 and sam2, SysCV/sam-hq and yformer/EfficientSAM.
    """
    for part, model, instead in _FOREIGN:
        if any(part in name for name in names):
            raise CheckpointError(
                f"{path} holds {model} in its makers' format, which is not read here. Take {instead}."
            )
