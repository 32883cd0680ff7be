"""MIAP and Open Images by files in their layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.formats import read_dataset
from sampipe.data.people import read_miap, read_people
from sampipe.errors import DataError

MIAP_HEAD = (
    "ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepictionOf,IsInsideOf,"
    "GenderPresentation,AgePresentation"
)
MASK_HEAD = "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks"


def write_miap(folder: Path, *, flags: str = "0,0,0") -> Path:
    """One photo of 80 x 60 with two people, whose masks are 40 x 30; a third box has no mask."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    Pillow.new("RGB", (80, 60)).save(folder / "images" / "p1.jpg")
    for name, left in (("one.png", 2), ("two.png", 22)):
        mask = np.zeros((30, 40), np.uint8)
        mask[5:25, left : left + 15] = 255
        Pillow.fromarray(mask).save(folder / "masks" / name)
    people = [
        f"p1,/m/01g317,1,0.55,0.93,0.17,0.83,0,0,{flags},Predominantly Masculine,Older",
        "p1,/m/01g317,1,0.05,0.42,0.17,0.84,0,0,0,0,0,Predominantly Feminine,Young",
        "p1,/m/01g317,1,0.0,0.1,0.9,1.0,0,0,0,0,0,Unknown,Unknown",
        "p2,/m/01g317,1,0.0,0.1,0.9,1.0,0,0,0,0,0,Unknown,Unknown",
    ]
    (folder / "open_images_extended_miap_boxes_test.csv").write_text("\n".join((MIAP_HEAD, *people)))
    masks = ["one.png,p1,/m/01g317,b1,0.05,0.425,0.166,0.833,0.9,", "two.png,p1,/m/01g317,b2,0.55,0.925,0.166,0.833,,"]
    (folder / "test-annotations-object-segmentation.csv").write_text("\n".join((MASK_HEAD, *masks)))
    return folder


def test_boxes_of_miap_find_their_masks(tmp_path: Path) -> None:
    people = read_miap(write_miap(tmp_path))
    [picture] = people.images
    assert picture.path == tmp_path / "images" / "p1.jpg"
    assert [one.xyxy for one in picture.objects] == [(44, 10, 74, 50), (4, 10, 34, 50)]
    assert [people.attributes[one.id]["AgePresentation"] for one in picture.objects] == ["Older", "Young"]
    assert people.columns == ("GenderPresentation", "AgePresentation")


@pytest.mark.parametrize("flags", ["1,0,0", "0,1,0", "0,0,1"])
def test_groups_and_depictions_are_left_out(tmp_path: Path, flags: str) -> None:
    [picture] = read_miap(write_miap(tmp_path, flags=flags)).images
    assert [one.xyxy for one in picture.objects] == [(4, 10, 34, 50)]


def test_it_is_a_format_that_tells_what_it_left_out(tmp_path: Path) -> None:
    data = read_dataset(write_miap(tmp_path, flags="1,0,0"))
    [image] = (reads() for reads in data.images)
    assert (data.format, [one.id for one in image.objects]) == ("miap", [3])
    assert (data.report.read, data.report.kept, data.report.lost) == (3, 1, 0)
    assert [line.split(" (")[0] for line in data.report.lines()] == [
        "read 3 objects in 1 image, kept 1",
        "left out 1: a box without a mask",
        "left out 1: a group or depiction",
        "noted 1: image file is not there",
    ]


def test_small_people_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no annotated mask of at least 5000 px"):
        read_miap(write_miap(tmp_path), min_area=5000)


def test_a_missing_file_or_column_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0 files \*miap_boxes\*\.csv; wanted one"):
        read_miap(tmp_path)
    folder = write_miap(tmp_path / "miap")
    file = folder / "test-annotations-object-segmentation.csv"
    file.write_text(file.read_text().replace("MaskPath", "Path"))
    with pytest.raises(DataError, match="no column MaskPath"):
        read_miap(folder)


def test_a_table_beside_a_coco_folder(coco_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("annotation,age,hat\n1,old,yes\n3,young,\n99,old,no\n")
    people = read_people(coco_folder, table)
    assert people.columns == ("age", "hat")
    assert [[one.id for one in picture.objects] for picture in people.images] == [[1], [3]]
    assert people.attributes[3] == {"age": "young", "hat": "unknown"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("annotation\n1\n", "a column or more of attributes"),
        ("id,age\n1,old\n", "no column annotation"),
        ("annotation,age\none,old\n", "annotation: got 'one', wanted a number"),
        ("annotation,age\n77,old\n", "none of its 1 annotations"),
        ("", "no column annotation"),
    ],
)
def test_a_table_that_does_not_fit(coco_folder: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "people.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_people(coco_folder, tmp_path / "people.csv")
