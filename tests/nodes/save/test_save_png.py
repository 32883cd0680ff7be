from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import files, grey_image, mask, masks_of
from PIL import Image as PilImage

from sampipe import DataError, Masks
from sampipe.nodes import Annotate, MaskPrompts, SaveOverlay, SavePng

LARGE, SMALL = mask("####", "####"), mask(".##.", "....")


def pixels(path: Path) -> np.ndarray:
    with PilImage.open(path) as picture:
        return np.asarray(picture)


def test_labels_are_16_bit_and_the_smaller_object_is_on_top(tmp_path: Path) -> None:
    SavePng(directory=str(tmp_path))(grey_image((2, 4), "cup.jpg"), masks_of([SMALL, LARGE]))
    labels = pixels(tmp_path / "cup.labels.png")
    assert labels.dtype == np.uint16
    assert labels.tolist() == [[2, 1, 1, 2], [2, 2, 2, 2]]
    assert files(tmp_path) == ["cup.labels.png"]


def test_more_objects_than_a_byte_can_count(tmp_path: Path) -> None:
    masks = masks_of([np.arange(300)[None] == i for i in range(300)])
    SavePng(directory=str(tmp_path))(grey_image((1, 300), "row.png"), masks)
    assert pixels(tmp_path / "row.labels.png").tolist() == [list(range(1, 301))]


def test_one_file_for_each_mask(tmp_path: Path) -> None:
    SavePng(directory=str(tmp_path), each=True)(grey_image((2, 4), "cup.jpg"), masks_of([SMALL, LARGE]))
    assert files(tmp_path) == ["cup.labels.png", "cup.mask-0001.png", "cup.mask-0002.png"]
    np.testing.assert_array_equal(pixels(tmp_path / "cup.mask-0001.png"), SMALL * 255)


def test_no_object_is_a_black_picture(tmp_path: Path) -> None:
    SavePng(directory=str(tmp_path))(grey_image((2, 4), "cup.jpg"), Masks.empty((2, 4)))
    assert not pixels(tmp_path / "cup.labels.png").any()


def test_too_many_objects(tmp_path: Path) -> None:
    masks = Masks.empty((1, 1))
    one = masks_of([np.ones((1, 1), bool)])
    masks = one.select(np.zeros(65_536, int))
    with pytest.raises(DataError, match="65536 masks; a 16-bit label image holds 65535"):
        SavePng(directory=str(tmp_path))(grey_image((1, 1)), masks)


def test_labels_come_back_as_prompts(tmp_path: Path) -> None:
    image = grey_image((2, 4), "cup.jpg")
    SavePng(directory=str(tmp_path))(image, masks_of([SMALL, mask("....", "##..")]))
    prompts = MaskPrompts(path=str(tmp_path / "cup.labels.png"), separate=True)(image)
    assert len(prompts) == 2


def test_overlays_of_two_images_of_one_name(tmp_path: Path) -> None:
    node = SaveOverlay(directory=str(tmp_path))
    images = [grey_image((2, 4), "a/cup.jpg"), grey_image((2, 4), "b/cup.jpg", value=10)]
    for image in images:
        node(image, masks_of([SMALL]))
    names = {"cup.overlay.png", f"cup-{images[1].key[:8]}.overlay.png"}
    assert set(files(tmp_path)) == names
    expected = Annotate()(images[0], masks_of([SMALL])).pixels
    np.testing.assert_array_equal(pixels(tmp_path / "cup.overlay.png"), expected)
