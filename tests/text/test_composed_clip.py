"""The small open_clip model of composed scenes learns, and its folder is one that ``local-dir:`` names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from composed_clip import SIDE, show, train, write

from sampipe.text.clip import load_clip
from sampipe.train.captioned import compose_scene


def test_captions_are_true_of_what_is_shown() -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        shown = show(compose_scene(rng, 256), rng)
        assert shown.pixels.shape == (SIDE, SIDE, 3)
        assert any(set(shown.said) <= set(thing) for thing in shown.things)


def test_some_steps_bring_the_loss_down_and_the_folder_loads(tmp_path: Path) -> None:
    lines: list[str] = []
    with torch.random.fork_rng():
        network = train(steps=24, batch=16, say=lines.append)
    first, last = (float(line.split()[-1]) for line in (lines[0], lines[-1]))
    assert last < first - 0.2
    clip = load_clip(write(network, tmp_path), "cpu")
    assert clip.encode_texts(["a red ring"]).shape == (1, 64)
    assert clip.encode_images([np.zeros((20, 20, 3), np.uint8)]).shape == (1, 64)
