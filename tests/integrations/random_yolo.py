"""Ultralytics' own architectures with random weights, small and quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZE = 64
"""Pixels of the models' input: small, because the weights are random anyway."""


def write_yolo(path: Path, name: str = "yolo11n.yaml", *, classes: int | None = None) -> str:
    """Random weights of a bundled architecture, with class biases spread so that something is found.

    With one class, as FastSAM, everything is that class, and the model is sure of a lot.
    """
    import torch
    from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

    with side_effects_undone():
        torch.manual_seed(0)
        package = load_ultralytics()
        model = (package.RTDETR if name.startswith("rtdetr") else package.YOLO)(name)
        if classes is not None:
            network = type(model.model)(name, nc=classes, verbose=False)
            network.args, network.task = model.model.args, model.model.task
            model.model = _lively(network)
        for head in getattr(model.model.model[-1], "cv3", ()):
            torch.nn.init.normal_(head[-1].bias, mean=-6 if classes is None else 0, std=2)
        model.model.names = {class_id: f"thing {class_id}" for class_id in model.names}
        model.save(str(path))
    return str(path)


def _lively(network: Any) -> Any:
    """The network with the statistics of real images in its normalisation, so that cells differ."""
    import torch

    import sampipe as sp

    pixels = torch.from_numpy(sp.Image.open("sample:coffee").pixels[:320, :320].copy()).permute(2, 0, 1)[None] / 255
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(pixels)
    return network.eval()
