"""Official names and those of transformers, both ways."""

from __future__ import annotations

import pytest
import torch
from random_sam import SMALL_VIT, random_sam

from sampipe.errors import CheckpointError
from sampipe.models.weights.naming import to_official, to_transformers

SHARED = "shared_image_embedding.positional_embedding"
AGAIN = "prompt_encoder.shared_embedding.positional_embedding"


def test_there_and_back() -> None:
    tensors = random_sam(SMALL_VIT).state_dict()
    there = to_transformers(tensors)
    assert len(there) == len(tensors) + 1  # the position matrix has two names there
    back = to_official(there)
    assert back.keys() == tensors.keys()
    assert all(back[name] is value for name, value in tensors.items())


@pytest.mark.parametrize(
    ("official", "transformers"),
    [
        ("image_encoder.pos_embed", "vision_encoder.pos_embed"),
        ("image_encoder.blocks.11.attn.qkv.weight", "vision_encoder.layers.11.attn.qkv.weight"),
        ("image_encoder.blocks.3.norm2.bias", "vision_encoder.layers.3.layer_norm2.bias"),
        ("image_encoder.neck.3.weight", "vision_encoder.neck.layer_norm2.weight"),
        ("prompt_encoder.mask_downscaling.6.bias", "prompt_encoder.mask_embed.conv3.bias"),
        ("prompt_encoder.no_mask_embed.weight", "prompt_encoder.no_mask_embed.weight"),
        ("mask_decoder.iou_prediction_head.layers.1.bias", "mask_decoder.iou_prediction_head.layers.0.bias"),
        ("mask_decoder.transformer.layers.1.norm4.bias", "mask_decoder.transformer.layers.1.layer_norm4.bias"),
        ("mask_decoder.output_upscaling.3.weight", "mask_decoder.upscale_conv2.weight"),
    ],
)
def test_some_names(official: str, transformers: str) -> None:
    value = torch.zeros(1)
    assert list(to_transformers({official: value})) == [transformers]
    marker = {"vision_encoder.pos_embed": value}  # says which spelling this is
    assert official in to_official({transformers: value, **marker})


def test_official_names_pass_unchanged() -> None:
    tensors = {"image_encoder.pos_embed": torch.zeros(1), "anything.else": torch.zeros(1)}
    assert to_official(tensors) == tensors


@pytest.mark.parametrize("name", [SHARED, AGAIN])
def test_the_position_matrix_may_come_once_under_either_name(name: str) -> None:
    tensors = to_transformers(random_sam(SMALL_VIT).state_dict())
    del tensors[name]
    assert "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix" in to_official(tensors)


def test_two_position_matrices_are_refused() -> None:
    tensors = to_transformers(random_sam(SMALL_VIT).state_dict())
    tensors[AGAIN] = tensors[AGAIN] + 1
    with pytest.raises(CheckpointError, match="differ"):
        to_official(tensors)
