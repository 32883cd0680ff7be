"""The paper's claim in miniature: a model that was only ever prompted with vectors of pictures understands words.

A picture tower is fitted to a text tower by captioned crops, as CLIP's towers are to each other. Then a small model
learns from pictures' vectors alone (Segment Anything, section 7.5 and appendix D.5), and text vectors take their place
on scenes that it has never seen. About a minute on two cores.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

import sampipe as sp
from sampipe.models import Sam, SamModel
from sampipe.models.config import MaskDecoderConfig, SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig
from sampipe.text.crops import square_crop
from sampipe.train.captioned import CaptionedScene, compose_scene
from sampipe.train.config import LoopConfig, OptimizerConfig, RunOptions
from sampipe.train.data import Example
from sampipe.train.losses import MaskLoss
from sampipe.train.tasks.token import TokenSettings, token_task_on, with_token
from sampipe.train.trainer import Trainer
from sampipe.types import RLE, Frame, Image

SIDE, CROP, DIM = 128, 32, 64
WORDS = (("big",), ("plain",), ("red", "green", "blue", "yellow"), ("disc", "ring", "cross"))
SMALL = SamConfig(
    image_encoder=EfficientNetLiteConfig(
        widths=(16, 24, 32, 40, 48, 64, 64),
        depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=64,
        attention_layers=1,
        attention_heads=4,
        out_channels=96,
        fine_channels=(24, 12),
        image_size=SIDE,
    ),
    mask_decoder=MaskDecoderConfig(depth=2, num_heads=4, mlp_dim=128, iou_head_dim=32, fine_features=True),
)

LOOP = LoopConfig(
    steps=280,
    batch_size=10,
    micro_batch=10,
    optimizer=OptimizerConfig(
        name="muon",
        learning_rate=4e-3,
        weight_decay=0.01,
        layer_decay=1.0,
        drop_path=0.0,
        clip=1.0,
        schedule="cosine",
        warmup=50,
    ),
)


class Towers(nn.Module):
    """A text tower (sums of fixed codes of words) and a picture tower, as a :class:`sampipe.text.clip.ClipModel`."""

    name, space, digest = "towers", "towers of the test", "none"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.see = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
        )
        self.say = nn.Linear(64 * 16, DIM)

    def forward(self, pictures: Tensor) -> Tensor:
        return F.normalize(self.say(self.see(pictures / 127.5 - 1).flatten(1)), dim=-1)

    def encode_texts(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        self.asked += phrases
        codes = [sum(_code(word) for word in phrase.split()) for phrase in phrases]
        vectors = np.stack(codes)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    @torch.inference_mode()
    def encode_images(
        self, images: Sequence[NDArray[np.uint8]], masks: Sequence[NDArray[np.bool_]] | None = None
    ) -> NDArray[np.float32]:
        return self(torch.stack([_small(image) for image in images])).numpy().copy()

    def patches(self, image: Image) -> tuple[NDArray[np.float32], Frame]:
        raise NotImplementedError


def _code(word: str) -> NDArray[np.float64]:
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=DIM)


def _small(picture: NDArray[np.uint8]) -> Tensor:
    resized = Pillow.fromarray(picture).resize((CROP, CROP), Pillow.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).float()


def caption(words: Sequence[str]) -> str:
    return " ".join(words[1:])  # all are big


def scenes(count: int, seed: int) -> list[CaptionedScene]:
    """Scenes on which no two things have the same caption."""
    rng = np.random.default_rng(seed)
    found: list[CaptionedScene] = []
    while len(found) < count:
        scene = compose_scene(rng, SIDE, most=4, words=WORDS, scale=1.3)
        if len({thing.name for thing in scene.things}) == len(scene.things):
            found.append(scene)
    return found


class Scenes(Dataset[Example]):
    """Scenes in a random order, as a task's examples."""

    def __init__(self, scenes: Sequence[CaptionedScene]) -> None:
        self.scenes = scenes

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng(index)
        scene = self.scenes[int(rng.integers(len(self.scenes)))]
        masks = torch.from_numpy(np.stack([thing.mask for thing in scene.things])).float()
        pixels = torch.from_numpy(scene.pixels.copy()).permute(2, 0, 1)
        return Example(pixels, F.avg_pool2d(masks[:, None], 4)[:, 0], (SIDE, SIDE))


def fit_towers(learnt: Sequence[CaptionedScene], steps: int) -> Towers:
    """The picture tower learns where the captions of crops lie."""
    towers, rng = Towers(), np.random.default_rng(0)
    crops, captions = [], []
    for scene in learnt:
        image = Image.from_array(scene.pixels)
        for thing in scene.things:
            mask = RLE.from_mask(thing.mask)
            pixels, _ = square_crop(image, mask, grow=rng.uniform(1, 2), blank=bool(rng.random() < 0.5))
            crops.append(_small(pixels))
            captions.append(caption(thing.words))
    seen, said = torch.stack(crops), torch.from_numpy(towers.encode_texts(captions))
    optimizer = torch.optim.AdamW(towers.parameters(), lr=3e-3, weight_decay=0.05)
    for step in range(steps):
        rows = torch.from_numpy(rng.integers(len(seen), size=64))
        batch = seen[rows]
        found = towers(batch.flip(-1) if step % 2 else batch)
        loss = (1 - (found * said[rows]).sum(dim=1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 3e-3 * (1 - step / steps)
    towers.asked.clear()
    return towers.eval().requires_grad_(False)


def answers(model: SamModel, scene: CaptionedScene, vectors: NDArray[np.float32]) -> list[float]:
    """IoU of the mask that each thing's vector gives."""
    text = sp.Embedding(vectors, model=Towers.space)
    [embedding] = model.encode([Image.from_array(scene.pixels)])
    masks = model.decode(embedding, sp.Prompts().with_text(text), multimask=False).binary()
    masks = masks.reshape(len(scene.things), SIDE, SIDE)
    pairs = zip(masks, scene.things, strict=True)
    return [float((mask & thing.mask).sum() / (mask | thing.mask).sum()) for mask, thing in pairs]


@pytest.mark.long
def test_a_model_prompted_with_pictures_understands_words(tmp_path: Path) -> None:
    learnt, held_out = scenes(800, 1), scenes(40, 2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        towers = fit_towers(learnt, 150)
        sam = with_token(Sam(SMALL), towers)
        mask_loss = MaskLoss(focal_weight=0.8, focal_gamma=0.0, focal_alpha=0.5)
        settings = TokenSettings(rounds=1, train_encoder=True, mask_loss=mask_loss)
        task = token_task_on(sam, towers, Scenes(learnt), settings, data="scenes", inputs={})
        Trainer(task, LOOP, tmp_path / "run", options=RunOptions(device="cpu", workers=0)).run()
        sam.eval().requires_grad_(False)
    assert towers.asked == ["person"], "how long a vector is, and no other word"
    model = SamModel(sam, name="of the test")
    by_words, by_others = [], []
    for scene in held_out:
        vectors = towers.encode_texts([caption(thing.words) for thing in scene.things])
        by_words += answers(model, scene, vectors)
        by_others += answers(model, scene, np.roll(vectors, 1, axis=0))
    print(f"IoU by the right words {np.mean(by_words):.3f}, by those of other things {np.mean(by_others):.3f}")
    assert np.mean(by_words) >= 0.7
    assert np.mean(by_words) - np.mean(by_others) > 0.35, "words of another thing point elsewhere"
