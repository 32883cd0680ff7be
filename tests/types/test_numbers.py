"""Numbers of nearly the right type: taken as what they plainly mean, or refused in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sampipe.errors import DataError
from sampipe.types import RLE, Masks, Prompts

MASK = np.array([[True, False, True], [False, True, True]])


@pytest.mark.parametrize(
    "given",
    [MASK, MASK.astype(np.uint8) * 255, MASK.astype(float), MASK.tolist(), torch.tensor(MASK),
     torch.tensor(MASK).half(), torch.tensor(MASK).bfloat16(),
     torch.tensor(MASK.astype(np.float32), requires_grad=True)],
)  # fmt: skip
def test_what_is_a_mask_is_taken(given: object) -> None:
    assert RLE.from_mask(given) == RLE.from_mask(MASK)  # type: ignore[arg-type]
    whole = given[None] if hasattr(given, "shape") else [given]  # type: ignore[index]
    assert Masks.from_binary(whole).rle() == (RLE.from_mask(MASK),)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [MASK * 0.3, np.where(MASK, np.nan, 0), np.where(MASK, np.inf, 0), MASK.astype(str)])
def test_what_needs_a_threshold_is_no_mask(given: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"mask: got .*wanted"):
        RLE.from_mask(given)
    with pytest.raises(DataError, match=r"masks: got .*wanted"):
        Masks.from_binary(given[None])


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int8, np.uint16])
def test_boxes_and_ids_of_other_number_types(kind: type) -> None:
    prompts = Prompts.from_boxes(
        np.array([[1, 2, 3, 4]], kind), class_ids=np.array([7], kind), scores=[np.float16(0.5)]
    )
    assert prompts.boxes.tolist() == [[1, 2, 3, 4]] and prompts.class_ids.tolist() == [7]  # type: ignore[union-attr]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_with_gradients_are_boxes(dtype: torch.dtype) -> None:
    boxes = torch.tensor([[1.0, 2, 3, 4]], dtype=dtype, requires_grad=True)
    assert Prompts.from_boxes(boxes).boxes.tolist() == [[1, 2, 3, 4]]  # type: ignore[arg-type, union-attr]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"class_ids": [1.5]}, "class_ids: wanted whole numbers"),
        ({"class_ids": [np.nan]}, "class_ids: wanted whole numbers"),
        ({"scores": [np.inf]}, "scores: got infinity"),
        ({"scores": ["high"]}, "scores: wanted an array of float32"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(fields: dict[str, list[object]], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Prompts.from_boxes([[1, 2, 3, 4]], **fields)  # type: ignore[arg-type]
