"""Made-up annotations and answers: enough objects that evaluators can disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage

from sampipe.types import RLE

HW = (300, 340)


def blob(rng: np.random.Generator, radius: float | None = None, center: tuple[float, float] | None = None) -> RLE:
    """An ellipse somewhere on the image."""
    ys, xs = np.mgrid[: HW[0], : HW[1]]
    y, x = center or (rng.uniform(10, HW[0] - 10), rng.uniform(10, HW[1] - 10))
    radius = radius or float(np.exp(rng.uniform(np.log(4), np.log(140))))
    return RLE.from_mask(((xs - x) / radius) ** 2 + ((ys - y) / (radius * rng.uniform(0.5, 1))) ** 2 <= 1)


def near(rng: np.random.Generator, truth: RLE) -> RLE:
    """A mask that overlaps the truth, more or less."""
    x0, y0, x1, y1 = truth.box
    move = rng.normal(0, 0.12, 2) * (y1 - y0, x1 - x0)
    radius = max(x1 - x0, 2) / 2 * rng.uniform(0.8, 1.2)
    return blob(rng, float(radius), (float((y0 + y1) / 2 + move[0]), float((x0 + x1) / 2 + move[1])))


def write_scenes(folder: Path, *, images: int = 4, objects: int = 14, lvis: bool = False, seed: int = 0) -> Path:
    """A COCO (or LVIS) folder of grey photos with ellipses of six categories; some are crowds in COCO's."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    pictures: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        PilImage.new("RGB", (HW[1], HW[0]), (90, 90, 90)).save(folder / "images" / f"{image:012d}.png")
        for _ in range(objects):
            mask = blob(rng)
            if mask.area:
                crowd = int(not lvis and rng.random() < 0.1)
                rows.append(annotation(len(rows) + 1, image, int(rng.integers(1, 5)), mask, crowd))
        picture: dict[str, Any] = {"id": image, "height": HW[0], "width": HW[1]}
        if lvis:
            absent = rng.permutation([5, 6]).tolist()
            picture |= {
                "coco_url": f"http://images.example.org/val2017/{image:012d}.png",
                "neg_category_ids": absent[:1],
                "not_exhaustive_category_ids": [int(rng.integers(1, 5))],
            }
        else:
            picture |= {"file_name": f"{image:012d}.png"}
        pictures.append(picture)
    categories = [
        {"id": key, "name": f"thing {key}", "image_count": 5, **({"frequency": "rcfrcf"[key - 1]} if lvis else {})}
        for key in range(1, 7)
    ]
    document = {"images": pictures, "annotations": rows, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def annotation(key: int, image: int, category: int, mask: RLE, crowd: int = 0) -> dict[str, Any]:
    x0, y0, x1, y1 = mask.box.tolist()
    return {
        "id": key,
        "image_id": image,
        "category_id": category,
        "iscrowd": crowd,
        "area": mask.area,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "segmentation": mask.to_coco(),
    }


def answers(document: dict[str, Any], *, seed: int = 1) -> list[dict[str, Any]]:
    """Detections in COCO's results format: near the truth, doubled, of a wrong category, or of nothing."""
    rng = np.random.default_rng(seed)
    found: list[tuple[int, int, RLE]] = []
    for row in document["annotations"]:
        truth = RLE.from_coco(row["segmentation"])
        for _ in range(int(rng.integers(0, 3))):
            category = row["category_id"] if rng.random() < 0.8 else int(rng.integers(1, 7))
            found.append((row["image_id"], category, near(rng, truth)))
    for image in document["images"]:
        found += [(image["id"], int(rng.integers(1, 7)), blob(rng)) for _ in range(8)]
    scores = rng.permutation(len(found)) / len(found)  # all different: ties are no one's business
    results = []
    for (image, category, mask), score in zip(found, scores, strict=True):
        row = annotation(0, image, category, mask)
        results.append(
            {key: row[key] for key in ("image_id", "category_id", "bbox", "segmentation")} | {"score": float(score)}
        )
    return [row for row in results if row["bbox"][2] > 0]
