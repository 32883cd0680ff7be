"""Prompts and masks between the page and the server; the page may send anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sampipe.demo.bench import Bench
from sampipe.demo.downloads import KINDS, download
from sampipe.demo.wire import FoundObject, MarkedObject, masks_of, objects_json, prompts_of, read
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks, Prompts


@pytest.fixture
def image() -> Image:
    return Image(np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8), "photo.jpg")


def test_marks_become_prompts_of_several_kinds(image: Image) -> None:
    area = np.zeros((30, 40), bool)
    area[10:20, 10:20] = True  # half the picture's resolution, as a small screen has it
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


def test_masks_of_another_picture_are_refused(image: Image) -> None:
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


def test_the_bench_answers_with_sentences() -> None:
    bench = Bench(in_browser=False)
    with pytest.raises(DataError, match="no sample"):
        bench.open_picture({"sample": "../../etc/passwd"})
    with pytest.raises(DataError, match="not a file that was uploaded"):
        bench.open_picture({"path": "http://169.254.169.254/latest"})
    opened = bench.open_picture({"sample": "coins"})
    assert (opened["width"], opened["height"]) == (384, 303)
    with pytest.raises(DataError, match="choose it again"):
        bench.segment({"key": "another", "prompts": {"points": [[1, 1, 1]]}})
    answer = bench.segment({"key": opened["key"], "prompts": {"points": [[50, 50, 1]]}})
    assert len(answer["candidates"]) == 3
    with pytest.raises(DataError, match="outside the picture"):
        bench.segment({"key": opened["key"], "prompts": {"box": [900, 900, 950, 950]}})
