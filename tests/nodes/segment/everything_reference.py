"""``python everything_reference.py FOLDER``: the reference's mask generator on the job in FOLDER, in its own process.

Reads ``weights.pth``, ``image.npy`` and ``job.json``; writes ``masks.json``. Nothing here comes from sampipe.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch


def build(encoder: dict[str, Any], decoder: dict[str, Any], stride: int) -> torch.nn.Module:
    """The reference's network in the size of the job."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    dim, size = encoder["out_channels"], encoder["image_size"]
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=size,
            patch_size=encoder["patch"],
            embed_dim=encoder["embed_dim"],
            depth=encoder["depth"],
            num_heads=encoder["num_heads"],
            mlp_ratio=encoder["mlp_ratio"],
            out_chans=dim,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=encoder["window"],
            global_attn_indexes=encoder["global_blocks"],
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=dim,
            image_embedding_size=(size // stride, size // stride),
            input_image_size=(size, size),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(
                depth=2, embedding_dim=dim, mlp_dim=decoder["mlp_dim"], num_heads=decoder["num_heads"]
            ),
            transformer_dim=dim,
            iou_head_depth=3,
            iou_head_hidden_dim=decoder["iou_head_dim"],
        ),
    ).eval()


def main(folder: Path) -> None:
    from segment_anything import SamAutomaticMaskGenerator

    torch.set_num_threads(1)
    job = json.loads((folder / "job.json").read_text())
    sam = build(job["config"]["image_encoder"], job["config"]["mask_decoder"], job["config"]["stride"])
    sam.load_state_dict(torch.load(folder / "weights.pth", weights_only=True), strict=False)
    generator = SamAutomaticMaskGenerator(sam, output_mode="coco_rle", **job["options"])
    found = generator.generate(np.load(folder / "image.npy"))
    rows = [
        {
            "counts": one["segmentation"]["counts"],
            "iou": one["predicted_iou"],
            "stability": one["stability_score"],
            "point": one["point_coords"][0],
            "crop": one["crop_box"],
        }
        for one in found
    ]
    (folder / "masks.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
