"""An open_clip model small enough for tests, as a folder that ``local-dir:`` names."""

from __future__ import annotations

import json
from pathlib import Path

SHAPE = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def write_tiny_clip(folder: Path, *, seed: int = 0) -> str:
    """Write random weights; returns ``local-dir:FOLDER``."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = open_clip.CLIP(**SHAPE)
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "size": 32}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": SHAPE, "preprocess_cfg": preprocess}))
    save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"
