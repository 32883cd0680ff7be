"""Examples: what is cut, kept and pasted."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.train.augment import jitter_colors
from sampipe.train.data import CropConfig, Example, ExampleStream, collate
from sampipe.train.scenes import CutOutBank
from sampipe.types import RLE

WHOLE = CropConfig(size=64, native_size=64, zoom=(1.0, 1.0), compose=0.0, masks=4, min_area=16)


def examples(folder: Path, crop: CropConfig, count: int, seed: int = 0) -> list[Example]:
    return list(islice(ExampleStream([(folder, 1.0)], crop, seed), count))


def test_masks_lie_on_the_objects_they_describe(shapes_folder: Path) -> None:
    for example in examples(shapes_folder, WHOLE, 8):
        assert example.pixels.shape == (3, 64, 64) and example.masks.shape == (1, 16, 16)
        red = torch.nn.functional.avg_pool2d(example.pixels[:1].float(), 4)[0]
        inside, outside = example.masks[0] == 1, example.masks[0] == 0
        assert red[inside].min() > red[outside].max()


def test_cells_at_an_edge_hold_the_share_that_is_covered(shapes_folder: Path) -> None:
    shares = torch.cat([example.masks.flatten() for example in examples(shapes_folder, WHOLE, 8)])
    assert bool(((shares > 0) & (shares < 1)).any()) and shares.min() >= 0 and shares.max() <= 1


def test_a_seed_decides_everything(shapes_folder: Path) -> None:
    crop = CropConfig(size=64, native_size=64, compose=0.5)
    first, again, other = (examples(shapes_folder, crop, 6, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a.pixels, b.pixels) for a, b in zip(first, other, strict=True))


def test_masks_over_nine_tenths_of_the_crop_are_dropped(shapes_folder: Path) -> None:
    zoomed = CropConfig(size=64, native_size=64, zoom=(3.5, 3.5), compose=0.0, min_area=16)
    assert all(e.masks.mean(dim=(1, 2)).max() <= 0.9 for e in examples(shapes_folder, zoomed, 10))


def test_folders_without_a_usable_crop_are_an_error_not_an_endless_search(shapes_folder: Path) -> None:
    too_small = CropConfig(size=64, native_size=64, zoom=(1.0, 1.0), compose=0.0, min_area=1500)  # 2000 become 819
    with pytest.raises(DataError, match="crops in a row held no mask"):
        examples(shapes_folder, too_small, 1)


def test_collate_says_whose_each_mask_is() -> None:
    pixels = torch.zeros(3, 8, 8, dtype=torch.uint8)
    batch = collate([Example(pixels, torch.zeros(2, 2, 2)), Example(pixels, torch.ones(1, 2, 2))])
    assert batch.owner.tolist() == [0, 0, 1] and batch.masks.shape == (3, 2, 2) and batch.pixels.shape == (2, 3, 8, 8)


def test_a_pasted_object_brings_its_mask_and_hides_what_is_below() -> None:
    rng = np.random.default_rng(0)
    bank = CutOutBank(capacity=2)
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    shape = np.zeros((1, 32, 32), bool)
    shape[0, 4:28, 4:28] = True
    bank.remember(red, shape, rng)
    pixels, masks = bank.paste(np.zeros((64, 64, 3), np.uint8), np.ones((1, 32, 32), bool), rng)
    assert len(masks) > 1
    below, pasted = masks[0], masks[1:].any(axis=0)
    assert not (below & pasted).any() and (below | pasted).all()
    np.testing.assert_array_equal(pixels[..., 0] > 0, pasted.repeat(2, axis=0).repeat(2, axis=1))


def test_an_empty_bank_changes_nothing() -> None:
    pixels, masks = np.zeros((8, 8, 3), np.uint8), np.zeros((1, 4, 4), bool)
    pasted = CutOutBank(capacity=2).paste(pixels, masks, np.random.default_rng(0))
    assert np.array_equal(pasted[0], pixels) and np.array_equal(pasted[1], masks)


def test_colours_change_and_shapes_do_not() -> None:
    pixels = torch.zeros(3, 4, 4, dtype=torch.uint8)
    pixels[:, :2] = 120
    changed = jitter_colors(pixels, np.random.default_rng(3))
    assert changed.dtype == torch.uint8 and not torch.equal(changed, pixels)
    assert all(len(torch.unique(row)) == 1 for channel in changed for row in (channel[:2], channel[2:]))


def test_a_photo_that_exif_turns_is_turned_before_its_masks_are_laid_on_it(tmp_path: Path) -> None:
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[5:25, 35:55, 0] = 255
    mask = upright[..., 0] > 0
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the file holds the picture turned to the left
    Pillow.fromarray(np.rot90(upright).copy()).save(tmp_path / "photo.png", exif=exif)
    row = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": RLE.from_mask(mask).to_coco()}
    image = {"id": 1, "file_name": "photo.png", "width": 60, "height": 40}
    document = {"images": [image], "annotations": [row], "categories": [{"id": 1, "name": "red"}]}
    (tmp_path / "instances.json").write_text(json.dumps(document))
    crop = CropConfig(size=64, native_size=64, zoom=(1.0, 1.0), compose=0.0, min_area=16)
    [example] = examples(tmp_path, crop, 1)
    red = torch.nn.functional.avg_pool2d(example.pixels[:1].float(), 4)[0]
    assert red[example.masks[0] == 1].min() > red[example.masks[0] == 0].max()
