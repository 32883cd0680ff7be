"""An image encoder as a row of layers: for learning rates that fall and dropping that rises along it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sampipe.models.encoders import ImageEncoder
from sampipe.models.encoders.vit import Block
from sampipe.train.config import OptimizerConfig

_NOT_DECAYED = ("pos_embed", "rel_pos_h", "rel_pos_w", "attention_biases")


def blocks(encoder: ImageEncoder) -> dict[str, nn.Module]:
    """The encoder's blocks by name, first to last."""
    return {name: encoder.get_submodule(name) for name in encoder.block_names()}


def rate_scales(encoder: ImageEncoder, decay: float) -> dict[str, float]:
    """What each parameter's learning rate is multiplied by, by name.

    1 after the last block, ``decay`` in it, its square in the one before, and so on to what stands before the first
    (the embedding of patches and positions).
    """
    names = encoder.block_names()
    scales = {}
    for name, _ in encoder.named_parameters():
        inside = [place for place, block in enumerate(names) if name.startswith(f"{block}.")]
        exponent = len(names) + 1 if name.startswith(encoder.before_blocks) else len(names) - inside[0] if inside else 0
        scales[name] = decay**exponent
    return scales


def parameter_groups(network: nn.Module, encoder: ImageEncoder | None, config: OptimizerConfig) -> list[dict[str, Any]]:
    """The optimizer's groups of what is trained: ``scale`` is that of the learning rate.

    Biases, norms, tokens and position embeddings are not decayed.

    Args:
        network: the whole.
        encoder: the part of it whose earlier layers learn slower, if any.
        config: weight decay and layer decay.
    """
    scales = _scales_by_name(network, encoder, config.layer_decay)
    tokens = {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Embedding)}
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        kept = parameter.ndim <= 1 or name in tokens or name.rpartition(".")[2] in _NOT_DECAYED
        key = scales.get(name, 1.0), 0.0 if kept else config.weight_decay
        group = groups.setdefault(key, {"params": [], "scale": key[0], "weight_decay": key[1]})
        group["params"].append(parameter)
    return list(groups.values())


def _scales_by_name(network: nn.Module, encoder: ImageEncoder | None, decay: float) -> dict[str, float]:
    if encoder is None:
        return {}
    [prefix] = [name for name, module in network.named_modules() if module is encoder]
    return {f"{prefix}.{name}": scale for name, scale in rate_scales(encoder, decay).items()}


def add_drop_path(encoder: ImageEncoder, rate: float) -> None:
    """Make the encoder leave out residual branches at random, per image, while it is in training mode.

    In the ViT each branch (attention, MLP) of a block is dropped on its own, as in the paper; in other encoders a block
    as a whole, where it keeps the shape.

    Args:
        encoder: gets hooks; its parameters and their names stay.
        rate: chance in the last block; it falls linearly to 0 in the first.
    """
    if not rate:
        return
    found = list(blocks(encoder).values())
    for place, block in enumerate(found):
        chance = rate * place / max(1, len(found) - 1)
        if isinstance(block, Block):
            _drop_branches(block, chance)
        else:
            block.register_forward_hook(lambda module, args, out, chance=chance: _dropped(module, args[0], out, chance))


def _drop_branches(block: nn.Module, chance: float) -> None:
    """x + a(x), then y + m(y): each branch is what it added."""
    between: dict[str, Tensor] = {}

    def before_mlp(_: nn.Module, args: tuple[Tensor]) -> None:
        between["x"] = args[0]

    def after_attention(module: nn.Module, _: Any, out: Tensor) -> Tensor:
        return out * _kept(module, out, chance)

    def after_block(module: nn.Module, _: Any, out: Tensor) -> Tensor:
        return _dropped(module, between.pop("x"), out, chance)

    block.get_submodule("attn").register_forward_hook(after_attention)
    block.get_submodule("norm2").register_forward_pre_hook(before_mlp)
    block.register_forward_hook(after_block)


def _dropped(module: nn.Module, before: Tensor, after: Tensor, chance: float) -> Tensor:
    if not module.training or before.shape != after.shape:
        return after
    return before + (after - before) * _kept(module, after, chance)


def _kept(module: nn.Module, value: Tensor, chance: float) -> Tensor:
    """For each image 0, or as much more as keeps the mean."""
    shape = (len(value), *[1] * (value.ndim - 1))
    if not module.training:
        return value.new_ones(shape)
    return (torch.rand(shape, device=value.device) >= chance).to(value.dtype) / (1 - chance)
