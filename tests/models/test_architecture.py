"""The architecture is read off names and shapes; the published models are the proof."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sam_reference
import torch
from random_sam import SMALL_REP_VIT, SMALL_TINY_VIT, SMALL_VIT, random_sam
from torch import Tensor

from sampipe.errors import CheckpointError
from sampipe.models.architecture import infer_config
from sampipe.models.config import SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig, RepViTConfig, TinyViTConfig, ViTConfig
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import CONFIG_KEY, Checkpoint
from sampipe.models.weights.known import known_model
from sampipe.models.weights.naming import to_official

PUBLISHED = {
    "vit_b": SamConfig(),
    "vit_l": SamConfig(image_encoder=ViTConfig(embed_dim=1024, depth=24, num_heads=16, global_blocks=(5, 11, 17, 23))),
    "vit_h": SamConfig(image_encoder=ViTConfig(embed_dim=1280, depth=32, num_heads=16, global_blocks=(7, 15, 23, 31))),
    "mobile_sam": SamConfig(image_encoder=TinyViTConfig()),
}
NOT_OURS = ("image_encoder.head.", "image_encoder.norm_head.")  # MobileSAM's classification head


def outline(config: SamConfig) -> dict[str, Tensor]:
    with torch.device("meta"):
        return Sam(config).state_dict()


def stored(config: SamConfig, metadata: dict[str, str] | None = None) -> Checkpoint:
    return Checkpoint(path=Path("model.pth"), tensors=outline(config), metadata=metadata or {})


@pytest.fixture(scope="module")
def official(run_folder: Path) -> dict[str, dict[str, list[int]]]:
    return sam_reference.published_shapes("ultralytics", run_folder / "ultralytics-shapes")


@pytest.fixture(scope="module")
def transformers(run_folder: Path) -> dict[str, dict[str, list[int]]]:
    return sam_reference.published_shapes("transformers", run_folder / "transformers-shapes")


@pytest.mark.parametrize("model", PUBLISHED)
def test_our_names_and_shapes_are_the_official_ones(official: dict, model: str) -> None:
    theirs = {name: shape for name, shape in official[model].items() if not name.startswith(NOT_OURS)}
    assert {name: list(value.shape) for name, value in outline(PUBLISHED[model]).items()} == theirs


@pytest.mark.parametrize("model", PUBLISHED)
def test_official_shapes_give_the_published_configuration(official: dict, model: str) -> None:
    tensors = {name: torch.empty(shape, device="meta") for name, shape in official[model].items()}
    assert infer_config(Checkpoint(path=Path("a.pth"), tensors=tensors)) == PUBLISHED[model]


@pytest.mark.parametrize("model", ["vit_b", "vit_h"])
def test_transformers_names_convert_to_the_official_ones(transformers: dict, model: str) -> None:
    positions = torch.zeros(2, 128)
    tensors = {
        name: positions if "positional_embedding" in name else torch.empty(shape, device="meta")
        for name, shape in transformers[model].items()
    }
    converted = {name: value.shape for name, value in to_official(tensors).items()}
    assert converted == {name: value.shape for name, value in outline(PUBLISHED[model]).items()}


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_table_counts_parameters_right(model: str) -> None:
    with torch.device("meta"):
        network = Sam(PUBLISHED[model])
    assert known_model(model).parameters == sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize(
    "config",
    [
        SMALL_VIT,
        SMALL_TINY_VIT,
        SMALL_REP_VIT,
        SamConfig(image_encoder=RepViTConfig()),
        SamConfig(image_encoder=ViTConfig(embed_dim=32, depth=2, num_heads=2, global_blocks=(0, 1))),
        SamConfig(
            image_encoder=ViTConfig(embed_dim=30, depth=6, num_heads=5, global_blocks=(2, 5), patch=8, window=4),
            stride=8,
        ),
        SamConfig(image_encoder=ViTConfig(embed_dim=168, mlp_ratio=696 / 168)),  # a pruned model's uneven MLP
    ],
)
def test_other_sizes(config: SamConfig) -> None:
    inferred = infer_config(stored(config))
    if isinstance(config.image_encoder, TinyViTConfig):  # no tensor of it depends on the input's size
        encoder = replace(config.image_encoder, image_size=1024, num_heads=(2, 2, 3, 5))
        config = replace(config, image_encoder=encoder)  # nor on heads of a stage without attention
    if isinstance(config.image_encoder, RepViTConfig):
        config = replace(config, image_encoder=replace(config.image_encoder, image_size=1024))
    assert inferred == config


def test_our_own_files_say_what_they_are() -> None:
    config = SamConfig(image_encoder=EfficientNetLiteConfig(depths=(1, 1, 1, 1, 1, 1, 1), attention_layers=1))
    assert infer_config(stored(config, {CONFIG_KEY: json.dumps(config.to_dict())})) == config


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"image_encoder": 3}',
        "{}",
        "[" * 100_000,
        json.dumps({**SamConfig().to_dict(), "stride": "wide"}).replace('"vit"', '"unheard_of"'),
        json.dumps(SamConfig().to_dict()).replace('"depth": 12', '"depth": 1000000000'),
        json.dumps(SamConfig().to_dict()).replace('"embed_dim": 768', '"embed_dim": 1e30'),
        json.dumps(SamConfig().to_dict()).replace('"embed_dim": 768', '"embed_dim": NaN'),
        json.dumps(SamConfig().to_dict()).replace('"embed_dim": 768', '"embed_dim": -1'),
        json.dumps(SamConfig().to_dict()).replace('"embed_dim"', '"unheard_of"'),
    ],
)
def test_a_bad_stored_configuration_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match="configuration"):
        infer_config(stored(SMALL_VIT, {CONFIG_KEY: text}))


@pytest.mark.parametrize("missing", ["image_encoder.pos_embed", "mask_decoder.mask_tokens.weight"])
def test_a_state_dict_of_something_else_is_refused(missing: str) -> None:
    tensors = random_sam(SMALL_VIT).state_dict()
    del tensors[missing]
    with pytest.raises(CheckpointError, match=f"not a Segment Anything checkpoint known here.*{missing}"):
        infer_config(Checkpoint(path=Path("other.pth"), tensors=tensors))


def test_shapes_of_another_rank_are_refused() -> None:
    tensors = random_sam(SMALL_VIT).state_dict()
    tensors["image_encoder.patch_embed.proj.weight"] = torch.zeros(3)
    with pytest.raises(CheckpointError, match="not a Segment Anything checkpoint known here"):
        infer_config(Checkpoint(path=Path("other.pth"), tensors=tensors))
