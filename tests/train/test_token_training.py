"""The paper's text prompt is trained by image vectors of crops; what is frozen stays, and the file knows its space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clip import write_tiny_clip
from tiny_sam import write_tiny_model

import sampipe as sp
from sampipe.models.checkpoints import save_checkpoint
from sampipe.text.clip import ClipModel, load_clip
from sampipe.train.captioned import compose_scene
from sampipe.train.text_token import MaskedPicture, TokenConfig, crop_vectors, train_token, with_token
from sampipe.types import RLE, Image


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    return load_clip(write_tiny_clip(tmp_path_factory.mktemp("clip")), "cpu")


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("sam"))


def picture(rng: np.random.Generator) -> MaskedPicture:
    scene = compose_scene(rng, 128)
    return MaskedPicture(Image.from_array(scene.pixels), tuple(RLE.from_mask(thing.mask) for thing in scene.things))


@pytest.mark.parametrize("train_decoder", [True, False])
def test_only_what_is_asked_for_learns(clip: ClipModel, sam_file: Path, train_decoder: bool) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    before = {name: value.clone() for name, value in sam.state_dict().items()}
    config = TokenConfig(steps=2, rounds=2, train_decoder=train_decoder, least_area=50)
    train_token(sam, clip, picture, config, say=lambda line: None)
    changed = {name for name, value in sam.state_dict().items() if not value.equal(before[name])}
    kinds = {".".join(name.split(".")[:2]) if name.startswith("prompt") else name.split(".")[0] for name in changed}
    assert kinds == {"prompt_encoder.text_projection"} | ({"mask_decoder"} if train_decoder else set())


def test_text_takes_the_place_of_the_crop_and_only_of_that_space(
    clip: ClipModel, sam_file: Path, tmp_path: Path
) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    save_checkpoint(sam.state_dict(), sam.config, tmp_path / "token.safetensors")
    model = sp.load_model(tmp_path / "token.safetensors", "cpu")
    image = picture(np.random.default_rng(0)).image
    embedding = model.encode([image])[0]
    vectors = sp.Embedding(clip.encode_texts(["a red ring"]), model=clip.space)
    assert len(model.decode(embedding, sp.Prompts().with_text(vectors), multimask=False)) == 1
    other = sp.Embedding(vectors.vectors, model="ViT-B-32/openai")
    with pytest.raises(sp.CheckpointError, match=clip.space):
        model.decode(embedding, sp.Prompts().with_text(other), multimask=False)


def test_crops_differ_by_how_they_are_grown_and_painted(clip: ClipModel) -> None:
    one = picture(np.random.default_rng(1))
    tight, wide, blank = (
        crop_vectors(clip, one, TokenConfig(grow=grow, blank=blank), np.random.default_rng(0))
        for grow, blank in (((1.0, 1.0), 0.0), ((2.0, 2.0), 0.0), ((2.0, 2.0), 1.0))
    )
    assert tight.shape == (len(one.masks), 32)
    assert not np.allclose(tight, wide, atol=1e-3) and not np.allclose(wide, blank, atol=1e-3)


def test_pictures_without_a_large_mask_end_in_an_error(clip: ClipModel, sam_file: Path) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    with pytest.raises(sp.DataError, match="lower the least area"):
        train_token(sam, clip, picture, TokenConfig(steps=1, least_area=10**6), say=lambda line: None)


def test_targets_keep_the_shape_of_the_frame(sam_file: Path) -> None:
    from sampipe.train.text_token import _targets

    mask = np.zeros((60, 120), bool)
    mask[:30] = True
    targets = _targets([RLE.from_mask(mask)], sp.Frame.fit((60, 120), 128), 32)
    assert torch.equal(targets[0, 0, :8], torch.ones(8, 32)) and targets[0, 0, 8:].sum() == 0
