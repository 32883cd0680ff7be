"""A model small enough for tests, and a COCO folder with two pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from tiny_sam import write_tiny_model

from sampipe.types import RLE


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """Two pictures of 80 x 60; the first holds an ellipse and a box, both 40 x 30, the second an ellipse."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    ys, xs = np.mgrid[:60, :80] + 0.5
    oval = ((xs - 30) / 20) ** 2 + ((ys - 25) / 15) ** 2 <= 1
    block = (xs > 35) & (xs < 75) & (ys > 25) & (ys < 55)
    pictures = {1: [oval, block], 2: [oval]}
    images, annotations = [], []
    for key, masks in pictures.items():
        pixels = np.random.default_rng(key).integers(0, 90, size=(60, 80, 3), dtype=np.uint8)
        for mask in masks:
            rle = RLE.from_mask(mask)
            x1, y1, x2, y2 = rle.box.tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": key,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "segmentation": rle.to_coco(),
                }
            )
            pixels[mask] = 200
        PilImage.fromarray(pixels).save(folder / "images" / f"{key}.png")
        images.append({"id": key, "file_name": f"{key}.png", "height": 60, "width": 80})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder
