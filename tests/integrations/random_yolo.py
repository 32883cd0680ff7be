"""Ultralytics' own architectures with random weights, small and quick."""

from __future__ import annotations

from pathlib import Path

SIZE = 64
"""Pixels of the models' input: small, because the weights are random anyway."""


def write_yolo(path: Path, name: str = "yolo11n.yaml") -> str:
    """Random weights of a bundled architecture, with class biases spread so that something is found."""
    import torch
    from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

    with side_effects_undone():
        torch.manual_seed(0)
        package = load_ultralytics()
        model = (package.RTDETR if name.startswith("rtdetr") else package.YOLO)(name)
        for head in getattr(model.model.model[-1], "cv3", ()):
            torch.nn.init.normal_(head[-1].bias, mean=-6, std=2)
        model.model.names = {class_id: f"thing {class_id}" for class_id in model.names}
        model.save(str(path))
    return str(path)
