"""The same random weights give the same masks as two independent implementations, and as EdgeSAM's makers'."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sam_reference
import torch
from random_sam import SMALL_DECODER, SMALL_TINY_VIT, SMALL_VIT, random_sam
from safetensors.torch import save_file
from torch import Tensor

from sampipe.models.config import MaskDecoderConfig, SamConfig
from sampipe.models.encoders import RepViTConfig, TinyViTConfig, ViTConfig
from sampipe.models.model import SamModel
from sampipe.models.prompt_encoder import PromptTensors
from sampipe.models.weights.naming import to_transformers
from sampipe.types import Image, Prompts

TOLERANCE = 1e-4  # of the largest value
SIZES = {"square": (200, 200), "wide": (60, 301), "tall": (333, 97), "tiny": (2, 3)}
KINDS = ("point", "points", "box", "box_and_points", "mask", "mask_and_box", "everything")
EDGE_SAM = pytest.param(
    ("edge_sam", "rep_vit"),
    marks=pytest.mark.skipif("EDGE_SAM" not in os.environ, reason="EDGE_SAM names no checkout of chongzhou96/EdgeSAM"),
)
SETUPS = [("ultralytics", "vit"), ("transformers", "vit"), ("ultralytics", "tiny_vit"), EDGE_SAM]
REP_VIT = SamConfig(image_encoder=RepViTConfig(image_size=320), mask_decoder=SMALL_DECODER)  # theirs has one shape
CONFIGS = {"vit": SMALL_VIT, "tiny_vit": SMALL_TINY_VIT, "rep_vit": REP_VIT}


def some_prompts(kind: str, hw: tuple[int, int], mask_size: int, seed: int) -> Prompts:
    """Three objects prompted in one way, on an image of ``hw``."""
    random = np.random.default_rng(seed)
    extent = np.array(hw[::-1])
    fields: dict[str, Any] = {}
    if kind in ("point", "points", "box_and_points", "everything"):
        count = 1 if kind == "point" else 4
        fields["points"] = random.uniform(0, extent - 1, (3, count, 2))
        fields["point_labels"] = random.integers(0, 2, (3, count))
    if kind in ("box", "box_and_points", "mask_and_box", "everything"):
        low, high = random.uniform(0, 0.4, (3, 2)) * extent, random.uniform(0.6, 1, (3, 2)) * extent
        fields["boxes"] = np.concatenate([low, high], axis=1)
    if kind in ("mask", "mask_and_box", "everything"):
        fields["mask_logits"] = random.normal(0, 8, (3, mask_size, mask_size))
    return Prompts(**fields)


def write_job(folder: Path, model: SamModel, images: dict[str, Image], cases: dict[str, Any], reference: str) -> None:
    """What :mod:`sam_reference` reads. ``cases``: name to (image's name, prompts or None, multimask)."""
    weights = model.sam.state_dict()
    if reference == "transformers":
        weights = to_transformers(weights)
    inputs = {name: torch.from_numpy(image.pixels.copy()) for name, image in images.items()}
    for name, (_, prompts, _) in cases.items():
        if prompts is None:
            continue
        fields = {
            "points": prompts.points,
            "labels": prompts.point_labels,
            "boxes": prompts.boxes,
            "masks": prompts.mask_logits,
        }
        for field, value in fields.items():
            if value is not None:
                inputs[f"{name}.{field}"] = torch.from_numpy(value.copy())
    save_file({name: value.clone() for name, value in weights.items()}, folder / "weights.safetensors")
    save_file(inputs, folder / "inputs.safetensors")
    (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
    rows = [{"name": name, "image": image, "multimask": multi} for name, (image, _, multi) in cases.items()]
    (folder / "cases.json").write_text(json.dumps(rows))


def random_image(hw: tuple[int, int], seed: int) -> Image:
    """Noise with large and small structure."""
    random = np.random.default_rng(seed)
    coarse = np.kron(random.integers(0, 255, (-(-hw[0] // 16), -(-hw[1] // 16), 3)), np.ones((16, 16, 1)))
    noise = random.integers(-20, 20, (*hw, 3))
    return Image.from_array(np.clip(coarse[: hw[0], : hw[1]] + noise, 0, 255).astype(np.uint8))


def assert_close(ours: Tensor | np.ndarray, theirs: Tensor) -> None:
    ours = ours if isinstance(ours, Tensor) else torch.from_numpy(ours.copy())
    assert ours.shape == theirs.shape
    worst = (ours - theirs).abs().max() / theirs.abs().max()
    assert worst < TOLERANCE, f"differs by {worst:.2g} of the largest value"


Setup = tuple[SamModel, dict[str, Image], dict[str, Any], dict[str, Tensor]]


@pytest.fixture(scope="module", params=SETUPS, ids="-".join)
def setup(request: pytest.FixtureRequest, run_folder: Path) -> Setup:
    """A model, images, prompts, and what a reference makes of them."""
    reference, encoder = request.param
    model = SamModel(random_sam(CONFIGS[encoder]), name=encoder, key="random")
    images = {name: random_image(hw, seed) for seed, (name, hw) in enumerate(SIZES.items())}
    cases: dict[str, Any] = {}
    for seed, (name, image) in enumerate(images.items()):
        for multimask in (False, True):
            cases[f"{name}-nothing-{multimask}"] = (name, None, multimask)
            for kind in KINDS:
                prompts = some_prompts(kind, image.hw, model.config.mask_size, seed)
                cases[f"{name}-{kind}-{multimask}"] = (name, prompts, multimask)
    job = partial(write_job, model=model, images=images, cases=cases, reference=reference)
    return model, images, cases, sam_reference.run(reference, run_folder / f"{reference}-{encoder}", job)


@pytest.mark.parametrize("size", SIZES)
def test_image_embedding(setup: Setup, size: str) -> None:
    model, images, _, theirs = setup
    assert_close(model.encode([images[size]])[0].features[None], theirs[f"{size}.embedding"])


@pytest.mark.parametrize("multimask", [False, True], ids=["single", "ambiguous"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_masks_and_iou(setup: Setup, size: str, kind: str, multimask: bool) -> None:
    model, images, cases, theirs = setup
    name = f"{size}-{kind}-{multimask}"
    masks = model.decode(model.encode([images[size]])[0], cases[name][1], multimask=multimask)
    assert_close(masks.logits, theirs[f"{name}.logits"])
    assert_close(masks.iou_scores, theirs[f"{name}.iou"])


@pytest.mark.parametrize("multimask", [False, True], ids=["single", "ambiguous"])
@pytest.mark.parametrize("size", SIZES)
def test_no_prompt(setup: Setup, size: str, multimask: bool) -> None:
    """Prompts that ask nothing are dropped as values, so this is asked of the network itself."""
    model, images, _, theirs = setup
    features = model.encode([images[size]])[0].features[None]
    nothing = PromptTensors(None, None, None, None, extent=model.config.image_size, count=1)
    with torch.inference_mode():
        tokens, dense = model.sam.prompt_encoder(nothing, grid=model.config.grid)
        outputs = (1, 2, 3) if multimask else (0,)
        logits, iou = model.sam.decode([features], tokens, dense, outputs=outputs)
    assert_close(logits, theirs[f"{size}-nothing-{multimask}.logits"])
    assert_close(iou, theirs[f"{size}-nothing-{multimask}.iou"])


def test_a_batch_of_images(setup: Setup) -> None:
    """Images encoded together, by the network and by the model, are the same as one by one."""
    model, images, _, theirs = setup
    for name, embedding in zip(images, model.encode(list(images.values())), strict=True):
        assert_close(embedding.features[None], theirs[f"{name}.embedding"])
    size = model.config.image_size
    squares = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        (together,) = model.sam.encode(squares)
        apart = [model.sam.encode(square[None])[0] for square in squares]
    assert_close(together, torch.cat(apart))


def test_objects_prompted_in_different_ways_together(setup: Setup) -> None:
    """A mixed list of prompts gives each object what it gets alone."""
    model, images, cases, theirs = setup
    names = [f"wide-{kind}-True" for kind in KINDS]
    mixed = Prompts.concat([cases[name][1] for name in names])
    masks = model.decode(model.encode([images["wide"]])[0], mixed, multimask=True)
    assert_close(masks.logits, torch.cat([theirs[f"{name}.logits"] for name in names]))
    assert_close(masks.iou_scores, torch.cat([theirs[f"{name}.iou"] for name in names]))


PUBLISHED_SIZES = {
    "vit": SamConfig(image_encoder=ViTConfig(embed_dim=192, num_heads=3, depth=2, global_blocks=(1,))),
    "tiny_vit": SamConfig(image_encoder=TinyViTConfig(image_size=512), mask_decoder=MaskDecoderConfig(mlp_dim=256)),
}


@pytest.mark.parametrize("encoder", PUBLISHED_SIZES)
def test_published_sizes(encoder: str, tmp_path: Path) -> None:
    """A quarter of ViT-B's heads at 1024 pixels, in one block of either kind; MobileSAM's whole encoder at 512."""
    model = SamModel(random_sam(PUBLISHED_SIZES[encoder]), name=encoder, key="random")
    image = random_image((427, 640), seed=5)
    prompts = some_prompts("box_and_points", image.hw, model.config.mask_size, seed=5)
    job = partial(
        write_job,
        model=model,
        images={"photo": image},
        cases={"case": ("photo", prompts, True)},
        reference="ultralytics",
    )
    theirs = sam_reference.run("ultralytics", tmp_path, job)
    embedding = model.encode([image])[0]
    masks = model.decode(embedding, prompts, multimask=True)
    assert_close(embedding.features[None], theirs["photo.embedding"])
    assert_close(masks.logits, theirs["case.logits"])
    assert_close(masks.iou_scores, theirs["case.iou"])
