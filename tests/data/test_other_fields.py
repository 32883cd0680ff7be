"""What files say beside shapes and names: kept where the format has a place for it, told of where it has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.convert import convert
from sampipe.data.formats import FORMATS, WRITABLE, read_dataset
from sampipe.errors import DataError
from sampipe.types import RLE

HW = (20, 30)
MASK = np.zeros(HW, bool)
MASK[3:9, 4:14] = True
INFO = {"year": 2031, "contributor": "harbour office", "description": "Buoys"}
LICENSES = [{"id": 2, "name": "CC BY", "url": "https://example.org/by"}]
ABOUT_IMAGE = {"license": 2, "date_captured": "2031-05-01", "coco_url": "https://example.org/1.png"}
ABOUT_OBJECT = {"attributes": {"lit": True}, "note": "turned over"}


def write(file: Path, document: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))


def image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", HW[::-1], (10, 90, 160)).save(path)


def coco(folder: Path, document: str = "instances.json", images: str = "images", **changes: Any) -> Path:
    image(folder / images / "1.png")
    row = {"id": 9, "image_id": 3, "category_id": 5, "segmentation": RLE.from_mask(MASK).to_coco(), **ABOUT_OBJECT}
    text = {
        "info": INFO,
        "licenses": LICENSES,
        "images": [{"id": 3, "file_name": "1.png", "height": HW[0], "width": HW[1], **ABOUT_IMAGE}],
        "annotations": [row],
        "categories": [{"id": 5, "name": "buoy", "supercategory": "mark"}],
    }
    write(folder / document, text | changes)
    return folder


def labelme(folder: Path, *shapes: dict[str, Any]) -> Path:
    image(folder / "1.png")
    shape = {"label": "buoy", "points": [[4, 3], [14, 9]], "shape_type": "rectangle", "group_id": 1}
    text = {
        "version": "5.5.0",
        "flags": {"fog": True, "night": False},
        "shapes": [shape | one for one in shapes],
        "imagePath": "1.png",
        "imageData": None,
        "imageHeight": HW[0],
        "imageWidth": HW[1],
        "reviewer": "Ada",
    }
    write(folder / "1.json", text)
    return folder


@pytest.mark.parametrize("to", ["coco", "lvis", "panoptic"])
def test_coco_keeps_what_is_said_of_all_of_images_and_of_objects(tmp_path: Path, to: str) -> None:
    done = convert(read_dataset(coco(tmp_path / "from")), tmp_path / "to", to)
    again = convert(read_dataset(tmp_path / "to"), tmp_path / "again", to)
    assert not done.report.left_out and not again.report.left_out
    document = json.loads((tmp_path / "again" / (FORMATS[to].index or "")).read_text()) if to != "coco" else None
    document = document or json.loads((tmp_path / "again" / "instances.json").read_text())
    assert {key: document["info"][key] for key in INFO} == INFO and document["licenses"] == LICENSES
    [row] = document["images"]
    assert {key: row[key] for key in ABOUT_IMAGE} == ABOUT_IMAGE
    [category] = document["categories"]
    assert category["supercategory"] == "mark"
    [found] = document["annotations"]
    found = found["segments_info"][0] if to == "panoptic" else found
    assert {key: found[key] for key in ABOUT_OBJECT} == ABOUT_OBJECT


def test_where_images_were_is_not_kept_as_info_of_the_data(tmp_path: Path) -> None:
    ours = {"description": "Written by sampipe", "image_root": "../images"}
    assert read_dataset(coco(tmp_path / "from", info=ours)).extra == {"licenses": LICENSES}
    convert(read_dataset(coco(tmp_path / "text", info="Buoys, 2031")), tmp_path / "of-text")
    assert json.loads((tmp_path / "of-text" / "instances.json").read_text())["info"]["note"] == "Buoys, 2031"


@pytest.mark.parametrize("to", [name for name in WRITABLE if name not in ("coco", "lvis", "panoptic")])
def test_other_formats_tell_what_they_cannot_hold(tmp_path: Path, to: str) -> None:
    told = convert(read_dataset(coco(tmp_path / "from")), tmp_path / "to", to).report.lines()
    assert any("images come with info, licenses, which the format cannot hold" in line for line in told)
    assert any(
        "images have categories with supercategory, which the format cannot hold (buoy)" in line for line in told
    )
    writer = FORMATS[to].writer
    assert writer is not None
    of_image = "image has coco_url, date_captured, license, which the format cannot hold (1.png)"
    assert any(of_image in line for line in told) is not writer.holds_extra_of_images
    of_object = "image has objects with attributes, note, which the format cannot hold (1.png: object 9)"
    assert any(of_object in line for line in told) is not writer.holds_extra
    if FORMATS[to].read is not None:  # what is held is there when it is read again
        [found] = [reads() for reads in read_dataset(tmp_path / "to").images]
        if writer.holds_extra_of_images:
            assert found.extra == ABOUT_IMAGE
        if writer.holds_extra:
            as_text = {"attributes": '{"lit": true}', "note": "turned over"}
            assert found.objects[0].extra == (as_text if to == "masks" else ABOUT_OBJECT)


def test_flags_and_descriptions_of_labelme_stay(tmp_path: Path) -> None:
    shape = {"flags": {"occluded": True}, "description": "by the pier"}
    folder = labelme(tmp_path / "from", shape, {"group_id": None, "flags": {}, "description": ""})
    done = convert(read_dataset(folder), tmp_path / "to", "labelme")
    assert not done.report.left_out
    document = json.loads((tmp_path / "to" / "1.json").read_text())
    assert (document["flags"], document["reviewer"]) == ({"fog": True, "night": False}, "Ada")
    assert [(one["flags"], one["description"]) for one in document["shapes"]] == [
        ({"occluded": True}, "by the pier"),
        ({}, ""),
    ]
    convert(read_dataset(folder), tmp_path / "coco")
    convert(read_dataset(tmp_path / "coco"), tmp_path / "back", "labelme")
    assert json.loads((tmp_path / "back" / "1.json").read_text())["shapes"][0]["flags"] == {"occluded": True}
    told = convert(read_dataset(folder), tmp_path / "voc", "voc").report.lines()
    assert "noted 1: image has flags, reviewer, which the format cannot hold (1.png)" in told


def test_shapes_of_one_object_that_disagree_are_told_of(tmp_path: Path) -> None:
    folder = labelme(tmp_path / "from", {"flags": {"occluded": True}}, {"flags": {"occluded": False}})
    data = read_dataset(folder)
    [one] = data.images[0]().objects
    assert one.extra == {"flags": {"occluded": True}}
    assert "image has shapes of one object with different fields" in data.report.lines()[1]


def test_flags_that_labelme_could_not_open_get_another_name(tmp_path: Path) -> None:
    row = {"id": 9, "image_id": 3, "category_id": 5, "segmentation": RLE.from_mask(MASK).to_coco(), "flags": 3}
    convert(read_dataset(coco(tmp_path / "from", annotations=[row])), tmp_path / "to", "labelme")
    [shape] = json.loads((tmp_path / "to" / "1.json").read_text())["shapes"]
    assert (shape["flags"], shape["other_flags"]) == ({}, 3)


def test_splits_keep_what_they_agree_on(tmp_path: Path) -> None:
    coco(tmp_path, "annotations/instances_a.json", "a")
    coco(tmp_path, "annotations/instances_b.json", "b", info={"year": 1})
    data = read_dataset(tmp_path)
    assert data.extra == {"info": INFO, "licenses": LICENSES}
    told = f"noted 1: images of several documents, of which one info is kept ({tmp_path}/annotations/instances_b.json)"
    assert data.report.lines()[1:] == [told]


def test_nonsense_in_what_is_said_of_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"instances\.json: licenses\[0\]: id: got nan, wanted a finite number"):
        read_dataset(coco(tmp_path, licenses=[{"id": float("nan")}]))


def test_fields_of_xml_and_of_tables_come_along(tmp_path: Path) -> None:
    image(tmp_path / "cvat" / "images" / "1.png")
    shape = '<box label="buoy" occluded="1" z_order="0" group_id="7" xtl="4" ytl="3" xbr="14" ybr="9"/>'
    head = f'<image id="0" name="1.png" width="{HW[1]}" height="{HW[0]}">'
    (tmp_path / "cvat" / "annotations.xml").write_text(f"<annotations>{head}{shape}</image></annotations>")
    assert read_dataset(tmp_path / "cvat").images[0]().objects[0].extra == {"occluded": "1", "group_id": "7"}
    image(tmp_path / "voc" / "JPEGImages" / "1.png")
    (tmp_path / "voc" / "Annotations").mkdir()
    one = "<object><name>buoy</name><pose>Unspecified</pose><truncated>0</truncated><difficult>1</difficult>{}</object>"
    box = "<bndbox><xmin>5</xmin><ymin>4</ymin><xmax>14</xmax><ymax>9</ymax></bndbox>"
    part = f"<part><name>lamp</name>{box}</part>"
    text = f"<annotation><filename>1.png</filename>{one.format(box + part)}</annotation>"
    (tmp_path / "voc" / "Annotations" / "1.xml").write_text(text)
    data = read_dataset(tmp_path / "voc")
    assert data.images[0]().objects[0].extra == {"difficult": "1"}
    assert "left out 1: a part of an object" in data.report.lines()[1] and data.report.lost == 0
    image(tmp_path / "csv" / "1.png")
    (tmp_path / "csv" / "boxes.csv").write_text("image,x0,y0,x1,y1,depth,tide\n1.png,4,3,14,9,2,low\n")
    assert "images come with depth, tide, columns that are not read" in str(read_dataset(tmp_path / "csv").report)


def test_a_mask_that_a_table_lists_twice_is_refused(tmp_path: Path) -> None:
    image(tmp_path / "images" / "1.png")
    (tmp_path / "1").mkdir()
    Pillow.fromarray(MASK).save(tmp_path / "1" / "0.png")
    (tmp_path / "1" / "metadata.csv").write_text("id,point_input_x\n0,7\n0,8\n")
    with pytest.raises(DataError, match=r"line 3: the id 0 of a mask is there already: .*metadata\.csv: line 2"):
        read_dataset(tmp_path).images[0]()
