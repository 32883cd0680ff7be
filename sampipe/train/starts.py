"""What a run begins with: random weights, a masked autoencoder's, or a model's."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch

from sampipe.errors import CheckpointError
from sampipe.models.load import load_model
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import file_digest, read_checkpoint
from sampipe.train.imagenet import load_imagenet
from sampipe.train.mae import load_mae
from sampipe.train.presets import preset


def new_network(
    shape: str,
    *,
    device: torch.device,
    seed: int = 0,
    mae: Path | None = None,
    imagenet: Path | None = None,
    decoder: Path | None = None,
) -> tuple[Sam, dict[str, Any]]:
    """A network of a named shape with random weights.

    Args:
        shape: a name of :data:`sampipe.train.presets.PRESETS`.
        device: where it trains.
        seed: of the random weights.
        mae: fill the encoder from this file (:func:`sampipe.train.mae.load_mae`).
        imagenet: fill nano's backbone from this file (:func:`sampipe.train.imagenet.load_imagenet`).
        decoder: fill prompt encoder and mask decoder from this model's file, where names and shapes agree.

    Returns:
        the network, and what it began with, for ``run.json``.

    Raises:
        CheckpointError: an unknown shape, or a file that does not fit it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sam = Sam(preset(shape))
    start: dict[str, Any] = {"shape": shape, "seed": seed}
    if mae is not None:
        load_mae(sam, mae)
        start |= {"mae": str(mae), "sha256": file_digest(mae)}
    if imagenet is not None:
        load_imagenet(sam, imagenet)
        start |= {"imagenet": str(imagenet), "imagenet_sha256": file_digest(imagenet)}
    if decoder is not None:
        start |= {"decoder": str(decoder), "decoder_sha256": file_digest(decoder), "tensors": _decoder(sam, decoder)}
    return _placed(sam, device), start


def _decoder(sam: Sam, path: Path) -> int:
    """How many tensors of the file's prompt encoder and mask decoder ``sam`` took."""
    own = sam.state_dict()
    found = {
        name: value.float()
        for name, value in read_checkpoint(path).tensors.items()
        if not name.startswith("image_encoder.") and name in own and own[name].shape == value.shape
    }
    if not found:
        raise CheckpointError(f"{path}: no tensor of its prompt encoder or mask decoder fits this shape.")
    sam.load_state_dict(found, strict=False)
    return len(found)


def copied_network(model: str, *, device: torch.device) -> tuple[Sam, dict[str, Any]]:
    """A copy of a model, by name or file, to start from.

    Raises:
        CheckpointError: there is no such model, or its file cannot be read.
    """
    loaded = load_model(model, "cpu")
    return _placed(copy.deepcopy(loaded.sam).requires_grad_(True), device), {"model": model, "sha256": loaded.key}


def _placed(sam: Sam, device: torch.device) -> Sam:
    return sam.to(memory_format=torch.channels_last).to(device)
