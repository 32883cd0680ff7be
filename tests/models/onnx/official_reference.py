"""``segment_anything``'s own ONNX model on a job, in a process of its own (it patches and warns at import).

``python official_reference.py FOLDER`` reads ``weights.pth``, ``config.json`` (of the image encoder and decoder) and
``inputs.npz``, and writes ``outputs.npz``: ``masks, iou_predictions, low_res_masks`` of each case, with four masks
and with the one that it chooses.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.utils.onnx import SamOnnxModel

folder = Path(sys.argv[1])
c = json.loads((folder / "config.json").read_text())
grid, dim = c["image_size"] // 16, c["dim"]
encoder = ImageEncoderViT(
    depth=c["depth"], embed_dim=c["embed_dim"], img_size=c["image_size"], mlp_ratio=4, num_heads=c["num_heads"],
    norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), patch_size=16, qkv_bias=True, use_rel_pos=True,
    global_attn_indexes=c["global_blocks"], window_size=14, out_chans=dim,
)  # fmt: skip
prompts = PromptEncoder(
    embed_dim=dim, image_embedding_size=(grid, grid), input_image_size=(c["image_size"],) * 2, mask_in_chans=16
)
transformer = TwoWayTransformer(depth=2, embedding_dim=dim, mlp_dim=c["mlp_dim"], num_heads=8)
decoder = MaskDecoder(
    num_multimask_outputs=3, transformer=transformer, transformer_dim=dim, iou_head_depth=3,
    iou_head_hidden_dim=c["iou_head_dim"],
)  # fmt: skip
sam = Sam(image_encoder=encoder, prompt_encoder=prompts, mask_decoder=decoder).eval()
sam.load_state_dict(torch.load(folder / "weights.pth", weights_only=True), strict=False)
outputs = {}
with np.load(folder / "inputs.npz") as inputs:
    cases = sorted({key.partition(".")[0] for key in inputs})
    for case in cases:
        given = {key.partition(".")[2]: torch.from_numpy(inputs[key]) for key in inputs if key.startswith(f"{case}.")}
        for single in (False, True):
            answer = SamOnnxModel(sam, return_single_mask=single)(**given)
            outputs |= {f"{case}.{single}.{i}": value.numpy() for i, value in enumerate(answer)}
np.savez(folder / "outputs.npz", **outputs)
