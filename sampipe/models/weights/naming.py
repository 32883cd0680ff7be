"""Two spellings of the same parameters: the official one, which is ours, and that of ``facebook/sam-vit-*``.

One table serves both directions. ``#`` stands for a block's number and ``*`` for the rest of the name; the
first row that fits wins, and a name that no row fits is spelled alike on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from torch import Tensor

from sampipe.errors import CheckpointError

_POSITIONS = "shared_image_embedding.positional_embedding"
_POSITIONS_AGAIN = "prompt_encoder.shared_embedding.positional_embedding"  # the same matrix under a second name

_MASK_HEADS = "mask_decoder.output_hypernetworks_mlps.#"
_IOU_HEAD = "mask_decoder.iou_prediction_head"
_SPELLINGS = (  # official, transformers
    ("image_encoder.patch_embed.proj.*", "vision_encoder.patch_embed.projection.*"),
    ("image_encoder.blocks.#.norm1.*", "vision_encoder.layers.#.layer_norm1.*"),
    ("image_encoder.blocks.#.norm2.*", "vision_encoder.layers.#.layer_norm2.*"),
    ("image_encoder.blocks.#.*", "vision_encoder.layers.#.*"),
    ("image_encoder.neck.0.*", "vision_encoder.neck.conv1.*"),
    ("image_encoder.neck.1.*", "vision_encoder.neck.layer_norm1.*"),
    ("image_encoder.neck.2.*", "vision_encoder.neck.conv2.*"),
    ("image_encoder.neck.3.*", "vision_encoder.neck.layer_norm2.*"),
    ("image_encoder.*", "vision_encoder.*"),
    ("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", _POSITIONS),
    ("prompt_encoder.point_embeddings.#.*", "prompt_encoder.point_embed.#.*"),
    ("prompt_encoder.mask_downscaling.0.*", "prompt_encoder.mask_embed.conv1.*"),
    ("prompt_encoder.mask_downscaling.1.*", "prompt_encoder.mask_embed.layer_norm1.*"),
    ("prompt_encoder.mask_downscaling.3.*", "prompt_encoder.mask_embed.conv2.*"),
    ("prompt_encoder.mask_downscaling.4.*", "prompt_encoder.mask_embed.layer_norm2.*"),
    ("prompt_encoder.mask_downscaling.6.*", "prompt_encoder.mask_embed.conv3.*"),
    ("mask_decoder.transformer.layers.#.norm1.*", "mask_decoder.transformer.layers.#.layer_norm1.*"),
    ("mask_decoder.transformer.layers.#.norm2.*", "mask_decoder.transformer.layers.#.layer_norm2.*"),
    ("mask_decoder.transformer.layers.#.norm3.*", "mask_decoder.transformer.layers.#.layer_norm3.*"),
    ("mask_decoder.transformer.layers.#.norm4.*", "mask_decoder.transformer.layers.#.layer_norm4.*"),
    ("mask_decoder.transformer.norm_final_attn.*", "mask_decoder.transformer.layer_norm_final_attn.*"),
    ("mask_decoder.output_upscaling.0.*", "mask_decoder.upscale_conv1.*"),
    ("mask_decoder.output_upscaling.1.*", "mask_decoder.upscale_layer_norm.*"),
    ("mask_decoder.output_upscaling.3.*", "mask_decoder.upscale_conv2.*"),
    (f"{_MASK_HEADS}.layers.0.*", f"{_MASK_HEADS}.proj_in.*"),
    (f"{_MASK_HEADS}.layers.1.*", f"{_MASK_HEADS}.layers.0.*"),
    (f"{_MASK_HEADS}.layers.2.*", f"{_MASK_HEADS}.proj_out.*"),
    (f"{_IOU_HEAD}.layers.0.*", f"{_IOU_HEAD}.proj_in.*"),
    (f"{_IOU_HEAD}.layers.1.*", f"{_IOU_HEAD}.layers.0.*"),
    (f"{_IOU_HEAD}.layers.2.*", f"{_IOU_HEAD}.proj_out.*"),
)


def is_transformers(names: Mapping[str, object]) -> bool:
    """Whether the names are spelled as in ``facebook/sam-vit-*``."""
    return any(name.startswith("vision_encoder.") for name in names)


def to_official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Respell a ``facebook/sam-vit-*`` state dict; an official one passes unchanged.

    Raises:
        CheckpointError: the position matrix, which such files may hold twice, is not the same both times.
    """
    if not is_transformers(tensors):
        return dict(tensors)
    tensors = dict(tensors)
    again = tensors.pop(_POSITIONS_AGAIN, None)
    if again is not None and not again.equal(tensors.setdefault(_POSITIONS, again)):
        raise CheckpointError(f"{_POSITIONS} and {_POSITIONS_AGAIN} differ; they are one matrix in every known model.")
    return {_respell(name, source=1): value for name, value in tensors.items()}


def to_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Respell an official state dict for ``transformers.SamModel``; the position matrix comes twice."""
    respelled = {_respell(name, source=0): value for name, value in tensors.items()}
    if _POSITIONS in respelled:
        respelled[_POSITIONS_AGAIN] = respelled[_POSITIONS]
    return respelled


def _respell(name: str, source: int) -> str:
    for pattern, replacement in _rules(source):
        if found := pattern.fullmatch(name):
            return found.expand(replacement)
    return name


@cache
def _rules(source: int) -> list[tuple[re.Pattern[str], str]]:
    """The table as (pattern, replacement), from column ``source`` to the other."""
    rules = []
    for row in _SPELLINGS:
        pattern = re.escape(row[source]).replace(r"\#", r"(\d+)").replace(r"\*", "(.+)")
        count = 0
        replacement = ""
        for character in row[1 - source]:
            if character in "#*":
                count += 1
                character = rf"\g<{count}>"
            replacement += character
        rules.append((re.compile(pattern), replacement))
    return rules
