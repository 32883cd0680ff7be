"""``sampipe.compat`` answers what ``segment_anything`` answers, in the same shapes and types, on the same weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

import sampipe as sp
from sampipe.compat import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry
from sampipe.models import Sam, SamConfig
from sampipe.models.config import MaskDecoderConfig, ViTConfig
from sampipe.models.weights.checkpoints import save_checkpoint

pytest.importorskip("segment_anything", reason='needs the reference: pip install "sampipe[test]"')

HW = (180, 256)
CONFIG = SamConfig(
    image_encoder=ViTConfig(embed_dim=32, depth=2, num_heads=2, global_blocks=(1,), out_channels=64, image_size=256),
    mask_decoder=MaskDecoderConfig(mlp_dim=64, iou_head_dim=32),
)
RANDOM = np.random.default_rng(3)
POINTS, BOX = np.array([[40, 50], [200, 90], [130.5, 20]]), np.array([20, 30, 200, 150])
LOGITS = ndimage.gaussian_filter(RANDOM.normal(0, 60, (1, 64, 64)), (0, 3, 3)).astype(np.float32)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "point": ({"point_coords": POINTS[:1], "point_labels": np.array([1])}, {}),
    "points": ({"point_coords": POINTS, "point_labels": np.array([1, 0, 1])}, {"multimask_output": False}),
    "box": ({"box": BOX}, {"multimask_output": False}),
    "box in brackets": ({"box": BOX[None, :]}, {"multimask_output": False}),
    "box and points": ({"box": BOX, "point_coords": POINTS, "point_labels": np.array([1, 1, 0])}, {}),
    "mask": ({"mask_input": LOGITS}, {}),
    "point and mask": ({"point_coords": POINTS[:1], "point_labels": np.array([1]), "mask_input": LOGITS}, {}),
    "logits": ({"box": BOX}, {"return_logits": True}),
    "points outside": ({"point_coords": np.array([[-30, 60], [300, 210]]), "point_labels": np.array([1, 0])}, {}),
    "a box over the border": ({"box": np.array([-20, -20, 400, 120])}, {}),
    "a box outside": ({"box": np.array([300, 200, 400, 220])}, {}),
    "swapped corners": ({"box": np.array([200, 150, 20, 30])}, {"multimask_output": False}),
    "label -1": ({"point_coords": POINTS, "point_labels": np.array([1, -1, 0])}, {"multimask_output": False}),
    "no prompt": ({}, {}),
}
BOXES = np.array([[20, 30, 200, 150], [100, 10, 250, 90.0]], np.float32)
GENERATOR = {"points_per_side": 4, "pred_iou_thresh": -10.0, "stability_score_thresh": 0.0, "box_nms_thresh": 1.0}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    sam = Sam(CONFIG)
    with torch.no_grad():
        sam.image_encoder.pos_embed.normal_(std=0.5)
        for mlp in sam.mask_decoder.output_hypernetworks_mlps:
            mlp.layers[-1].weight.mul_(60)
    folder = tmp_path_factory.mktemp("weights")
    torch.save(sam.state_dict(), folder / "weights.pth")
    save_checkpoint(sam.state_dict(), CONFIG, folder / "ours.safetensors", dtype=torch.float32)
    return folder


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    smooth = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(*HW, 3)), (6, 6, 0))
    return np.clip(128 + 900 * smooth, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def theirs(weights: Path, image: np.ndarray) -> dict[str, np.ndarray]:
    np.save(weights / "image.npy", image)
    arrays = {f"{name}.{key}": value for name, (given, _) in CASES.items() for key, value in given.items()}
    np.savez(weights / "cases.npz", boxes=BOXES, **arrays)
    cases = {name: {"arrays": list(given), "options": options} for name, (given, options) in CASES.items()}
    job = {"config": CONFIG.to_dict(), "cases": cases, "image_format": "BGR", "generator": GENERATOR}
    (weights / "job.json").write_text(json.dumps(job))
    script = Path(__file__).with_name("compat_reference.py")
    command = [sys.executable, "-W", "ignore", str(script), str(weights)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    with np.load(weights / "answers.npz") as answers:
        return dict(answers)


@pytest.fixture(scope="module")
def predictor(weights: Path, image: np.ndarray) -> SamPredictor:
    sam = sam_model_registry["vit_b"](checkpoint=weights / "ours.safetensors")
    sam.to(device="cpu")
    made = SamPredictor(sam)
    made.set_image(image, image_format="BGR")
    return made


def assert_same(ours: Any, theirs: np.ndarray) -> None:
    ours = np.asarray(ours)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    if ours.dtype == np.bool_:
        assert (ours != theirs).mean() < 1e-3, "but for rounding at the border"
        assert theirs.any() and not theirs.all()
    else:
        np.testing.assert_allclose(ours, theirs, atol=2e-3 * np.abs(theirs).max())


def test_the_embedding(predictor: SamPredictor, theirs: dict[str, np.ndarray]) -> None:
    assert_same(predictor.get_image_embedding(), theirs["embedding"])
    assert (predictor.original_size, predictor.is_image_set, predictor.device.type) == (HW, True, "cpu")


@pytest.mark.parametrize("name", CASES)
def test_predict(predictor: SamPredictor, theirs: dict[str, np.ndarray], name: str) -> None:
    given, options = CASES[name]
    for i, found in enumerate(predictor.predict(**given, **options)):
        assert_same(found, theirs[f"{name}.{i}"])


def test_predict_torch(predictor: SamPredictor, theirs: dict[str, np.ndarray]) -> None:
    boxes = predictor.transform.apply_boxes_torch(torch.from_numpy(BOXES), HW)
    found = predictor.predict_torch(point_coords=None, point_labels=None, boxes=boxes, multimask_output=False)
    for i, one in enumerate(found):
        assert_same(one, theirs[f"torch.{i}"])


def test_the_generator(weights: Path, image: np.ndarray, theirs: dict[str, np.ndarray]) -> None:
    generator = SamAutomaticMaskGenerator(sam_model_registry["default"](weights / "ours.safetensors"), **GENERATOR)
    rows = generator.generate(image[..., ::-1].copy())
    assert len(rows) == len(theirs["areas"]) > 3
    assert sorted(row["area"] for row in rows) == pytest.approx(sorted(theirs["areas"]), rel=0.01, abs=3)
    first = rows[0]
    x, y, wide, high = first["bbox"]
    assert first["segmentation"][y : y + high + 1, x : x + wide + 1].sum() == first["area"]
    assert set(first) >= {"segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score"}
    with pytest.raises(TypeError, match="no option 'points'"):
        SamAutomaticMaskGenerator("nano", points=3)


def test_what_is_asked_too_early_or_incompletely(weights: Path, image: np.ndarray) -> None:
    predictor = SamPredictor(sp.load_model(weights / "ours.safetensors"))
    with pytest.raises(RuntimeError, match=r"set_image"):
        predictor.predict(box=BOX)
    predictor.set_image(image)
    with pytest.raises(sp.DataError, match="point_labels"):
        predictor.predict(point_coords=POINTS)
