"""Pascal VOC's maps in colors, as CVAT ("Segmentation mask 1.1") and datumaro write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.convert import convert
from sampipe.data.formats import format_of, read_dataset
from sampipe.errors import DataError

HW = (12, 16)
LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nkite:250,50,83::\ngull:51,221,255::\n"


def colored(folder: Path, labelmap: str | None = LABELMAP) -> Path:
    """Two gulls that touch and a kite; a row of void."""
    kinds, objects = np.zeros((*HW, 3), np.uint8), np.zeros((*HW, 3), np.uint8)
    for rows, columns, kind, one in (
        (slice(1, 5), slice(1, 4), (51, 221, 255), (128, 0, 0)),
        (slice(1, 5), slice(4, 8), (51, 221, 255), (0, 128, 0)),
        (slice(6, 9), slice(2, 12), (250, 50, 83), (7, 7, 7)),
        (slice(11, 12), slice(0, 16), (224, 224, 192), (224, 224, 192)),
    ):
        kinds[rows, columns], objects[rows, columns] = kind, one
    for name, pixels in (("SegmentationClass", kinds), ("SegmentationObject", objects), ("JPEGImages", kinds)):
        (folder / name).mkdir(parents=True)
        Pillow.fromarray(pixels).save(folder / name / "1.png")
    if labelmap is not None:
        (folder / "labelmap.txt").write_text(labelmap)
    return folder


def test_each_color_is_an_object_of_the_class_that_its_color_says(tmp_path: Path) -> None:
    folder = colored(tmp_path / "cvat")
    assert format_of(folder) == "voc"
    data = read_dataset(folder)
    [image] = [reads() for reads in data.images]
    assert sorted((one.category, one.category_id, *one.xyxy) for one in image.objects) == [
        ("gull", 2, 1, 1, 4, 5),
        ("gull", 2, 4, 1, 8, 5),
        ("kite", 1, 2, 6, 12, 9),
    ]
    assert [one.name for one in data.categories] == ["kite", "gull"]
    done = convert(read_dataset(folder), tmp_path / "to", "voc")
    assert (done.objects, done.report.lost) == (3, 0)


def test_a_color_without_a_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1\.png: the color 250, 50, 83 stands for no class of labelmap.txt"):
        read_dataset(colored(tmp_path, LABELMAP.replace("kite:250,50,83::\n", ""))).images[0]()
    (tmp_path / "labelmap.txt").write_text(LABELMAP.replace("250", "red"))
    with pytest.raises(DataError, match=r"labelmap\.txt: kite:red,50,83::: got 'red', wanted a number"):
        read_dataset(tmp_path).images[0]()
