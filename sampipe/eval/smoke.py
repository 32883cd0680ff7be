"""A measurement that takes seconds and needs nothing: two made-up pictures, and a ViT with random weights.

Its figures mean nothing. It shows that a command runs here, from reading to the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sampipe.types import RLE

_HW = (96, 128)


@dataclass(frozen=True)
class SmokeCase:
    """The files of a smoke run: a checkpoint, and a COCO folder of two pictures with three objects each."""

    model: Path
    data: Path


@contextmanager
def smoke_case(shape: str | None = None) -> Iterator[SmokeCase]:
    """The files, in a folder that goes away at the end.

    Args:
        shape: see :func:`write_random_model`.
    """
    with TemporaryDirectory(prefix="sampipe-smoke-") as folder:
        model = write_random_model(Path(folder) / "random.safetensors", shape)
        yield SmokeCase(model, write_pictures(Path(folder) / "data"))


def write_random_model(path: Path, shape: str | None = None) -> Path:
    """A checkpoint with random weights, the same ones every time.

    Args:
        path: the file.
        shape: one of :data:`~sampipe.train.presets.PRESETS`; None: a ViT so small that it takes no time.
    """
    import torch

    from sampipe.models import Sam, SamConfig
    from sampipe.models.checkpoints import save_checkpoint
    from sampipe.models.config import EverythingDefaults, MaskDecoderConfig, ViTConfig
    from sampipe.train.presets import preset

    small = SamConfig(
        image_encoder=ViTConfig(
            embed_dim=32, depth=2, num_heads=2, global_blocks=(1,), window=4, out_channels=32, image_size=128
        ),
        mask_decoder=MaskDecoderConfig(mlp_dim=32, iou_head_dim=16),
    )
    everything = EverythingDefaults(points_per_side=3, pred_iou=0, stability=0, min_region_area=0)
    config = replace(preset(shape) if shape else small, everything=everything)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = Sam(config).state_dict()
    weights["mask_decoder.iou_prediction_head.layers.2.bias"] += 0.8  # so that a grid of points finds masks
    save_checkpoint(weights, config, path, dtype=torch.float32)
    return path


def write_pictures(folder: Path) -> Path:
    """A COCO folder: on each of two pictures an ellipse, a rectangle and a ring on noise.

    ``detections.json`` beside it holds their boxes as COCO results.
    """
    from PIL import Image as Pillow

    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    (folder / "images").mkdir(parents=True)
    for key in (1, 2):
        rng = np.random.default_rng(key)
        pixels = rng.integers(0, 60, size=(*_HW, 3), dtype=np.uint8)
        for category, mask in enumerate(_shapes(shift=4 * key), start=1):
            pixels[mask] = rng.integers(90, 255, size=3)
            annotations.append(_annotation(len(annotations) + 1, key, category, RLE.from_mask(mask)))
        Pillow.fromarray(pixels).save(folder / "images" / f"{key}.png")
        images.append({"id": key, "file_name": f"{key}.png", "height": _HW[0], "width": _HW[1]})
    categories = [{"id": key, "name": name} for key, name in enumerate(("ellipse", "rectangle", "ring"), start=1)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    found = [{key: row[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9} for row in annotations]
    (folder / "detections.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


def _shapes(shift: int) -> list[np.ndarray]:
    ys, xs = np.mgrid[: _HW[0], : _HW[1]]
    ellipse = ((xs - 32 - shift) / 24) ** 2 + ((ys - 30) / 18) ** 2 <= 1
    rectangle = (abs(xs - 96) <= 20) & (abs(ys - 30 - shift) <= 18)
    radius = np.hypot(xs - 60, ys - 70)
    return [ellipse, rectangle & ~ellipse, (radius <= 22) & (radius >= 9)]


def _annotation(key: int, image: int, category: int, mask: RLE) -> dict[str, object]:
    x1, y1, x2, y2 = mask.box.tolist()
    return {
        "id": key,
        "image_id": image,
        "category_id": category,
        "iscrowd": 0,
        "area": mask.area,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "segmentation": mask.to_coco(),
    }
