"""A graph that needs no model, and a folder of small pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

import sampipe as sp


@sp.register("jobs_test")
class BrightHalf(sp.Node):
    """Two masks: the pixels above a level, and the others; refuses a picture that is wholly black."""

    level: int = 128

    def run(self, image: sp.Image) -> sp.Masks:
        bright = image.pixels[..., 0] > self.level
        if not image.pixels.any():
            raise sp.DataError("a black picture")
        prompts = sp.Prompts.from_boxes(
            [[0, 0, image.width, image.height]] * 2, labels=("bright", "dark"), class_ids=[0, 1], scores=[0.5, 0.25]
        )
        return sp.Masks.from_binary(np.stack([bright, ~bright]), prompts)


def halves(**parameters: int) -> sp.Graph:
    """The node as a graph of its own, which takes an image and gives masks."""
    node = BrightHalf(**parameters)

    def masks(image: sp.Image) -> sp.Masks:
        return node(image)

    return sp.trace(masks)


@pytest.fixture
def graph() -> sp.Graph:
    return halves()


@pytest.fixture
def other_graph() -> sp.Graph:
    """The same with another parameter."""
    return halves(level=9)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Seven pictures; in another folder, one of the same name as the first."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / "pictures" / f"{index}.png" for index in range(6)] + [tmp_path / "more" / "0.png"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        PilImage.fromarray(rng.integers(1, 255, size=(24, 32, 3), dtype=np.uint8)).save(path)
    return paths
