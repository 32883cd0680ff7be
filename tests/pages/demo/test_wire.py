"""Prompts and masks between the page and the server; the page may send anything."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.pages.demo import browser_decoder
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.downloads import KINDS, download
from sampipe.pages.demo.wire import FoundObject, MarkedObject, masks_of, objects_json, prompts_of, read
from sampipe.types import RLE, Image, Masks, Prompts


@pytest.fixture
def image() -> Image:
    return Image(np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8), "photo.jpg")


def test_the_mask_that_was_chosen_goes_on_as_the_mask_prompt(image: Image) -> None:
    chosen = np.zeros(image.hw, bool)
    chosen[20:40, 30:60] = True
    mask = RLE.from_mask(chosen).to_coco()
    prompts = prompts_of([MarkedObject(points=[(40, 30, 1)], mask=mask)], image, 256)
    assert prompts.mask_logits is not None
    assert prompts.mask_logits.max() > 0
    with pytest.raises(DataError, match="wanted that of the image"):
        prompts_of([MarkedObject(points=[(4, 3, 1)], mask=RLE.empty((5, 5)).to_coco())], image, 256)


def test_marks_become_prompts_of_several_kinds(image: Image) -> None:
    area = np.zeros((30, 40), bool)
    area[10:20, 10:20] = True  # half the image's resolution, as a small screen has it
    brush = RLE.from_mask(area).to_coco()
    marked = [
        MarkedObject(points=[(10, 20, 1), (5, 5, 0)], label="cup"),
        MarkedObject(box=(1, 2, 30, 40)),
        MarkedObject(brush=brush),
    ]
    prompts = prompts_of(marked, image, 64)
    assert len(prompts) == 3
    assert prompts.labels == ("cup", "", "")
    assert prompts.has_boxes.tolist() == [False, True, False]
    assert prompts.has_masks.tolist() == [False, False, True]
    assert prompts.mask_logits is not None
    assert prompts.mask_logits[2].argmax() // 64 in range(15, 33)


@pytest.mark.parametrize(
    "data",
    [
        {"points": [[float("nan"), 2, 1]]},
        {"points": [[1, 2, 1]] * 2000},
        {"points": "all"},
        {"box": [1, 2, 3]},
        {"path": "/etc/passwd"},
        None,
    ],
)
def test_other_forms_are_refused(data: Any) -> None:
    with pytest.raises(DataError):
        read(MarkedObject, data)


@pytest.mark.parametrize(
    "brush",
    [
        {},
        {"size": [10**6, 10**6], "counts": [1]},
        {"size": [4, 4], "counts": [3]},
        {"size": [4, 4], "counts": [16]},
        {"size": "4x4"},
    ],
)
def test_brushed_areas_that_are_none_are_refused(image: Image, brush: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        prompts_of([MarkedObject(brush=brush)], image, 64)


def test_background_alone_says_nothing(image: Image) -> None:
    with pytest.raises(DataError, match="Nothing says where"):
        prompts_of([MarkedObject(points=[(1, 1, 0)])], image, 64)


def test_masks_go_to_the_page_and_come_back(image: Image) -> None:
    pixels = np.zeros((2, 60, 80), bool)
    pixels[0, 5:20, 5:20] = pixels[1, 30:50, 40:70] = True
    prompts = Prompts.from_boxes([[5, 5, 20, 20], [40, 30, 70, 50]], labels=("a", "b"), scores=[0.9, 0.5])
    sent = objects_json(Masks.from_binary(pixels, prompts))
    assert [one["label"] for one in sent] == ["a", "b"]
    assert sent[0]["iou"] is None, "no NaN in JSON"
    keys = ("rle", "iou", "label", "score")
    back = masks_of(read(list[FoundObject], [{key: one[key] for key in keys} for one in sent]), image)
    assert (back.binary() == pixels).all()
    assert back.prompts.labels == ("a", "b")


def test_masks_of_another_image_are_refused(image: Image) -> None:
    other = FoundObject(rle=RLE.empty((9, 9)).to_coco())
    for given in ([other], [], [FoundObject(rle={"size": [60, 80], "counts": "\x00"})]):
        with pytest.raises(DataError):
            masks_of(given, image)


def test_every_download_is_made_and_others_are_refused(image: Image) -> None:
    pixels = np.zeros((1, 60, 80), bool)
    pixels[0, 5:20, 5:20] = True
    masks = Masks.from_binary(pixels)
    assert [download(kind, image, masks).name.partition(".")[0] for kind in KINDS] == ["photo"] * len(KINDS)
    with pytest.raises(DataError, match="no download"):
        download("../passwd", image, masks)
    cut = np.asarray(Pillow.open(io.BytesIO(download("cutout", image, masks).content)))
    assert (cut[..., 3] == 255 * pixels[0]).all()
    assert (cut[..., :3] == image.pixels * pixels[0][..., None]).all()


def test_the_bench_answers_with_sentences() -> None:
    bench = Bench(in_browser=False)
    with pytest.raises(DataError, match="no sample"):
        bench.open_image({"sample": "../../etc/passwd"})
    with pytest.raises(DataError, match="not a file that was uploaded"):
        bench.open_image({"path": "http://169.254.169.254/latest"})
    opened = bench.open_image({"sample": "coins"})
    assert (opened["width"], opened["height"]) == (384, 303)
    with pytest.raises(DataError, match="choose it again"):
        bench.segment({"key": "another", "prompts": {"points": [[1, 1, 1]]}})
    answer = bench.segment({"key": opened["key"], "prompts": {"points": [[50, 50, 1]]}})
    assert len(answer["candidates"]) == 3
    with pytest.raises(DataError, match="outside the image"):
        bench.segment({"key": opened["key"], "prompts": {"box": [900, 900, 950, 950]}})


def test_the_runtime_that_pages_load_is_the_one_whose_digests_are_beside_it() -> None:
    folder = Path(browser_decoder.__file__).parent / "runtime"
    sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {"ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"}
    for name, digest in sums.items():
        file = folder / name
        content = file.read_bytes() if file.is_file() else gzip.decompress((folder / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == digest
    assert "Microsoft" in (folder / "LICENSE").read_text()
