"""DINOv2 through timm: real weights from a file or an error, its own features, and what looks like an example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image as Pillow
from safetensors.torch import save_file
from sampipe_integrations.timm import TimmSimilarPrompts
from sampipe_integrations.timm.loading import FeatureModel, load

import sampipe as sp
from sampipe.graph.registry import node_types
from sampipe.testing import check_node

DINO = "vit_small_patch14_dinov2"
SQUARE = {"image": "sample:coins", "box": [191, 26, 242, 78]}


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """DINOv2 as it is built, with random weights."""
    torch.manual_seed(0)
    made: torch.nn.Module = timm.create_model(DINO, num_classes=0)
    return made.eval()


@pytest.fixture(scope="module")
def weights(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("dino") / "dino.safetensors"
    save_file(network.state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def model(weights: str) -> FeatureModel:
    return load(DINO, weights, "cpu")


def blocks_of(color: tuple[int, int, int], places: list[tuple[int, int]]) -> sp.Image:
    """A noisy grey picture, 112 x 84, with colored squares of 28 pixels."""
    pixels = np.random.default_rng(0).integers(90, 120, (84, 112, 3)).astype(np.uint8)
    for x, y in places:
        pixels[y : y + 28, x : x + 28] = color
    return sp.Image.from_array(pixels)


def test_features_are_the_networks_own(network: torch.nn.Module, model: FeatureModel) -> None:
    image = sp.Image.from_array(np.random.default_rng(1).integers(0, 255, (518, 518, 3)).astype(np.uint8))
    found = model.features(image, 518)
    pixels = torch.from_numpy(image.pixels.copy()).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(one)[:, None, None] for one in (model.mean, model.std))
    with torch.inference_mode():
        tokens = network.forward_features(((pixels - mean) / std)[None])[0, 1:]  # type: ignore[operator]
    assert found.shape == (37, 37, 384)
    np.testing.assert_allclose(found.reshape(-1, 384), tokens.numpy(), atol=1e-3)


def test_a_picture_that_is_not_square_keeps_its_shape(model: FeatureModel) -> None:
    assert model.features(sp.Image.from_array(np.zeros((60, 120, 3), np.uint8)), 140).shape[:2] == (5, 10)
    assert model.features(sp.Image.from_array(np.zeros((4, 400, 3), np.uint8)), 140).shape[:2] == (1, 10)


def test_the_makers_names_are_understood(network: torch.nn.Module, model: FeatureModel, tmp_path: Path) -> None:
    published = {**network.state_dict(), "mask_token": torch.zeros(1, 384)}
    torch.save(published, tmp_path / "dinov2_vits14_pretrain.pth")
    assert load(DINO, str(tmp_path / "dinov2_vits14_pretrain.pth"), "cpu").digest == model.digest


def test_what_looks_like_the_example_is_found(weights: str, tmp_path: Path) -> None:
    places = [(14, 14), (70, 42)]
    Pillow.fromarray(blocks_of((250, 40, 40), places[:1]).pixels).save(tmp_path / "one.png")
    node = TimmSimilarPrompts(
        model=DINO, weights=weights, side=224, device="cpu", boxes=True, label="red",
        examples=[{"image": str(tmp_path / "one.png"), "box": [14, 14, 42, 42]}],
    )  # fmt: skip
    prompts = node.run(blocks_of((250, 40, 40), places))
    assert prompts.points is not None and prompts.boxes is not None
    found = sorted(map(tuple, prompts.points[:2, 0].tolist()))
    assert all(left < x < left + 28 and top < y < top + 28 for (x, y), (left, top) in zip(found, places, strict=True))
    assert prompts.boxes[0, 2] - prompts.boxes[0, 0] == 28
    assert set(prompts.labels or ()) == {"red"}


def test_it_is_a_node_like_any_other(weights: str, model: FeatureModel) -> None:
    assert node_types()["timm.TimmSimilarPrompts@1"] is TimmSimilarPrompts
    node = TimmSimilarPrompts(model=DINO, weights=weights, side=112, device="cpu", examples=[SQUARE])
    check_node(node, image=sp.Image.open("sample:coins"))
    assert node.weights_digest() == model.digest
    assert all(one.is_met() for one in node.requirements())


def test_never_random_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    image = sp.Image.open("sample:coins")
    with pytest.raises(sp.CheckpointError, match="offline"):
        TimmSimilarPrompts(examples=[SQUARE]).run(image)
    with pytest.raises(sp.CheckpointError, match="no published weights"):
        TimmSimilarPrompts(model=DINO, examples=[SQUARE]).run(image)
    with pytest.raises(sp.CheckpointError, match="no such file"):
        TimmSimilarPrompts(model=DINO, weights=str(tmp_path / "none.pth"), examples=[SQUARE]).run(image)
    with pytest.raises(sp.CheckpointError, match="knows no such model"):
        TimmSimilarPrompts(model="dino3000", weights="none.pth", examples=[SQUARE]).run(image)
    assert not TimmSimilarPrompts(examples=[SQUARE]).requirements()[1].is_met()


def test_weights_of_another_model(tmp_path: Path) -> None:
    save_file({"head.weight": torch.zeros(3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(sp.CheckpointError, match=f"is not a state dict of {DINO}"):
        load(DINO, str(tmp_path / "other.safetensors"), "cpu")


@pytest.mark.parametrize("side", [10, 51.8, "518"])
def test_a_side_that_does_not_fit(side: object) -> None:
    with pytest.raises(sp.DataError, match=r"side=.* wanted a whole number from 64 to 4096"):
        TimmSimilarPrompts(examples=[SQUARE], side=side)  # type: ignore[arg-type]
