"""Starting the paper's encoder from a masked autoencoder (He et al. 2022), as its authors did.

The files of the MAE project and of timm (``vit_base_patch16_224.mae`` and its like) spell a ViT alike: the names of
ours but for the MLP's, a class token that Segment Anything does without, and position embeddings for 224 pixels.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

from sampipe.errors import CheckpointError
from sampipe.models.encoders.vit import ImageEncoderViT
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import read_checkpoint

_UNUSED = ("cls_token", "mask_token", "norm.", "fc_norm.", "head.", "decoder_")
_OURS = ("neck.", "rel_pos")  # what a masked autoencoder does not have; these stay as they are


def load_mae(sam: Sam, path: Path) -> None:
    """Fill the image encoder from a file; neck and relative positions stay as they are.

    Position embeddings are resized bicubically to the encoder's grid.

    Args:
        sam: with the paper's image encoder, of the file's width and depth.
        path: a state dict, bare or under ``"model"`` or ``"state_dict"``, or safetensors.

    Raises:
        CheckpointError: the encoder is another, or the file does not fit it.
    """
    encoder = sam.image_encoder
    if not isinstance(encoder, ImageEncoderViT):
        raise CheckpointError(
            f"{path}: a masked autoencoder starts the paper's ViT, and this model's encoder is a "
            f"{type(encoder).__name__}. Give --model vit_b, vit_l or vit_h."
        )
    wanted = encoder.state_dict()
    found = {
        _ours(name): value for name, value in read_checkpoint(path).tensors.items() if not name.startswith(_UNUSED)
    }
    if "pos_embed" in found:
        found["pos_embed"] = _resized(found["pos_embed"], encoder.pos_embed.shape[1], path)
    needed = [name for name in wanted if not any(part in name for part in _OURS)]
    problems = [f"{name} is missing" for name in needed if name not in found]
    problems += [f"{name} is not part of a ViT of this shape" for name in found if name not in wanted]
    problems += [
        f"{name} is {tuple(found[name].shape)}, wanted {tuple(wanted[name].shape)}"
        for name in needed
        if name in found and found[name].shape != wanted[name].shape
    ]
    if problems:
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise CheckpointError(f"{path}: does not fit this model's encoder: {'; '.join(problems[:3])}{more}.")
    encoder.load_state_dict({name: value.float() for name, value in found.items()}, strict=False)


def _ours(name: str) -> str:
    return re.sub(r"\.mlp\.fc([12])\.", r".mlp.lin\1.", name)


def _resized(positions: Tensor, grid: int, path: Path) -> Tensor:
    """(1, 1 + n², dim) or (1, n², dim) to (1, grid, grid, dim)."""
    if positions.ndim != 3:
        raise CheckpointError(f"{path}: pos_embed is {tuple(positions.shape)}, wanted (1, tokens, width).")
    tokens = positions.shape[1]
    first = 0 if math.isqrt(tokens) ** 2 == tokens else 1  # a class token stands before the patches
    side = math.isqrt(tokens - first)
    if side**2 != tokens - first:
        raise CheckpointError(f"{path}: pos_embed has {tokens} tokens, wanted a square of them, or one more.")
    square = positions[:, first:].float().unflatten(1, (side, side)).permute(0, 3, 1, 2)
    if side != grid:
        square = F.interpolate(square, size=(grid, grid), mode="bicubic", align_corners=False)
    return square.permute(0, 2, 3, 1).contiguous()
