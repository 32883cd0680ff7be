"""A COCO folder with a few shapes, and a model small enough to train in a second."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from sampipe.models.config import MaskDecoderConfig, PromptEncoderConfig, SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig
from sampipe.models.sam import Sam
from sampipe.types import RLE

TINY = SamConfig(
    image_encoder=EfficientNetLiteConfig(
        widths=(8, 8, 16, 16, 16, 16, 16),
        depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=16,
        attention_layers=1,
        attention_heads=2,
        out_channels=32,
        fine_channels=(8, 4),
        image_size=64,
    ),
    prompt_encoder=PromptEncoderConfig(draw=True),
    mask_decoder=MaskDecoderConfig(num_heads=2, mlp_dim=32, iou_head_dim=16, fine_features=True),
)


@pytest.fixture
def tiny_network() -> Sam:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Sam(TINY)


@pytest.fixture
def shapes_folder(tmp_path: Path) -> Path:
    """Four images of 80 x 100 with a bright rectangle each on dark ground."""
    folder = tmp_path / "shapes"
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for index in range(4):
        mask = np.zeros((80, 100), dtype=bool)
        mask[10 + 5 * index : 50 + 5 * index, 20:70] = True
        pixels = np.where(mask[..., None], (200, 180, 40 * index), (20, 30, 60)).astype(np.uint8)
        Pillow.fromarray(pixels).save(folder / "images" / f"{index}.png")
        images.append({"id": index, "file_name": f"{index}.png", "height": 80, "width": 100})
        annotation = {"id": index, "image_id": index, "category_id": 1, "iscrowd": 0}
        annotations.append(annotation | {"segmentation": RLE.from_mask(mask).to_coco()})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "box"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def sa1b_folder(shapes_folder: Path, tmp_path: Path) -> Path:
    """The same images in SA-1B's layout, in two folders below."""
    folder = tmp_path / "sa1b"
    document = json.loads((shapes_folder / "instances.json").read_text())
    for image, annotation in zip(document["images"], document["annotations"], strict=True):
        number = image["id"]
        below = folder / f"sa_{number % 2:06}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"sa_{number}.png").write_bytes((shapes_folder / "images" / image["file_name"]).read_bytes())
        described = {"image_id": number, "width": 100, "height": 80, "file_name": f"sa_{number}.png"}
        row = {"id": number, "segmentation": annotation["segmentation"], "area": 2000, "predicted_iou": 0.9}
        (below / f"sa_{number}.json").write_text(json.dumps({"image": described, "annotations": [row]}))
    return folder
