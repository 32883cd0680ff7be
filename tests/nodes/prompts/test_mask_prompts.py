from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import grey_image, rectangle
from PIL import Image as PilImage

from sampipe import DataError
from sampipe.nodes import MaskPrompts
from sampipe.types import RLE

HW = (32, 64)  # the longest side is 4 x 16 cells; the content is 8 x 16 of them
LEFT_HALF = rectangle(HW, 0, 0, 32, 32)


def cells(prompts: object) -> np.ndarray:
    return prompts.mask_logits[0]


def expect_left_half(logits: np.ndarray) -> None:
    assert (logits[:8, :8] == 10).all()
    assert (logits[:8, 8:] == -10).all()
    assert (logits[8:] == -10).all(), "padding is outside"


def test_a_mask_of_run_lengths() -> None:
    node = MaskPrompts(rles=[RLE.from_mask(LEFT_HALF).to_coco()], size=16)
    expect_left_half(cells(node(grey_image(HW))))


def test_a_cell_that_is_partly_covered() -> None:
    node = MaskPrompts(rles=[RLE.from_mask(rectangle(HW, 0, 0, 3, 32)).to_coco()], size=16)
    np.testing.assert_allclose(cells(node(grey_image(HW)))[0, :2], [5, -10], atol=0.1)  # 3 of 4 columns


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (10, 200)])
def test_a_picture_file(tmp_path: Path, values: tuple[int, int]) -> None:
    path = tmp_path / "mask.png"
    PilImage.fromarray(np.where(LEFT_HALF, values[1], values[0]).astype(np.uint8)).save(path)
    expect_left_half(cells(MaskPrompts(path=str(path), size=16)(grey_image(HW))))


def test_a_label_picture_gives_an_object_a_value(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    labels = np.where(LEFT_HALF, 2, 0).astype(np.uint16)
    labels[:, 60:] = 300
    PilImage.fromarray(labels).save(path)
    prompts = MaskPrompts(path=str(path), separate=True, size=16)(grey_image(HW))
    assert len(prompts) == 2
    expect_left_half(prompts.mask_logits[0])
    assert (prompts.mask_logits[1, :8, 15] == 10).all()


def test_numpy_files_of_masks_and_of_logits(tmp_path: Path) -> None:
    path = tmp_path / "masks.npy"
    np.save(path, LEFT_HALF)
    node = MaskPrompts(path=str(path), size=16)
    expect_left_half(cells(node(grey_image(HW))))
    before = node.digest()
    np.save(path, np.full((2, 16, 16), 3.0))
    prompts = node(grey_image(HW))
    assert prompts.mask_logits.shape == (2, 16, 16)
    assert (prompts.mask_logits == 3).all()
    assert node.digest() != before, "a cache must not answer with the old file"


def test_logits_as_they_are() -> None:
    logits = np.arange(16, dtype=float).reshape(1, 4, 4)
    np.testing.assert_array_equal(MaskPrompts(logits=logits.tolist())(grey_image(HW)).mask_logits, logits)


def test_an_empty_picture_is_no_object(tmp_path: Path) -> None:
    path = tmp_path / "black.png"
    PilImage.fromarray(np.zeros(HW, np.uint8)).save(path)
    assert len(MaskPrompts(path=str(path))(grey_image(HW))) == 0


def test_one_pixel(tmp_path: Path) -> None:
    node = MaskPrompts(rles=[RLE.from_mask(np.ones((1, 1), bool)).to_coco()], size=4)
    assert (cells(node(grey_image((1, 1)))) == 10).all(), "one pixel is stretched over the whole input"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "no masks; wanted exactly one"),
        ({"path": "a.png", "rles": []}, "path and rles; wanted exactly one"),
        ({"logits": [[1, 2]]}, "n, m, m"),
        ({"logits": "text"}, "n, m, m"),
        ({"rles": [], "size": 0}, "a whole number"),
        ({"path": " "}, "the path"),
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        MaskPrompts(**parameters)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    image = grey_image(HW)
    small = tmp_path / "small.png"
    PilImage.fromarray(np.zeros((2, 3), np.uint8)).save(small)
    with pytest.raises(DataError, match="3x2 pixels and the image 64x32"):
        MaskPrompts(path=str(small))(image)
    with pytest.raises(DataError, match="a mask of 3x2 pixels"):
        MaskPrompts(rles=[RLE.empty((2, 3)).to_coco()])(image)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.png is not an image"):
        MaskPrompts(path=str(broken))(image)
    with pytest.raises(DataError, match=r"missing\.png: cannot be read"):
        MaskPrompts(path=str(tmp_path / "missing.png"))(image)
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"pickled\.npy is not a readable"):
        MaskPrompts(path=str(pickled))(image)
