"""A CLIP vector as one more prompt token, and only of the space that it was trained in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sampipe import CheckpointError, DataError, Embedding, Image, Prompts, load_model
from sampipe.models import Sam, SamConfig
from sampipe.models.config import MaskDecoderConfig, PromptEncoderConfig
from sampipe.models.encoders import ViTConfig
from sampipe.models.weights.checkpoints import save_checkpoint

SPACE = "clip-test"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = SamConfig(
        image_encoder=ViTConfig(
            embed_dim=32, depth=1, num_heads=2, global_blocks=(0,), window=2, out_channels=32, image_size=64
        ),
        prompt_encoder=PromptEncoderConfig(text_dim=8, text_space=SPACE),
        mask_decoder=MaskDecoderConfig(depth=1, num_heads=2, mlp_dim=32, iou_head_dim=32),
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        sam = Sam(config)
    path = tmp_path_factory.mktemp("token") / "token.safetensors"
    save_checkpoint(sam.state_dict(), config, path, dtype=torch.float32)
    return path


@pytest.fixture(scope="module")
def image() -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8))


def vectors(rows: int, space: str = SPACE, dim: int = 8) -> Embedding:
    return Embedding.normalized(np.random.default_rng(1).normal(size=(rows, dim)), model=space)


def test_the_space_is_kept_in_the_file_and_text_alone_is_a_prompt(model_file: Path, image: Image) -> None:
    model = load_model(model_file)
    assert model.config.prompt_encoder.text_space == SPACE
    masks = model.decode(model.encode([image])[0], Prompts().with_text(vectors(3)), multimask=False)
    assert len(masks) == 3 and masks.logits is not None
    assert not torch.equal(masks.logits[0], masks.logits[1]), "different words, different answers"


def test_text_goes_together_with_a_point_and_with_a_box(model_file: Path, image: Image) -> None:
    model = load_model(model_file)
    embedding = model.encode([image])[0]
    for prompts in (Prompts.from_points([[20, 20]]), Prompts.from_boxes([[5, 5, 30, 30]])):
        without = model.decode(embedding, prompts, multimask=False).logits
        with_text = model.decode(embedding, prompts.with_text(vectors(1)), multimask=False).logits
        assert without is not None and with_text is not None and not torch.equal(without, with_text)


def test_objects_with_and_without_text_do_not_change_each_other(model_file: Path, image: Image) -> None:
    model = load_model(model_file)
    embedding = model.encode([image])[0]
    alone = Prompts.from_points([[20, 20]])
    both = Prompts.concat([alone, alone.with_text(vectors(1))])
    together = model.decode(embedding, both, multimask=False).logits
    assert together is not None
    for row in range(2):
        single = model.decode(embedding, both.select([row]), multimask=False).logits
        assert single is not None and torch.allclose(together[row], single[0], atol=1e-5)


@pytest.mark.parametrize(("space", "dim"), [("ViT-B-32/openai", 8), (SPACE, 16)])
def test_another_space_is_a_checkpoint_error(model_file: Path, image: Image, space: str, dim: int) -> None:
    model = load_model(model_file)
    prompts = Prompts().with_text(vectors(1, space, dim))
    with pytest.raises(CheckpointError, match=f"{dim} numbers of the CLIP space '{space}'.*8 of 'clip-test'"):
        model.decode(model.encode([image])[0], prompts, multimask=False)


def test_vectors_that_do_not_say_their_space_are_refused(model_file: Path, image: Image) -> None:
    model = load_model(model_file)
    with pytest.raises(CheckpointError, match="not said"):
        model.decode(model.encode([image])[0], Prompts().with_text(np.ones((1, 8))), multimask=False)


def test_a_model_without_a_token_says_what_to_do(tiny_sam_without_text: Path, image: Image) -> None:
    model = load_model(tiny_sam_without_text)
    with pytest.raises(DataError, match=r"no text token.*DensePrompts"):
        model.decode(model.encode([image])[0], Prompts().with_text(vectors(1)), multimask=False)


@pytest.fixture(scope="module")
def tiny_sam_without_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_sam import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("plain"))
