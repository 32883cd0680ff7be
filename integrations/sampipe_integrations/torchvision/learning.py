"""Training one of torchvision's two-stage detectors on boxes, for as long as there is time."""

from __future__ import annotations

import math
import os
import random
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

import sampipe as sp
from sampipe_integrations._published import cache_folder

if TYPE_CHECKING:
    import torch

Example = tuple[Path, NDArray[np.float32]]
_SIDE = 640  # pixels; what larger images are reduced to before they are kept
_BATCH = 4
_PEAK_RATE = 3e-4
_WARM_UP = 20  # steps
_HELD_BYTES = 1 << 30


@dataclass(frozen=True)
class Learned:
    """How a training went.

    Args:
        images, boxes: what it learnt from.
        steps: of four images each.
        loss: the mean over the last ten steps.
        start: "random weights", "the published weights" or "the last training".
        stopped: before its time.
    """

    images: int
    boxes: int
    steps: int
    minutes: float
    loss: float
    start: str
    stopped: bool

    def __str__(self) -> str:
        text = (
            f"Learnt from {self.boxes} boxes on {self.images} images: {self.steps} steps in {self.minutes:.1f} "
            f"minutes, loss {self.loss:.2f}, starting from {self.start}."
        )
        if self.start == "random weights" and self.images < 100:
            text += " From so few images and nothing before, it finds only what looks much like them."
        return text


def train(
    network: torch.nn.Module,
    examples: Sequence[Example],
    *,
    minutes: float,
    device: torch.device,
    start: str,
    say: Callable[[str, int, int], None],
    stopped: Callable[[], bool],
    turn: Callable[[], AbstractContextManager[None]],
    seed: int = 0,
) -> Learned:
    """Train in place, with AdamW and a rate that warms up and then falls as a cosine over the time.

    Args:
        network: takes images and targets while training and gives a dict of losses.
        examples: (image, boxes (n, 4) xyxy in its pixels); images without a box are background.
        minutes: of wall time; at least one step is made.
        say: called with a text, seconds gone, seconds in all.
        stopped: asked before every step.
        turn: entered for every step, so that others get the device in between.

    Raises:
        DataError: no image can be read.
    """
    import torch

    dice = random.Random(seed)
    pictures = _Pictures(examples)
    parameters = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=_PEAK_RATE, weight_decay=1e-4)
    network.to(device).train()
    begin, seconds = time.monotonic(), minutes * 60
    losses: list[float] = []
    while not losses or (time.monotonic() - begin < seconds and not stopped()):
        gone = min(1.0, (time.monotonic() - begin) / seconds)
        rate = _PEAK_RATE * min(1.0, (len(losses) + 1) / _WARM_UP) * (0.02 + 0.98 * (1 + math.cos(math.pi * gone)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = [pictures.draw(dice, device) for _ in range(_BATCH)]
        with turn():
            loss = sum(network([pixels for pixels, _ in batch], [target for _, target in batch]).values())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[union-attr]
            torch.nn.utils.clip_grad_norm_(parameters, 10.0)
            optimizer.step()
        losses.append(float(loss.detach()))
        text = f"step {len(losses)}, loss {np.mean(losses[-10:]):.2f}"
        say(text, min(int(time.monotonic() - begin), int(seconds)), int(seconds))
        time.sleep(0.002)  # a lock goes to whoever waits only if it is left alone for a moment
    network.eval()
    return Learned(
        images=len(examples),
        boxes=sum(len(boxes) for _, boxes in examples),
        steps=len(losses),
        minutes=(time.monotonic() - begin) / 60,
        loss=float(np.mean(losses[-10:])),
        start=start,
        stopped=stopped(),
    )


class _Pictures:
    """Examples, reduced and held in memory as far as that is reasonable."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = list(examples)
        self._held: dict[int, tuple[NDArray[np.uint8], NDArray[np.float32]]] = {}
        self._bytes = 0

    def draw(self, dice: random.Random, device: torch.device) -> tuple[torch.Tensor, dict[str, Any]]:
        """A random image (3, h, w), mirrored and in other light at times, and its target."""
        import torch

        pixels, boxes = self._picture(dice)
        picture = torch.from_numpy(pixels).permute(2, 0, 1).to(device).float() / 255
        xyxy = torch.from_numpy(boxes).to(device)
        if dice.random() < 0.5:
            picture = picture.flip(2)
            xyxy = torch.stack(
                [picture.shape[2] - xyxy[:, 2], xyxy[:, 1], picture.shape[2] - xyxy[:, 0], xyxy[:, 3]], 1
            )
        picture = (picture * dice.uniform(0.7, 1.3)).clamp(0, 1)
        return picture, {"boxes": xyxy, "labels": torch.ones(len(xyxy), dtype=torch.int64, device=device)}

    def _picture(self, dice: random.Random) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        while self._examples:
            index = dice.randrange(len(self._examples))
            path, boxes = self._examples[index]
            if index in self._held:
                return self._held[index]
            try:
                made = _reduced(sp.Image.open(path), boxes)
            except sp.DataError:
                del self._examples[index]  # an image that is gone or damaged by now teaches nothing
                self._held.clear()
                continue
            if self._bytes + made[0].nbytes < _HELD_BYTES:
                self._bytes += made[0].nbytes
                self._held[index] = made
            return made
        raise sp.DataError("none of the annotated images can be read any more; there is nothing to learn from")


def _reduced(image: sp.Image, boxes: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    scale = min(1.0, _SIDE / max(image.hw))
    wh = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    pixels = np.array(image.to_pil().resize(wh, Pillow.Resampling.BILINEAR))
    small = boxes * np.array([wh[0] / image.width, wh[1] / image.height] * 2, np.float32)
    sides = small[:, 2:] - small[:, :2]
    return pixels, small[(sides >= 1).all(axis=1)]


def start_weights(network: torch.nn.Module, model: str, file: Path) -> str:
    """Put the best weights that are on this machine into the network; says which they are.

    The last training's, else what of the published weights fits (their classes do not), else it stays random.
    """
    from torchvision.models import get_model_weights

    from sampipe.models.weights.checkpoints import read_checkpoint

    if file.is_file():
        network.load_state_dict(read_checkpoint(file).tensors)
        return "the last training"
    published = cache_folder() / Path(get_model_weights(model)["DEFAULT"].url).name
    if not published.is_file():
        return "random weights"
    own = network.state_dict()
    state = read_checkpoint(published).tensors
    network.load_state_dict({k: v for k, v in state.items() if k in own and v.shape == own[k].shape}, strict=False)
    return "the published weights"


def learn(model: str, file: Path, examples: Sequence[Example], *, minutes: float, device: str, **how: Any) -> Learned:
    """Build the model, train it (:func:`train`) and write its weights, whole or not at all."""
    import torch
    from safetensors.torch import save_file
    from torchvision.models import get_model

    from sampipe.models.device import resolve_device

    if not any(len(boxes) for _, boxes in examples):
        raise sp.DataError("learn: got no box, wanted images with boxes on them")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = get_model(model, weights=None, weights_backbone=None, num_classes=2)
    start = start_weights(network, model, file)
    learned = train(network, examples, minutes=minutes, device=resolve_device(device), start=start, **how)
    partial = file.with_name(f".{uuid.uuid4().hex}.part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}, partial)
    with partial.open("rb+") as written:
        os.fsync(written.fileno())
    partial.replace(file)
    return learned
