"""Examples: what is cut, kept and pasted, and that a number decides all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.train.augment import jitter_colors
from sampipe.train.data import Batch, Example, Failure, MicroBatches, collate
from sampipe.train.examples import CropConfig, Examples
from sampipe.train.image_cache import ImageCache
from sampipe.train.scenes import CutOut, CutOutBank, cut_out, paste
from sampipe.train.sources import open_source
from sampipe.types import RLE

WHOLE = CropConfig(size=64, native_size=64, masks=4, min_area=16)
VARIED = replace(WHOLE, zoom=(0.7, 1.6), stretch=0.22, flip=True, jitter=True, compose=0.5)


def make(folder: Path, crop: CropConfig, count: int, seed: int = 0) -> list[Example]:
    found = Examples([(open_source(folder), 1.0)], crop, seed)
    return [found.make(index) for index in range(count)]


def red(example: Example) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(example.pixels[:1].float(), 4)[0]


def same(a: Example, b: Example) -> bool:
    return torch.equal(a.pixels, b.pixels) and torch.equal(a.masks, b.masks)


@pytest.mark.parametrize("flip", [False, True])
def test_masks_lie_on_the_objects_they_describe(shapes_folder: Path, flip: bool) -> None:
    for example in make(shapes_folder, replace(WHOLE, flip=flip), 8):
        assert example.pixels.shape == (3, 64, 64) and example.masks.shape == (1, 16, 16)
        assert example.content == (51, 64)  # 80 x 100 with the longest side at 64, and black below
        assert not example.pixels[:, 51:].any() and example.pixels[:, :51].any()
        inside, outside = example.masks[0] == 1, example.masks[0] == 0
        assert red(example)[inside].min() > red(example)[outside].max()


def test_whole_photos_are_resized_as_when_a_model_is_used(shapes_folder: Path) -> None:
    annotated = open_source(shapes_folder).image(0)
    with Pillow.open(annotated.path) as image:
        expected = np.asarray(image.resize((64, 51), Pillow.Resampling.BILINEAR))
    found = {example.pixels[:, :51].permute(1, 2, 0).numpy().tobytes() for example in make(shapes_folder, WHOLE, 4)}
    assert expected.tobytes() in found


def test_cells_at_an_edge_hold_the_share_that_is_covered(shapes_folder: Path) -> None:
    values = torch.cat([example.masks.flatten() for example in make(shapes_folder, WHOLE, 8)])
    assert bool(((values > 0) & (values < 1)).any()) and values.min() >= 0 and values.max() <= 1


def test_an_example_follows_from_seed_and_number_alone(shapes_folder: Path) -> None:
    source = open_source(shapes_folder)
    forwards, backwards = (Examples([(source, 1.0)], VARIED, 1, image_bytes=limit) for limit in (0, 1 << 20))
    later = {index: backwards.make(index) for index in reversed(range(12))}
    assert all(same(forwards.make(index), later[index]) for index in range(12))
    other = Examples([(source, 1.0)], VARIED, 2)
    assert not all(same(other.make(index), later[index]) for index in range(12))


def test_a_limit_repeats_the_first_examples(shapes_folder: Path) -> None:
    found = Examples([(open_source(shapes_folder), 1.0)], VARIED, 0, limit=3)
    assert all(same(found.make(index), found.make(index + 3)) for index in range(3))
    assert not same(found.make(0), found.make(1))


def test_masks_over_nine_tenths_of_the_photo_are_dropped(shapes_folder: Path) -> None:
    zoomed = replace(WHOLE, zoom=(3.5, 3.5))
    assert all(e.masks.mean(dim=(1, 2)).max() <= 0.9 for e in make(shapes_folder, zoomed, 10))


def test_nine_tenths_are_of_the_photo_not_of_its_padding(tmp_path: Path) -> None:
    folder = one_picture(tmp_path, np.ones((20, 80), bool))  # all of an image, a quarter of the square
    with pytest.raises(DataError, match="crops in a row held no mask"):
        make(folder, WHOLE, 1)


def test_no_more_masks_than_asked_for(tmp_path: Path) -> None:
    masks = np.zeros((6, 60, 60), bool)
    for index in range(6):
        masks[index, :, 10 * index : 10 * index + 9] = True
    folder = one_picture(tmp_path, *masks)
    assert [len(e.masks) for e in make(folder, WHOLE, 3)] == [4, 4, 4]


def test_folders_without_a_usable_crop_are_an_error_not_an_endless_search(shapes_folder: Path) -> None:
    too_small = replace(WHOLE, min_area=1500)  # 2000 px² become 819
    with pytest.raises(DataError, match="crops in a row held no mask"):
        make(shapes_folder, too_small, 1)


def test_a_broken_photo_reaches_the_trainer_as_one_sentence(shapes_folder: Path) -> None:
    for file in (shapes_folder / "images").iterdir():
        file.write_bytes(b"no image")
    failure = Examples([(open_source(shapes_folder), 1.0)], WHOLE, 0)[0]
    assert isinstance(failure, Failure) and ".png" in failure.message and "\n" not in failure.message
    good = Example(torch.zeros(3, 8, 8), torch.zeros(1, 2, 2), (8, 8))
    assert collate([good, failure]) is failure


def test_a_photo_of_another_size_than_its_masks_is_told(shapes_folder: Path) -> None:
    for file in (shapes_folder / "images").iterdir():
        Pillow.new("RGB", (50, 40)).save(file)
    with pytest.raises(DataError, match=r"the image is 50 x 40, its masks 100 x 80"):
        make(shapes_folder, WHOLE, 1)


def test_only_pictures_that_repeat_have_a_key(shapes_folder: Path) -> None:
    flipped = make(shapes_folder, replace(WHOLE, flip=True), 16)
    by_key: dict[str, torch.Tensor] = {}
    for example in flipped:
        assert example.key is not None
        assert torch.equal(by_key.setdefault(example.key, example.pixels), example.pixels)
    assert 4 < len(by_key) <= 8
    assert make(shapes_folder, VARIED, 1)[0].key is None


def test_collate_says_whose_each_mask_is_and_where_photos_end() -> None:
    pixels = torch.zeros(3, 8, 8, dtype=torch.uint8)
    one, two = Example(pixels, torch.zeros(2, 2, 2), (8, 4)), Example(pixels, torch.ones(1, 2, 2), (6, 8), "a")
    batch = collate([one, two])
    assert isinstance(batch, Batch)
    assert batch.owner.tolist() == [0, 0, 1] and batch.masks.shape == (3, 2, 2) and batch.keys == (None, "a")
    assert batch.inside().sum(dim=(1, 2, 3)).tolist() == [32, 48] and batch.inside()[0, 0, :, 4:].sum() == 0


def test_micro_batches_share_out_the_examples() -> None:
    alone = list(islice(MicroBatches(2, start=0, every=1), 4))
    shared = [list(islice(MicroBatches(2, start=rank, every=2), 2)) for rank in (0, 1)]
    assert alone == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [shared[0][0], shared[1][0], shared[0][1], shared[1][1]] == alone
    assert next(iter(MicroBatches(2, start=3, every=1))) == alone[3]


def test_photos_are_kept_up_to_a_limit(shapes_folder: Path) -> None:
    paths = sorted((shapes_folder / "images").iterdir())
    cache = ImageCache(2 * 80 * 100 * 3)
    for path in (*paths[:3], paths[2]):
        assert cache.open(path).size == (100, 80)
        path.unlink(missing_ok=True)
    assert cache.nbytes == cache.max_bytes and cache.open(paths[1]).size == (100, 80)
    with pytest.raises(DataError):
        cache.open(paths[0])  # the oldest had to go


def test_a_cut_out_is_the_object_in_its_box() -> None:
    pixels, mask = np.zeros((64, 64, 3), np.uint8), np.zeros((32, 32), bool)
    mask[4:12, 6:20] = True
    pixels[8:24, 12:40] = 7
    item = cut_out(pixels, mask)
    assert item is not None and item.mask.shape == (8, 14) and item.mask.all() and (item.pixels == 7).all()
    assert cut_out(pixels, mask & (np.arange(32) < 9)) is None  # three columns wide


def test_a_pasted_object_brings_its_mask_and_hides_what_is_below() -> None:
    item = CutOut(np.full((48, 48, 3), 200, np.uint8), np.ones((24, 24), bool))
    black, all_of_it = np.zeros((64, 64, 3), np.uint8), np.ones((1, 32, 32), bool)
    pixels, masks = paste(black, all_of_it, lambda: item, np.random.default_rng(0), content=(32, 32))
    assert len(masks) > 1
    below, pasted = masks[0], masks[1:].any(axis=0)
    assert not (below & pasted).any() and (below | pasted).all()
    np.testing.assert_array_equal(pixels[..., 0] > 0, pasted.repeat(2, axis=0).repeat(2, axis=1))


def test_nothing_is_pasted_on_the_padding() -> None:
    item = CutOut(np.full((48, 48, 3), 200, np.uint8), np.ones((24, 24), bool))
    for seed in range(9):
        blank, none = np.zeros((64, 64, 3), np.uint8), np.zeros((0, 32, 32), bool)
        pixels, _ = paste(blank, none, lambda: item, np.random.default_rng(seed), content=(20, 32))
        assert not pixels[:, 40:].any() and pixels[:, :40].any()


def test_slots_of_the_bank_are_renewed_one_after_the_other_and_by_number_alone() -> None:
    made: list[int] = []

    def make_one(rng: np.random.Generator) -> CutOut:
        made.append(0)
        return CutOut(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8), np.ones((8, 8), bool))

    def held(bank: CutOutBank, index: int) -> bytes:
        item = bank.draw(index, np.random.default_rng(index))
        assert item is not None
        return item.pixels.tobytes()

    one, other = CutOutBank(4, 5, make_one), CutOutBank(4, 5, make_one)
    forwards = [held(one, index) for index in range(120)]
    assert forwards == [held(other, index) for index in reversed(range(120))][::-1]
    assert 8 < len(set(forwards)) <= 20 and len(made) < 60  # four slots, renewed every 40 examples


def test_an_empty_slot_pastes_nothing() -> None:
    pixels, masks = np.zeros((8, 8, 3), np.uint8), np.zeros((1, 4, 4), bool)
    pasted = paste(pixels, masks, lambda: None, np.random.default_rng(0), content=(4, 4))
    assert np.array_equal(pasted[0], pixels) and np.array_equal(pasted[1], masks)


def test_colors_change_and_shapes_do_not() -> None:
    pixels = torch.zeros(3, 4, 4, dtype=torch.uint8)
    pixels[:, :2] = 120
    changed = jitter_colors(pixels, np.random.default_rng(3))
    assert changed.dtype == torch.uint8 and not torch.equal(changed, pixels)
    assert all(len(torch.unique(row)) == 1 for channel in changed for row in (channel[:2], channel[2:]))


def test_a_photo_that_exif_turns_is_turned_before_its_masks_are_laid_on_it(tmp_path: Path) -> None:
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[5:25, 35:55, 0] = 255
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the file holds the image turned to the left
    folder = one_picture(tmp_path, upright[..., 0] > 0)
    Pillow.fromarray(np.rot90(upright).copy()).save(tmp_path / "image.png", exif=exif)
    [example] = make(folder, WHOLE, 1)
    assert red(example)[example.masks[0] == 1].min() > red(example)[example.masks[0] == 0].max()


def one_picture(folder: Path, *masks: np.ndarray) -> Path:
    """A COCO folder of one grey image with these masks."""
    height, width = masks[0].shape
    Pillow.new("RGB", (width, height), (90, 90, 90)).save(folder / "image.png")
    rows = [
        {"id": number, "image_id": 1, "category_id": 1, "segmentation": RLE.from_mask(mask).to_coco()}
        for number, mask in enumerate(masks)
    ]
    image = {"id": 1, "file_name": "image.png", "width": width, "height": height}
    document = {"images": [image], "annotations": rows, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder
