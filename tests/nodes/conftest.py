"""A Segment Anything model small enough for tests, as a checkpoint file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_sam(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a checkpoint with random weights: 64 pixels, logits of 16 x 16."""
    import torch

    from sampipe.models import Sam, SamConfig
    from sampipe.models.config import EverythingDefaults, MaskDecoderConfig
    from sampipe.models.encoders import ViTConfig
    from sampipe.models.weights.checkpoints import save_checkpoint

    config = SamConfig(
        image_encoder=ViTConfig(
            embed_dim=32, depth=1, num_heads=2, global_blocks=(0,), window=2, out_channels=32, image_size=64
        ),
        mask_decoder=MaskDecoderConfig(depth=1, num_heads=2, mlp_dim=32, iou_head_dim=32),
        everything=EverythingDefaults(points_per_side=3, pred_iou=0.5, stability=0.0, min_region_area=0),
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        sam = Sam(config)
    sam.mask_decoder.iou_prediction_head.layers[-1].bias.data += 0.8  # random masks that think well of themselves
    path: Path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(sam.state_dict(), config, path, dtype=torch.float32)
    _write_text_head(path)
    return str(path)


def _write_text_head(model: Path) -> None:
    """A text head beside the model, in the space of the words in the package."""
    import torch

    from sampipe.models.text_head import TextHead, TextHeadConfig, save_text_head
    from sampipe.models.weights.checkpoints import file_digest
    from sampipe.text.words import load_words

    words = load_words()
    shape = TextHeadConfig(features=32, fine=0, widths=(8, 8, 8), depths=(1, 1), keys=8)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        head = TextHead(shape, torch.from_numpy(words.center))
    head.queries.bias.data[-1] += 2.5  # it finds something everywhere
    path = model.with_name(f"{model.stem}_text.safetensors")
    save_text_head(head, path, space=words.space, sam_digest=file_digest(model))
