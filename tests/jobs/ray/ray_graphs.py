"""A graph without a model, whose masks tell which process made them, and one image of which kills it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

import numpy as np

import sampipe as sp


@sp.register("ray_test")
class TellingHalves(sp.Node):
    """Two masks: the pixels above the middle, and the others; labels say process and threads if wanted."""

    killer: str = ""
    telling: bool = False
    seconds: float = 0.0

    def run(self, image: sp.Image) -> sp.Masks:
        return self.run_batch([image])[0]

    def run_batch(self, image: Sequence[sp.Image]) -> list[sp.Masks]:
        time.sleep(self.seconds)
        return [self._one(one) for one in image]

    def _one(self, image: sp.Image) -> sp.Masks:
        if image.name == self.killer:
            os.kill(os.getpid(), signal.SIGKILL)
        bright = image.pixels[..., 0] > 128
        told = (f"process {os.getpid()}", f"threads {os.environ.get('OMP_NUM_THREADS')}")
        labels = told if self.telling else ("bright", "dark")
        boxes = [[0, 0, image.width, image.height]] * 2
        prompts = sp.Prompts.from_boxes(boxes, labels=labels, scores=[0.5, 0.25])
        return sp.Masks.from_binary(np.stack([bright, ~bright]), prompts)


def halves(killer: str = "", telling: bool = False, seconds: float = 0.0) -> sp.Graph:
    """The node as a graph."""
    node = TellingHalves(killer=killer, telling=telling, seconds=seconds)

    def masks(image: sp.Image) -> sp.Masks:
        return node(image)

    return sp.trace(masks)
