"""Half precision: masks like the exact ones, embeddings that nobody takes for the exact ones."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from random_sam import SMALL_TINY_VIT, SMALL_VIT, random_sam

from sampipe.errors import DataError
from sampipe.models import SamModel, load_model
from sampipe.models.precision import Precision, half_dtype, is_fast_here
from sampipe.nodes import Segment
from sampipe.nodes.segment.segment import Precision as node_precision
from sampipe.types import Image, Prompts

BOXES = {"coffee": [[130, 60, 470, 330], [300, 150, 420, 250]], "astronaut": [[100, 0, 400, 500]]}


def test_masks_on_sample_photos_are_the_exact_ones() -> None:
    for name, boxes in BOXES.items():
        image, prompts = Image.open(f"sample:{name}"), Prompts.from_boxes(boxes)
        exact = Segment()(image, prompts=prompts).binary()
        half = Segment(precision="bf16")(image, prompts=prompts).binary()
        ious = (exact & half).sum((1, 2)) / (exact | half).sum((1, 2))
        assert ious.min() >= 0.98 and ious.mean() >= 0.99, (name, ious)
        assert not np.array_equal(exact, half), "it is another precision"


@pytest.mark.parametrize("config", [SMALL_VIT, SMALL_TINY_VIT], ids=["vit", "tiny_vit"])
def test_official_encoders(config: object) -> None:
    image = Image.from_array(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8))
    exact, half = (SamModel(random_sam(config), name="x", precision=one) for one in ("exact", "bf16"))
    ours, theirs = half.encode([image])[0], exact.encode([image])[0]
    assert ours.features.dtype == torch.float32
    assert 0 < (ours.features - theirs.features).abs().mean() < 0.05 * theirs.features.abs().mean()
    assert half.key == f"{exact.key}-bf16"
    with pytest.raises(DataError, match="Encode the image with the model that decodes it"):
        exact.decode(ours, Prompts.from_points([[10, 20]]), multimask=False)


def test_what_the_device_has_not() -> None:
    with pytest.raises(DataError, match="'fp16' is for CUDA and MPS"):
        load_model(precision="fp16", device="cpu")
    with pytest.raises(DataError, match="wanted one of exact, bf16, fp16"):
        half_dtype("half", torch.device("cpu"))


@pytest.mark.parametrize(("flags", "fast"), [("avx2 fma", False), ("avx512f avx512_bf16", True), ("amx_bf16", True)])
def test_where_it_pays(flags: str, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampipe.models.precision.cpu_flags", lambda: set(flags.split()))
    assert is_fast_here("bf16", torch.device("cpu")) is fast
    assert is_fast_here("exact", torch.device("cpu"))


def test_nodes_take_the_same_precisions() -> None:
    assert get_args(node_precision) == get_args(Precision)
