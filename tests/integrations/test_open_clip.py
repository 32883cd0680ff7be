"""open_clip's models: real weights or an error, its own vectors, and what we do inside its image tower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sampipe_integrations.open_clip import OpenClip, is_here, vision
from tiny_clip import write_tiny_clip

import sampipe as sp
from sampipe.text.clip import load_clip, load_text_tower

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 255, (side, side, 3)).astype(np.uint8) for side in (32, 50, 7)]


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def clip(name: str) -> OpenClip:
    found = load_clip(name, "cpu")
    assert isinstance(found, OpenClip)
    return found


def test_both_towers_give_unit_vectors_of_one_space(clip: OpenClip) -> None:
    texts, pictures = clip.encode_texts(["a dog", "犬 🐶"]), clip.encode_images(PICTURES)
    assert texts.shape == (2, 32) and pictures.shape == (3, 32)
    assert np.allclose(np.linalg.norm(np.concatenate([texts, pictures]), axis=1), 1, atol=1e-5)
    assert clip.space.startswith("clip-") and clip.space != load_text_tower("words").space


def test_the_same_folder_is_loaded_once_and_other_weights_are_another_space(
    clip: OpenClip, name: str, tmp_path: Path
) -> None:
    assert load_clip(name, "cpu") is clip
    other = load_clip(write_tiny_clip(tmp_path, seed=1), "cpu")
    assert other.space != clip.space and other.digest != clip.digest


def test_a_mask_of_everything_is_open_clips_own_vector(clip: OpenClip) -> None:
    plain = clip.encode_images(PICTURES)
    whole = clip.encode_images(PICTURES, [np.ones(picture.shape[:2], bool) for picture in PICTURES])
    np.testing.assert_allclose(plain, whole, atol=1e-5)


def test_a_mask_changes_what_the_output_token_sees(clip: OpenClip) -> None:
    half = np.zeros((32, 32), bool)
    half[:, :16] = True
    plain, left, right = (clip.encode_images(PICTURES[:1], masks)[0] for masks in (None, [half], [~half]))
    assert not np.allclose(left, right, atol=1e-3) and not np.allclose(plain, left, atol=1e-3)


def test_places_have_vectors_and_lie_where_the_image_does(clip: OpenClip) -> None:
    image = sp.Image.from_array(RNG.integers(0, 255, (20, 40, 3)).astype(np.uint8))
    vectors, frame = clip.patches(image)
    assert vectors.shape == (32, 6, 6) and frame.resized_hw == (24, 48)
    assert np.allclose(np.linalg.norm(vectors, axis=0), 1, atol=1e-5)


def test_places_are_more_local_than_the_towers_own_tokens(clip: OpenClip) -> None:
    """Changing one corner of a picture changes that corner's place most."""
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    changed = pixels.clone()
    changed[..., 24:, 24:] += 3
    visual = clip.network.visual
    with torch.inference_mode():
        moved = (vision.dense(visual, pixels) - vision.dense(visual, changed)).norm(dim=1)[0]
    assert moved[3, 3] == moved.max() and moved[3, 3] > 2 * moved[:3, :3].mean()


def test_a_sentence_that_would_be_cut_is_said(clip: OpenClip) -> None:
    with pytest.raises(sp.DataError, match="longer than the 16 tokens"):
        clip.encode_texts(["dog " * 30])
    assert len(clip.encode_texts(["dog " * 14])) == 1


def test_no_weights_no_model(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "open_clip_config.json").write_text(
        (Path(name.removeprefix("local-dir:")) / "open_clip_config.json").read_text()
    )
    damaged = Path(write_tiny_clip(tmp_path / "damaged").removeprefix("local-dir:"))
    (damaged / "open_clip_model.safetensors").write_bytes(b"\0" * 100)
    for asked, says in (
        ("ViT-B-32", "an architecture without weights"),
        ("ViT-B-32/openai", "offline"),
        ("ViT-Q-99/openai", "knows no architecture"),
        (f"local-dir:{tmp_path / 'nowhere'}", "no open_clip_config.json"),
        (f"local-dir:{bare}", "could not be loaded"),
        (f"local-dir:{damaged}", "could not be loaded"),
    ):
        with pytest.raises(sp.CheckpointError, match=says):
            load_clip(asked, "cpu")


def test_what_is_here_is_told_without_loading(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert is_here(name) and not is_here("local-dir:/nowhere") and not is_here("ViT-B-32")


def test_words_have_no_eyes() -> None:
    with pytest.raises(sp.DataError, match="cannot look at images"):
        load_clip("words")
