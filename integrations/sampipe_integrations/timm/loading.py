"""Building timm's models with weights: real ones or an error, never random ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sampipe as sp

if TYPE_CHECKING:
    import torch

FILES = (".safetensors", ".pt", ".pth")


@dataclass(frozen=True)
class FeatureModel:
    """A network in evaluation mode, and what it wants of an image."""

    module: torch.nn.Module
    device: torch.device
    mean: tuple[float, ...]
    std: tuple[float, ...]
    patch: int
    digest: str

    def features(self, image: sp.Image, side: int) -> np.ndarray:
        """Of the last layer, normalised as it does itself: (rows, columns, d).

        The image's longer side is made ``side`` pixels long, both rounded to whole patches.
        """
        import torch
        from torch.nn.functional import interpolate

        scale = side / max(image.hw)
        hw = [max(1, round(length * scale / self.patch)) * self.patch for length in image.hw]
        pixels = torch.from_numpy(image.pixels.copy()).to(self.device).permute(2, 0, 1)[None].float() / 255
        pixels = interpolate(pixels, hw, mode="bilinear", antialias=True)
        mean, std = (torch.tensor(one, device=self.device)[:, None, None] for one in (self.mean, self.std))
        with torch.inference_mode():
            found = self.module.forward_intermediates(  # type: ignore[operator]
                (pixels - mean) / std, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
            )[-1]
        features: np.ndarray = found[0].movedim(0, -1).float().cpu().numpy()
        return features


def load(model: str, weights: str | None, device: str) -> FeatureModel:
    """The named model.

    Args:
        model: timm's name, with the tag of published weights, or without one and with a file.
        weights: a file with a state dict, in timm's names or its makers'; None: the published ones.
        device: see :func:`sampipe.models.device.resolve_device`.

    Raises:
        CheckpointError: no such model, its weights are not here and cannot be fetched, or they do not fit.
    """
    from timm.data import resolve_model_data_config

    from sampipe.models.device import resolve_device

    module = _with_file(model, Path(weights)) if weights else _published(model)
    place = resolve_device(device)
    config = resolve_model_data_config(module)
    return FeatureModel(
        module=module.eval().requires_grad_(False).to(place),
        device=place,
        mean=config["mean"],
        std=config["std"],
        patch=_patch(module),
        digest=_digest(model, module),
    )


def is_here(model: str, weights: str | None) -> bool:
    """Whether the weights lie on this machine; nothing is loaded or downloaded."""
    if weights:
        return Path(weights).is_file()
    from huggingface_hub import try_to_load_from_cache
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(model, allow_unregistered=True)
    repository = config and config.hf_hub_id
    if not repository:
        return False
    name = f"timm/{model}" if repository == "timm/" else repository
    return any(
        isinstance(try_to_load_from_cache(name, file), str) for file in ("model.safetensors", "pytorch_model.bin")
    )


def _create(model: str, *, pretrained: bool) -> Any:
    import timm

    sizes: dict[str, Any] = {"dynamic_img_size": True} if "vit" in model or "eva" in model else {}
    return timm.create_model(model, pretrained=pretrained, num_classes=0, **sizes)


def _published(model: str) -> Any:
    from sampipe.models.weights.hub import is_offline

    _check_name(model)
    if is_offline() and not is_here(model, None):
        raise sp.CheckpointError(
            f"{model}: its weights are not on this machine, which is offline. Fetch them where there is a connection "
            "and give the file as weights."
        )
    try:
        return _create(model, pretrained=True)
    except Exception as error:  # timm raises whatever its parts raise
        raise sp.CheckpointError(f"{model}: could not be loaded: {' '.join(str(error).split())[:300]}") from error


def _check_name(model: str) -> None:
    import timm

    if model not in timm.list_pretrained():
        family = [name for name in timm.list_pretrained() if name.startswith(model.partition(".")[0])]
        raise sp.CheckpointError(
            f"{model}: timm has no published weights of that name. "
            f"Wanted a file as weights, or one such as {', '.join(family[:3]) or 'vit_small_patch14_dinov2.lvd142m'}."
        )


def _with_file(model: str, path: Path) -> Any:
    import timm

    from sampipe.models.weights.checkpoints import read_checkpoint

    if not timm.is_model(model):
        raise sp.CheckpointError(f"{model}: timm knows no such model; try vit_small_patch14_dinov2.")
    state = dict(read_checkpoint(path).tensors)
    module = _create(model, pretrained=False)
    try:
        state = _own_names(module, state)
        module.load_state_dict(state)
    except (RuntimeError, KeyError) as error:
        raise sp.CheckpointError(
            f"{path} is not a state dict of {model}: {' '.join(str(error).split())[:200]} Name the model it belongs to."
        ) from error
    return module


def _own_names(module: Any, state: dict[str, Any]) -> dict[str, Any]:
    """A state dict of a ViT's makers in timm's names, positions resized; of anything else as it is."""
    from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

    return dict(checkpoint_filter_fn(state, module)) if isinstance(module, VisionTransformer) else state


def _patch(module: Any) -> int:
    embed = getattr(module, "patch_embed", None)
    size = getattr(embed, "patch_size", None)
    return int(size[0]) if size else int(module.feature_info[-1]["reduction"])


def _digest(model: str, module: Any) -> str:
    """Of the name and all weights."""
    import hashlib

    found = hashlib.blake2b(model.encode(), digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
