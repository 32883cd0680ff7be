"""``sampipe data convert``: there and back again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image as Pillow
from typer.testing import Result

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.formats import read_dataset
from sampipe.types import RLE
from sampipe.types.rle import iou_matrix

Sampipe = Callable[..., Result]
Y, X = np.mgrid[:60, :80]
RING = (np.hypot(X - 30, Y - 30) < 20) & (np.hypot(X - 30, Y - 30) > 8)
PARTS = ((X > 55) & (X < 70)) & ((Y < 20) | (Y > 40))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Two photos; a ring and something in two parts on the first, the ring on the second, and a third without any."""
    folder = tmp_path / "coco"
    (folder / "images").mkdir(parents=True)
    for name in "abc":
        Pillow.new("RGB", (80, 60)).save(folder / "images" / f"{name}.png")
    rows = [(1, 1, RING), (1, 2, PARTS), (2, 1, RING)]
    document = {
        "images": [{"id": i, "file_name": f"{n}.png", "height": 60, "width": 80} for i, n in enumerate("abc", start=1)],
        "annotations": [
            {"id": i, "image_id": image, "category_id": category, "segmentation": RLE.from_mask(mask).to_coco()}
            for i, (image, category, mask) in enumerate(rows)
        ],
        "categories": [{"id": 1, "name": "ring"}, {"id": 2, "name": "yes: no"}],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def every_image(folder: Path, name: str = "auto") -> Iterator[AnnotatedImage]:
    return (reads() for reads in read_dataset(folder, name).images)


def content(pictures: list[AnnotatedImage]) -> list[tuple[str, list[tuple[str, RLE]]]]:
    return [(one.path.name, [(item.category, item.mask) for item in one.objects]) for one in pictures]


def test_to_sa1b_and_back_masks_stay_and_names_go(sampipe: Sampipe, coco: Path, tmp_path: Path) -> None:
    text = sampipe("data", "convert", coco, tmp_path / "sa", "--to", "sa1b").stdout
    assert "3 objects in 3 images" in text
    there = content(list(every_image(tmp_path / "sa", "sa1b")))
    assert there == [
        ("a.png", [("object", RLE.from_mask(mask)) for mask in (RING, PARTS)]),
        ("b.png", [("object", RLE.from_mask(RING))]),
        ("c.png", []),
    ]
    sampipe("data", "convert", tmp_path / "sa", tmp_path / "back")
    assert content(list(every_image(tmp_path / "back", "coco"))) == there


def test_to_yolo_and_back_masks_stay_nearly(sampipe: Sampipe, coco: Path, tmp_path: Path) -> None:
    sampipe("data", "convert", coco, tmp_path / "yolo", "--to", "yolo")
    assert yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())["names"] == {0: "ring", 1: "yes: no"}
    sampipe("data", "convert", tmp_path / "yolo", tmp_path / "back", "--from", "yolo", "--to", "coco")
    before, after = (list(every_image(folder)) for folder in (coco, tmp_path / "back"))
    for one, other in zip(before, after, strict=True):
        assert [item.category for item in one.objects] == [item.category for item in other.objects]
        for mine, theirs in zip(one.objects, other.objects, strict=True):
            assert iou_matrix([mine.mask], [theirs.mask])[0, 0] > 0.93


def test_photos_are_copied_linked_or_left(sampipe: Sampipe, coco: Path, tmp_path: Path) -> None:
    for photos in ("copy", "link", "none"):
        sampipe("data", "convert", coco, tmp_path / photos, "--images", photos)
        photo = tmp_path / photos / "images" / "a.png"
        assert (photo.exists(), photo.is_symlink()) == (photos != "none", photos == "link")


def test_photos_of_one_name_get_names_of_their_own(sampipe: Sampipe, tmp_path: Path) -> None:
    for sequence in ("bear", "dog", "sub/dog"):
        for part, picture in (("JPEGImages", "RGB"), ("Annotations", "L")):
            folder = tmp_path / "davis" / part / sequence
            folder.mkdir(parents=True)
            Pillow.new(picture, (8, 6), 1 if picture == "L" else (0, 0, 0)).save(folder / "00.png")
    sampipe("data", "convert", tmp_path / "davis", tmp_path / "out")
    images = tmp_path / "out" / "images"
    assert sorted(path.relative_to(images).as_posix() for path in images.rglob("*.png")) == [
        "bear/00.png",
        "dog/00.png",
        "sub/dog/00.png",
    ]


def test_limit_and_least_area(sampipe: Sampipe, coco: Path, tmp_path: Path) -> None:
    assert "in 1 images" in sampipe("data", "convert", coco, tmp_path / "one", "--limit", 1).stdout
    assert "2 objects in 3 images" in sampipe("data", "convert", coco, tmp_path / "two", "--min-area", 700).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--to", "zip"), "got 'zip'; there are coco, lvis"),
        (("--images", "move"), "got 'move'; there are link, copy, none"),
    ],
)
def test_errors_are_one_line(
    sampipe: Sampipe, coco: Path, tmp_path: Path, words: tuple[object, ...], message: str
) -> None:
    result = sampipe("data", "convert", coco, tmp_path / "out", *words, ok=False)
    assert result.exit_code == 1
    assert message in result.stderr


def test_nothing_is_overwritten(sampipe: Sampipe, coco: Path) -> None:
    before = (coco / "instances.json").read_bytes()
    result = sampipe("data", "convert", coco, coco, ok=False)
    assert "is there already" in result.stderr
    assert (coco / "instances.json").read_bytes() == before


def test_a_missing_photo_costs_itself_and_the_exit_code(sampipe: Sampipe, coco: Path, tmp_path: Path) -> None:
    (coco / "images" / "b.png").unlink()
    result = sampipe("data", "convert", coco, tmp_path / "out", "--to", "yolo", ok=False)
    assert result.exit_code == 1 and "2 objects in 2 images" in result.stdout
    assert "noted 1: image could not be converted (" in result.stderr and "b.png: the image is missing" in result.stderr
    assert "yolo cannot hold: scores; category ids" in result.stderr
    assert [one.name for one in every_image(tmp_path / "out")] == ["a.png", "c.png"]
