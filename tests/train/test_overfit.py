"""The whole of training on one small task: eight composed scenes are learnt by heart.

About a minute on one core (seconds alone are printed with ``pytest -s``).
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe.models import load_model
from sampipe.models.config import MaskDecoderConfig, PromptEncoderConfig, SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig
from sampipe.models.sam import SINGLE_MASK, Sam
from sampipe.train.config import LoopConfig, RunOptions
from sampipe.train.data import Batch, collate
from sampipe.train.examples import CropConfig, Examples
from sampipe.train.losses import true_iou
from sampipe.train.recipes import SamSettings, recipe
from sampipe.train.rounds import answer_of, first_clicks
from sampipe.train.sources import open_source
from sampipe.train.tasks.sam import sam_task
from sampipe.train.trainer import Trainer
from sampipe.types import RLE

SIZE = 128
SMALL = SamConfig(
    image_encoder=EfficientNetLiteConfig(
        widths=(16, 24, 24, 24, 48, 48, 48),
        depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=48,
        attention_layers=1,
        attention_heads=2,
        out_channels=32,
        fine_channels=(8, 4),
        image_size=SIZE,
    ),
    prompt_encoder=PromptEncoderConfig(draw=True),
    mask_decoder=MaskDecoderConfig(
        depth=1, num_heads=2, mlp_dim=64, iou_head_dim=32, mixing_blocks=2, fine_features=True
    ),
)


def shape(rng: np.random.Generator) -> NDArray[np.bool_]:
    """An ellipse or a rectangle near the middle."""
    y, x = np.mgrid[:SIZE, :SIZE]
    (cx, cy), (rx, ry) = rng.uniform(0.3, 0.7, 2) * SIZE, rng.uniform(0.15, 0.3, 2) * SIZE
    if rng.random() < 0.5:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
    return (abs(x - cx) < rx) & (abs(y - cy) < ry)


def striped(rng: np.random.Generator, darkest: int, lightest: int) -> NDArray[np.float64]:
    y, x = np.mgrid[:SIZE, :SIZE]
    stripes = np.sin(x * rng.uniform(0.1, 0.5) + y * rng.uniform(0.1, 0.5))
    return rng.integers(darkest, lightest, 3) + 18 * stripes[..., None]


def images(folder: Path) -> Path:
    """A COCO folder of six images with two light striped shapes each on dark striped ground."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    images, rows = [], []
    for number in range(6):
        below, above = shape(rng), shape(rng)
        pixels = striped(rng, 30, 110)
        for mask in (below, above):
            pixels = np.where(mask[..., None], striped(rng, 120, 255), pixels)
        Pillow.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": SIZE, "width": SIZE})
        rows += [
            {"id": len(rows) + place, "image_id": number, "category_id": 1, "segmentation": RLE.from_mask(m).to_coco()}
            for place, m in enumerate(mask for mask in (below & ~above, above) if mask.any())
        ]
    document = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "shape"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def plan() -> tuple[SamSettings, LoopConfig]:
    """The recipe for small models, on eight scenes that come again and again."""
    scratch = recipe("scratch")
    task = replace(
        scratch.settings,
        crop=CropConfig(size=SIZE, native_size=SIZE, min_area=700, masks=4, flip=True, compose=1.0),
        interaction=replace(scratch.settings.interaction, rounds=1, box_noise=0.0),
        limit=8,
    )
    optimizer = replace(scratch.loop.optimizer, learning_rate=3e-3, warmup=10, weight_decay=0.0, ema=0.95)
    return task, replace(scratch.loop, steps=560, optimizer=optimizer)


def from_boxes(path: Path, scenes: Batch, task: SamSettings) -> torch.Tensor:
    """IoU of the single mask from each object's box, by the model in a file."""
    sam = load_model(str(path), "cpu").sam
    clicks = first_clicks(scenes.masks, 4.0, with_box=True, config=task.interaction)
    with torch.no_grad():
        features = sam.encode(sam.normalize(scenes.pixels.float()) * scenes.inside())
        answer = answer_of(sam, [value[scenes.owner] for value in features], extent=SIZE)
        logits, _ = answer(clicks, SINGLE_MASK)
    return true_iou(logits, scenes.masks[:, None])[:, 0]


@pytest.mark.long
def test_eight_composed_scenes_are_learnt_by_heart(tmp_path: Path) -> None:
    data, (task, loop) = images(tmp_path / "images"), plan()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Sam(SMALL)
    options = RunOptions(device="cpu", workers=0)
    taught = sam_task(network, [(data, 1.0)], task, seed=loop.seed, image_bytes=1 << 24)
    trainer = Trainer(taught, loop, tmp_path / "run", options=options)
    started = time.process_time()
    path = trainer.run()
    seconds = time.process_time() - started
    examples = Examples([(open_source(data), 1.0)], task.crop, loop.seed)
    scenes = collate([examples[number] for number in range(8)])
    assert isinstance(scenes, Batch) and len(scenes.masks) >= 16
    ious = from_boxes(path, scenes, task)
    print(f"mean IoU {ious.mean():.4f} of {len(ious)} masks in 8 scenes, {seconds:.0f} s of one core")
    assert ious.mean() >= 0.95
