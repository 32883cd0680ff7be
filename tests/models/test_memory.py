"""A thousand boxes on a 4K image fit into little memory."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, resource
import numpy as np, torch
import sampipe as sp
from sampipe.models import Sam, SamConfig, SamModel
from sampipe.models.config import MaskDecoderConfig
from sampipe.models.encoders import ViTConfig

torch.set_num_threads(1)
torch.manual_seed(0)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
encoder = ViTConfig(embed_dim=32, depth=1, num_heads=2, global_blocks=(), out_channels=32)  # masks of 256 x 256
decoder = MaskDecoderConfig(num_heads=2, mlp_dim=32, iou_head_dim=32)
model = SamModel(Sam(SamConfig(image_encoder=encoder, mask_decoder=decoder)), name="random")
image = sp.Image.from_array(np.zeros((2160, 3840, 3), np.uint8))
embedding = model.encode([image])[0]
before = peak()
random = np.random.default_rng(0)
corner = random.uniform(0, 0.5, (1000, 2)) * (3840, 2160)
boxes = np.concatenate([corner, corner + random.uniform(20, 1000, (1000, 2))], axis=1)
masks = model.decode(embedding, sp.Prompts.from_boxes(boxes), multimask=False)
some = masks.select(slice(0, 30)).rle()
print(json.dumps({"masks": len(masks), "rle": len(some), "bytes": peak() - before}))
"""


def test_a_thousand_boxes_on_a_4k_image() -> None:
    """The logits are 262 MB; a single set of full-size masks would be 8.3 GB."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=300)
    found = json.loads(done.stdout)
    assert (found["masks"], found["rle"]) == (1000, 30)
    assert found["bytes"] < 1 << 30
