"""Finding and reading open_clip's weights: real ones or an error, never random ones."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import sampipe as sp
from sampipe_integrations.open_clip.model import OpenClip

LOCAL, HUB = "local-dir:", "hf-hub:"
CONFIG = "open_clip_config.json"


def load(name: str, device: str = "auto") -> OpenClip:
    """The model of that name, in evaluation mode on its device.

    Args:
        name: ``ARCHITECTURE/PRETRAINED`` of :func:`open_clip.list_pretrained`, or an architecture with a weights
            file; ``local-dir:FOLDER`` with ``open_clip_config.json`` and weights; ``hf-hub:OWNER/NAME``.
        device: see :func:`sampipe.models.device.resolve_device`.

    Raises:
        CheckpointError: no such model, its weights are not here and cannot be fetched, or they do not fit.
    """
    import open_clip

    from sampipe.models.device import resolve_device

    architecture, pretrained = _split(name)
    _check_name(name, architecture, pretrained)
    if not is_here(name):
        _check_online(name)
    place = resolve_device(device)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "QuickGELU mismatch")  # the right weights in the wrong network
            network = open_clip.create_model(
                architecture, pretrained=pretrained, require_pretrained=True, weights_only=True, device=place
            )
        tokenizer = open_clip.get_tokenizer(architecture)
    except Exception as error:  # open_clip raises whatever its parts raise
        reason = " ".join(str(error).split())
        raise sp.CheckpointError(
            f"{name}: could not be loaded: {reason[:300]} Wanted a name of open_clip.list_pretrained() such as "
            f"ViT-B-32/openai, {LOCAL}FOLDER, or {HUB}OWNER/NAME."
        ) from error
    return OpenClip(network.eval().requires_grad_(False), tokenizer, name=name)


def is_here(name: str) -> bool:
    """Whether the weights lie on this machine; nothing is loaded or downloaded."""
    architecture, pretrained = _split(name)
    if architecture.startswith(LOCAL):
        return (Path(architecture.removeprefix(LOCAL)) / CONFIG).is_file()
    if architecture.startswith(HUB):
        return _cached(architecture.removeprefix(HUB), CONFIG)
    if pretrained is None:
        return False
    if Path(pretrained).is_file():
        return True
    return _pretrained_is_here(architecture, pretrained)


def _pretrained_is_here(architecture: str, tag: str) -> bool:
    from open_clip.pretrained import get_pretrained_cfg

    config: dict[str, Any] = get_pretrained_cfg(architecture, tag) or {}
    repository = str(config.get("hf_hub", "")).strip("/")
    if repository:
        files = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
        if any(_cached(repository, file) for file in files):
            return True
    address = str(config.get("url", ""))
    return bool(address) and (Path("~/.cache/clip").expanduser() / address.rpartition("/")[2]).is_file()


def _cached(repository: str, file: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, file), str)


def _split(name: str) -> tuple[str, str | None]:
    """``"ViT-B-32/openai"`` as ("ViT-B-32", "openai"); a name with a scheme stays whole."""
    if name.startswith((LOCAL, HUB)):
        return name, None
    architecture, _, pretrained = name.partition("/")
    quick = pretrained == "openai" and not architecture.endswith("-quickgelu")
    return (f"{architecture}-quickgelu" if quick and _has_quick(architecture) else architecture), pretrained or None


def _has_quick(architecture: str) -> bool:
    """Whether open_clip keeps OpenAI's activation of this architecture under a name of its own."""
    import open_clip

    return f"{architecture}-quickgelu" in open_clip.list_models()


def _check_name(name: str, architecture: str, pretrained: str | None) -> None:
    import open_clip

    if architecture.startswith(LOCAL):
        folder = Path(architecture.removeprefix(LOCAL))
        if not (folder / CONFIG).is_file():
            raise sp.CheckpointError(f"{name}: no {CONFIG} in {folder}; wanted a folder as open_clip saves it.")
    elif architecture.startswith(HUB):
        return
    elif pretrained is None:
        known = [f"{one}/{tag}" for one, tag in open_clip.list_pretrained() if one.lower() == architecture.lower()]
        raise sp.CheckpointError(
            f"{name}: an architecture without weights, which would be random. Name its weights: "
            f"{', '.join(known[:6]) or 'ViT-B-32/openai, for example'}."
        )
    elif architecture not in open_clip.list_models():
        raise sp.CheckpointError(f"{name}: open_clip knows no architecture {architecture!r}; try ViT-B-32/openai.")


def _check_online(name: str) -> None:
    from sampipe.models.weights.hub import is_offline

    if is_offline():
        raise sp.CheckpointError(
            f"{name}: its weights are not on this machine, which is offline. Fetch them where there is a connection "
            f"and give {LOCAL}FOLDER."
        )
