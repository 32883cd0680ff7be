"""Each layout is written by hand here and read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.bsds import write_bsds
from sampipe.data.formats import READABLE, format_of, read_dataset, read_images
from sampipe.errors import DataError
from sampipe.types import RLE

HW = (20, 30)
NUMBERS = np.zeros(HW, np.uint8)
NUMBERS[2:10, 3:13] = 1
NUMBERS[12:18, 15:27] = 2
MASKS = [RLE.from_mask(number == NUMBERS) for number in (1, 2)]


def every_image(folder: Path, name: str = "auto") -> Iterator[AnnotatedImage]:
    return (reads() for reads in read_dataset(folder, name).images)


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", HW[::-1]).save(path)
    return path


def labels(path: Path, numbers: np.ndarray = NUMBERS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Pillow.fromarray(numbers).convert("P")
    image.putpalette([value for number in range(256) for value in (number, 0, 255 - number)])
    Pillow.fromarray(numbers).save(path) if numbers.dtype != np.uint8 else image.save(path)


def annotations(**more: object) -> dict[str, object]:
    rows = [
        {"id": key, "image_id": 1, "category_id": key, "segmentation": mask.to_coco(), **more}
        for key, mask in enumerate(MASKS, start=1)
    ]
    return {"annotations": rows, "categories": [{"id": key, "name": f"thing {key}"} for key in (1, 2)]}


def coco(folder: Path) -> None:
    photo(folder / "images" / "a.png")
    images = [{"id": 1, "file_name": "a.png", "height": HW[0], "width": HW[1]}]
    (folder / "instances.json").write_text(json.dumps({"images": images, **annotations()}))


def lvis(folder: Path) -> None:
    photo(folder / "a.png")
    image = {"id": 1, "coco_url": "http://x.org/val/a.png", "height": HW[0], "width": HW[1]}
    image |= {"neg_category_ids": [], "not_exhaustive_category_ids": []}
    (folder / "lvis_v1_val.json").write_text(json.dumps({"images": [image], **annotations()}))


def sa1b(folder: Path) -> None:
    photo(folder / "sa_1.jpg")
    image = {"image_id": 1, "width": HW[1], "height": HW[0], "file_name": "sa_1.jpg"}
    (folder / "sa_1.json").write_text(json.dumps({"image": image, "annotations": annotations()["annotations"]}))


def voc(folder: Path) -> None:
    photo(folder / "JPEGImages" / "a.jpg")
    bordered = np.where(NUMBERS == 0, np.uint8(0), NUMBERS)
    bordered[0] = 255
    labels(folder / "SegmentationObject" / "a.png", bordered)
    labels(
        folder / "SegmentationClass" / "a.png", np.where(NUMBERS == 1, 15, np.where(NUMBERS == 2, 8, 0)).astype("u1")
    )


def davis(folder: Path) -> None:
    photo(folder / "JPEGImages" / "480p" / "bear" / "00000.jpg")
    labels(folder / "Annotations" / "480p" / "bear" / "00000.png")


def yolo(folder: Path) -> None:
    photo(folder / "images" / "a.png")
    corners = [[3, 2, 13, 2, 13, 10, 3, 10], [15, 12, 27, 12, 27, 18, 15, 18]]
    shares = [[value / (30, 20)[i % 2] for i, value in enumerate(ring)] for ring in corners]
    lines = [f"{key} " + " ".join(map(str, ring)) for key, ring in enumerate(shares)]
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("\n".join(lines) + "\n\n")
    (folder / "data.yaml").write_text("names: {0: thing 1, 1: thing 2}\n")


def bsds(folder: Path) -> None:
    write_bsds(folder, "val", "a", np.zeros((*HW, 3), np.uint8), [NUMBERS, NUMBERS * 0])


WRITERS: dict[str, Callable[[Path], None]] = {
    "coco": coco, "lvis": lvis, "sa1b": sa1b, "bsds": bsds, "davis": davis, "voc": voc, "yolo": yolo,
}  # fmt: skip
NAMES = {
    "coco": ["thing 1", "thing 2"],
    "lvis": ["thing 1", "thing 2"],
    "voc": ["person", "cat"],
    "yolo": ["thing 1", "thing 2"],
}


def png(folder: Path) -> None:
    photo(folder / "images" / "a.png")
    labels(folder / "masks" / "a.png")


WRITERS["png"] = png


def test_the_layouts_below_are_formats() -> None:
    assert set(WRITERS) <= set(READABLE)


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "bsds"])
def test_masks_and_names_come_as_written(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](tmp_path)
    assert format_of(tmp_path) == kind
    [image] = every_image(tmp_path)
    assert image.path.is_file()
    assert [one.mask for one in image.objects] == MASKS
    assert [one.category for one in image.objects] == NAMES.get(kind, ["object", "object"])
    assert image.objects[0].xyxy == (3, 2, 13, 10)


def test_regions_of_bsds_are_those_of_the_first_annotator(tmp_path: Path) -> None:
    bsds(tmp_path)
    [image] = every_image(tmp_path)
    assert [one.mask for one in image.objects[1:]] == MASKS
    assert sum(one.mask.area for one in image.objects) == HW[0] * HW[1]


def test_small_masks_are_left_out_and_the_picture_stays(tmp_path: Path) -> None:
    voc(tmp_path)
    assert [len(one.objects) for one in read_images(tmp_path, min_area=75)] == [1]
    report = read_dataset(tmp_path).report
    with pytest.raises(DataError, match="no annotated mask of at least 5000 px"):
        read_images(tmp_path, min_area=5000, report=report)
    assert report.images == 1 and "a mask below 5000 px²" in report.left_out


def test_a_file_is_read_when_its_picture_is_asked_for(tmp_path: Path) -> None:
    for number in range(4):
        photo(tmp_path / "images" / f"{number}.png")
        labels(tmp_path / "masks" / f"{number}.png")
    (tmp_path / "masks" / "3.png").write_bytes(b"no picture")
    pictures = every_image(tmp_path, "png")
    assert [next(pictures).path.stem for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(DataError, match=r"3\.png is not an image"):
        next(pictures)


def test_limit_draws_with_the_seed(tmp_path: Path) -> None:
    for number in range(12):
        photo(tmp_path / "images" / f"{number:02}.png")
        labels(tmp_path / "masks" / f"{number:02}.png")
    drawn = [[one.path.stem for one in read_images(tmp_path, limit=4, seed=seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 4 and drawn[0] == sorted(drawn[0])


def test_one_object_of_davis_2016_is_white(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages" / "480p" / "bear" / "00000.jpg")
    labels(tmp_path / "Annotations" / "480p" / "bear" / "00000.png", np.where(NUMBERS == 1, 255, 0).astype(np.uint8))
    [image] = every_image(tmp_path)
    assert [one.mask for one in image.objects] == MASKS[:1]


def test_labels_of_16_bits(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "a.png")
    labels(tmp_path / "masks" / "a.png", NUMBERS.astype(np.uint16) * 1000)
    [image] = every_image(tmp_path)
    assert [one.id for one in image.objects] == [1000, 2000]


def colors(folder: Path) -> None:
    photo(folder / "images" / "a.png")
    photo(folder / "masks" / "a.png")


def odd(folder: Path) -> None:
    yolo(folder)
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2 0.1")


def words(folder: Path) -> None:
    yolo(folder)
    (folder / "labels" / "a.txt").write_text("cat 0.5 0.5 0.2 0.2 0.3 0.3")


def without_pictures(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "masks").mkdir()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (colors, "an image of mode RGB"),
        (odd, "line 1 has 5 numbers after the class"),
        (words, "line 1 is not a class"),
        (without_pictures, "no annotated image of the format png"),
        (lambda folder: None, "not a data set of a known format"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        list(every_image(tmp_path))


def test_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got 'cityscapes'; there are auto, coco"):
        read_dataset(tmp_path, "cityscapes")
