"""Shapes partly outside the image are cut at its edge, shapes wholly outside are empty; in every reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.convert import convert
from sampipe.data.formats import READABLE, read_dataset
from sampipe.data.labelme import write_labelme
from sampipe.errors import DataError
from sampipe.types import Masks

HW = (20, 30)
Box = tuple[int, int, int, int]


def corners(box: Box) -> list[list[float]]:
    x0, y0, x1, y1 = map(float, box)
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def coco(folder: Path, box: Box) -> None:
    ring = [value for corner in corners(box) for value in corner]
    document = {
        "images": [{"id": 1, "file_name": "a.png", "height": HW[0], "width": HW[1]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [ring]}],
        "categories": [{"id": 1, "name": "cup"}],
    }
    (folder / "instances.json").write_text(json.dumps(document))


def labelme(folder: Path, **shape: object) -> None:
    document = {"shapes": [{"label": "cup", **shape}], "imagePath": "a.png", "imageHeight": HW[0], "imageWidth": HW[1]}
    (folder / "a.json").write_text(json.dumps(document))


def labelme_mask(folder: Path, box: Box) -> None:
    x0, y0, x1, y1 = box
    full = Masks.from_binary(np.ones((1, y1 - y0, x1 - x0), bool))
    window = json.loads(write_labelme(full, "a.png"))["shapes"][0]["mask"]
    labelme(folder, shape_type="mask", points=[[x0, y0], [x1 - 1, y1 - 1]], mask=window)


def labelme_polygon(folder: Path, box: Box) -> None:
    labelme(folder, shape_type="polygon", points=corners(box))


def labelme_turned(folder: Path, box: Box) -> None:
    labelme(folder, shape_type="oriented_rectangle", points=corners(box))


def labelme_rectangle(folder: Path, box: Box) -> None:
    labelme(folder, shape_type="rectangle", points=[corners(box)[2], corners(box)[0]])


def cvat(folder: Path, shape: str) -> None:
    head = f'<image id="0" name="a.png" width="{HW[1]}" height="{HW[0]}">'
    (folder / "annotations.xml").write_text(f"<annotations>{head}{shape}</image></annotations>")


def cvat_mask(folder: Path, box: Box) -> None:
    x0, y0, x1, y1 = box
    size = f'left="{x0}" top="{y0}" width="{x1 - x0}" height="{y1 - y0}"'
    cvat(folder, f'<mask label="cup" rle="0, {(x1 - x0) * (y1 - y0)}" {size}/>')


def cvat_polygon(folder: Path, box: Box) -> None:
    cvat(folder, f'<polygon label="cup" points="{";".join(f"{x},{y}" for x, y in corners(box))}"/>')


def cvat_box(folder: Path, box: Box) -> None:
    x0, y0, x1, y1 = box
    cvat(folder, f'<box label="cup" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"/>')


def geojson(folder: Path, box: Box) -> None:
    geometry = {"type": "Polygon", "coordinates": [[*corners(box), corners(box)[0]]]}
    feature = {"type": "Feature", "properties": {"label": "cup"}, "geometry": geometry}
    document = {"type": "FeatureCollection", "features": [feature], "image": "a.png"}
    (folder / "a.geojson").write_text(json.dumps(document))


def svg(folder: Path, box: Box) -> None:
    path = "M" + " L".join(f"{x},{y}" for x, y in corners(box)) + " Z"
    size = f'width="{HW[1]}" height="{HW[0]}"'
    (folder / "a.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}><path d="{path}"/></svg>')


def yolo(folder: Path, box: Box) -> None:
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    (folder / "a.png").rename(folder / "images" / "a.png")
    values = [f"{x / HW[1]} {y / HW[0]}" for x, y in corners(box)]
    (folder / "labels" / "a.txt").write_text(f"0 {' '.join(values)}\n")


def yolo_box(folder: Path, box: Box) -> None:
    yolo(folder, box)
    x0, y0, x1, y1 = box
    values = [(x0 + x1) / 2 / HW[1], (y0 + y1) / 2 / HW[0], (x1 - x0) / HW[1], (y1 - y0) / HW[0]]
    (folder / "labels" / "a.txt").write_text(f"0 {' '.join(map(str, values))}\n")


def csv(folder: Path, box: Box) -> None:
    (folder / "boxes.csv").write_text(f"image,x0,y0,x1,y1\na.png,{','.join(map(str, box))}\n")


def voc(folder: Path, box: Box) -> None:
    for name in ("JPEGImages", "Annotations"):
        (folder / name).mkdir()
    (folder / "a.png").rename(folder / "JPEGImages" / "a.png")
    x0, y0, x1, y1 = box
    size = f"<size><width>{HW[1]}</width><height>{HW[0]}</height></size>"
    sides = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
    text = f"<filename>a.png</filename>{size}<object><name>cup</name><bndbox>{sides}</bndbox></object>"
    (folder / "Annotations" / "a.xml").write_text(f"<annotation>{text}</annotation>")


WRITERS = (
    coco, labelme_mask, labelme_polygon, labelme_turned, labelme_rectangle, cvat_mask, cvat_polygon, cvat_box, geojson,
    svg, yolo, yolo_box, csv, voc,
)  # fmt: skip


@pytest.mark.parametrize(
    ("box", "area"),
    [
        ((-5, -4, 6, 7), 42),  # a corner
        ((25, 3, 40, 8), 25),
        ((-3, -3, 33, 23), 600),  # all of the image and more
        ((29, 19, 31, 21), 1),
        ((-9, 2, 0, 8), 0),  # touches the edge
        ((40, 25, 44, 28), 0),
        ((-9, -8, -2, -3), 0),
    ],
)
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_cut_at_the_edge(tmp_path: Path, write: Callable[[Path, Box], None], box: Box, area: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    Pillow.new("RGB", HW[::-1]).save(folder / "a.png")
    write(folder, box)
    data = read_dataset(folder)
    [one] = data.images[0]().objects
    assert (one.mask.hw, one.mask.area) == (HW, area)
    x0, y0, x1, y1 = (max(box[0], 0), max(box[1], 0), min(box[2], HW[1]), min(box[3], HW[0]))
    wanted = np.zeros(HW, bool)
    wanted[y0 : max(y0, y1), x0 : max(x0, x1)] = True
    np.testing.assert_array_equal(one.mask.decode(), wanted)
    assert (data.report.read, data.report.kept, data.report.lost) == (1, 1, 0)


@pytest.mark.parametrize("to", ["coco", "yolo", "voc", "labelme", "png", "geojson", "svg", "cvat", "label_studio"])
def test_what_is_empty_is_written_or_counted(tmp_path: Path, to: str) -> None:
    """A shape outside the image beside one inside."""
    (tmp_path / "from").mkdir()
    Pillow.new("RGB", HW[::-1]).save(tmp_path / "from" / "a.png")
    coco(tmp_path / "from", (3, 4, 9, 9))
    file = tmp_path / "from" / "instances.json"
    document = json.loads(file.read_text())
    ring = [value for corner in corners((40, 3, 50, 9)) for value in corner]
    document["annotations"].append({"id": 2, "image_id": 1, "category_id": 1, "segmentation": [ring]})
    file.write_text(json.dumps(document))
    done = convert(read_dataset(tmp_path / "from"), tmp_path / "to", to)
    again = [len(reads().objects) for reads in read_dataset(tmp_path / "to").images]
    assert again == [done.objects] and done.report.lost == 0
    assert ("left out 1: a mask without a pixel (a.png: object 2)" in done.report.lines()) == (done.objects == 1)


def test_the_formats_above_are_those_that_hold_shapes() -> None:
    """Formats of pixels, or of run lengths of the image's size, cannot reach beyond it."""
    told = {write.__name__.split("_")[0] for write in WRITERS}
    of_pixels = {"panoptic", "bsds", "miap", "davis", "png", "masks", "label_studio", "sa1b", "parquet", "lvis"}
    assert told | of_pixels == set(READABLE)


@pytest.mark.parametrize("write", [cvat_box, yolo_box, csv, voc], ids=lambda write: write.__name__)
def test_a_box_turned_inside_out_is_refused(tmp_path: Path, write: Callable[[Path, Box], None]) -> None:
    """COCO's rule for all: written, its negative width could not be read again."""
    folder = tmp_path / "data"
    folder.mkdir()
    Pillow.new("RGB", HW[::-1]).save(folder / "a.png")
    write(folder, (20, 15, 5, 3))
    with pytest.raises(DataError, match=r"got \[.*, wanted a box x0, y0, x1, y1 with x1 right of x0"):
        read_dataset(folder).images[0]()
