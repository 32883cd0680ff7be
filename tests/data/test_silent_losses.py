"""What once went by without a word: wrong images, covered masks, dropped fields, names that changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage, GroundTruth
from sampipe.data.convert import convert
from sampipe.data.formats import FORMATS, format_of, read_dataset
from sampipe.data.label_png import read_labels, write_labels
from sampipe.data.names import Names, Places
from sampipe.errors import DataError
from sampipe.types import RLE, Masks

HW = (20, 30)


def box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros(HW, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def coco(folder: Path, names: list[str], masks: list[np.ndarray], **fields: Any) -> Path:
    """Images, of which the first has an object for each mask."""
    for name in names:
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", HW[::-1]).save(folder / "images" / name)
    document = {
        "images": [{"id": k, "file_name": n, "height": HW[0], "width": HW[1]} for k, n in enumerate(names)],
        "annotations": [
            {"id": k, "image_id": 0, "category_id": 1, "segmentation": RLE.from_mask(mask).to_coco(), **fields}
            for k, mask in enumerate(masks)
        ],
        "categories": [{"id": 1, "name": "cup"}],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def test_an_image_of_another_folder_is_another_image(tmp_path: Path) -> None:
    folder = coco(tmp_path / "data", ["p/one.png", "q/one.png"], [box(1, 1, 5, 5)])
    (folder / "images" / "p" / "one.png").unlink()
    data = read_dataset(folder)
    assert [reads().path.is_file() for reads in data.images] == [False, True]
    assert data.report.lines()[1:] == ["noted 1: image file is not there (p/one.png)"]
    names = Names(["p/one.png", "/data/upload/3/two.png", "C:\\sets\\three.png"], "rows")
    found = [names.find(f"/home/me/q/{name}.png") for name in ("one", "two", "three")]
    assert found == [None, "/data/upload/3/two.png", "C:\\sets\\three.png"]
    assert Places(folder / "images").find("D:\\old\\one.png") == folder / "images" / "q" / "one.png"


@pytest.mark.parametrize("to", ["voc", "davis", "png", "panoptic"])
def test_masks_that_others_cover_are_counted(tmp_path: Path, to: str) -> None:
    """A whole lies under its two halves; a fourth lies partly under one of them."""
    masks = [box(2, 2, 12, 12), box(2, 2, 7, 12), box(7, 2, 12, 12), box(10, 2, 28, 12)]
    done = convert(read_dataset(coco(tmp_path / "from", ["a.png"], masks)), tmp_path / "to", to)
    told = done.report.lines()
    assert "left out 1: a mask that lies under others (a.png: object 0)" in told
    assert "noted 1: image has a mask that lies partly under others (a.png: object 3)" in told
    assert sum(len(reads().objects) for reads in read_dataset(tmp_path / "to").images) == done.objects == 3


def test_255_objects_are_255(tmp_path: Path) -> None:
    """255 is void in maps of 8 bits only."""
    rows = np.arange(600).reshape(HW)
    masks = [rows == number for number in range(300)]
    assert len(read_labels(write_labels(Masks.from_binary(np.array(masks))))) == 300
    for count in (255, 300):
        folder = coco(tmp_path / f"from{count}", ["a.png"], masks[:count])
        convert(read_dataset(folder), tmp_path / f"to{count}", "png")
        assert len(read_dataset(tmp_path / f"to{count}").images[0]().objects) == count


def test_fields_of_annotations_stay_or_are_told_of(tmp_path: Path) -> None:
    folder = coco(tmp_path / "from", ["a.png"], [box(1, 1, 5, 5)], attributes={"occluded": True}, keypoints=[1, 2, 2])
    convert(read_dataset(folder), tmp_path / "coco")
    [row] = json.loads((tmp_path / "coco" / "instances.json").read_text())["annotations"]
    assert (row["attributes"], row["keypoints"], row["id"]) == ({"occluded": True}, [1, 2, 2], 1)
    told = convert(read_dataset(folder), tmp_path / "yolo", "yolo").report.lines()
    assert (
        "noted 1: image has objects with attributes, keypoints, which the format cannot hold (a.png: object 0)" in told
    )


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"attributes": {"blur": [0, float("nan")]}}, r"annotations\[0\]: attributes: blur\[1\]: got nan"),
        ({"keypoints": [1e999]}, r"annotations\[0\]: keypoints\[0\]: got inf"),
        ({"note": "\ud800"}, r"annotations\[0\]: note: got '\\ud800', wanted text that is Unicode"),
    ],
)
def test_nonsense_in_other_fields_is_named(tmp_path: Path, fields: dict[str, Any], place: str) -> None:
    with pytest.raises(DataError, match=rf"instances\.json: {place}"):
        read_dataset(coco(tmp_path / "from", ["a.png"], [box(1, 1, 5, 5)], **fields))


@pytest.mark.parametrize("to", [name for name, one in FORMATS.items() if one.writer and one.read])
def test_names_that_cannot_stay_are_told_of(tmp_path: Path, to: str) -> None:
    """Capitals that some file systems take for the same, signs that others refuse, and the name of an index."""
    names = ["a/Img.png", "a/img.png", "what?.png", "annotations.png", "labels/labels.png", "images/images.png"]
    folder = coco(tmp_path / "from", names, [box(1, 1, 5, 5)])
    for index, name in enumerate(names):  # tell them apart by their color
        Pillow.new("RGB", HW[::-1], (40 * index, 0, 0)).save(folder / "images" / name)
    done = convert(read_dataset(folder), tmp_path / "to", to)
    assert format_of(tmp_path / "to") == to
    found = [reads() for reads in read_dataset(tmp_path / "to").images]
    assert len(found) == (1 if to == "csv" else 6)
    assert {image.open().pixels[0, 0, 0] for image in found} == ({0} if to == "csv" else set(range(0, 240, 40)))
    changed = sum(image.name not in names for image in found)
    assert (
        changed == 0
        if to == "csv"
        else any(f"noted {changed}: image was renamed in the folder" in line for line in done.report.lines())
    )


@pytest.mark.parametrize(("name", "images"), [("png", "images"), ("davis", "JPEGImages"), ("voc", "JPEGImages")])
def test_a_label_map_without_its_image_costs_itself(tmp_path: Path, name: str, images: str) -> None:
    folder = coco(tmp_path / "from", ["a.png", "b.png", "c.png"], [box(1, 1, 5, 5)])
    convert(read_dataset(folder), tmp_path / name, name)
    (tmp_path / name / images / "b.png").rename(tmp_path / name / images / "d.png")
    data = read_dataset(tmp_path / name)
    told = [line.split(" (")[0] for line in data.report.lines()[1:]]
    assert told == ["noted 1: image file is not there", "noted 1: image without a label map"]
    done = convert(data, tmp_path / "to")
    assert (done.images, done.failed, done.objects) == (2, 1, 1)


@pytest.mark.parametrize("to", ["coco", "voc", "labelme", "parquet", "cvat"])
def test_an_image_that_cannot_be_read_costs_itself(tmp_path: Path, to: str) -> None:
    folder = coco(tmp_path / "from", ["a.png", "b.png", "c.png"], [box(1, 1, 5, 5)])
    (folder / "images" / "b.png").unlink()
    done = convert(read_dataset(folder), tmp_path / "to", to)
    assert (done.images, done.objects, done.failed, done.report.lost) == (2, 1, 1, 0)
    assert any("image could not be converted (" in line and "b.png" in line for line in done.report.lines())
    assert [reads().name for reads in read_dataset(tmp_path / "to").images] == ["a.png", "c.png"]


def test_a_damaged_file_of_many_counts_nothing(tmp_path: Path) -> None:
    source = coco(tmp_path / "from", ["a.png", "b.png"], [box(1, 1, 5, 5)])
    convert(read_dataset(source), tmp_path / "labelme", "labelme")
    file = tmp_path / "labelme" / "b.json"
    shape = {"label": "x", "points": [[1, 1], [4, 4]], "shape_type": "rectangle"}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"shapes": [shape, {**shape, "points": [[1, None]]}]}))
    done = convert(read_dataset(tmp_path / "labelme"), tmp_path / "to")
    assert (done.images, done.failed, done.report.read, done.report.kept) == (1, 1, 1, 1)
    assert any("b.json: shapes[1]: points" in line for line in done.report.lines())


def test_boxes_beyond_the_image_are_cut_for_yolo(tmp_path: Path) -> None:
    from sampipe.data.convert import open_writer

    Pillow.new("RGB", HW[::-1]).save(tmp_path / "a.png")
    full = RLE.from_mask(np.ones(HW, bool))
    objects = [
        GroundTruth(number, "cup", xyxy, full, box_only=True)
        for number, xyxy in enumerate([(-6.0, -5.0, 15.0, 10.0), (-9.0, 2.0, -1.0, 8.0)])
    ]
    writer = open_writer("yolo", tmp_path / "to")
    writer.add(AnnotatedImage(tmp_path / "a.png", tuple(objects), HW))
    assert (tmp_path / "to" / "labels" / "a.txt").read_text() == "0 0.250000 0.250000 0.500000 0.500000\n"
    assert writer.report.lines()[1:] == ["left out 1: a box outside the image (a.png: object 1)"]


def test_answers_of_others_in_label_studio_are_counted(tmp_path: Path) -> None:
    """Of a task one answer is taken; and an upload is found without the digits before its name."""
    from sampipe.data.label_studio import encode_brush

    (tmp_path / "images").mkdir()
    Pillow.new("RGB", HW[::-1]).save(tmp_path / "images" / "pier.png")
    value = {"format": "rle", "rle": encode_brush(box(2, 2, 9, 9)), "brushlabels": ["cup"]}
    region = {"type": "brushlabels", "original_width": HW[1], "original_height": HW[0], "value": value}
    task = {
        "data": {"image": "/data/upload/4/0a1b2c3d-pier.png"},
        "annotations": [
            {"result": [region] * 3, "was_cancelled": True},
            {"result": []},
            {"result": [region]},
            {"result": [region] * 2},
        ],
        "predictions": [{"result": [region]}],
    }
    (tmp_path / "export.json").write_text(json.dumps([task]))
    data = read_dataset(tmp_path)
    [image] = [reads() for reads in data.images]
    assert len(image.objects) == 1 and image.open().hw == HW
    told = data.report.lines()
    assert told[0] == "read 7 objects in 1 image, kept 1" and data.report.lost == 0
    assert [line.split(" (")[0] for line in told[1:]] == [
        "left out 2: a Label Studio region of a further annotation",
        "left out 1: a Label Studio region of a further prediction",
        "left out 3: a Label Studio region of an answer that its author skipped",
    ]
