"""What shapes and files of other programs mean: none is taken for another, and what is not read is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage, Dataset
from sampipe.data.convert import convert
from sampipe.data.cvat import read_cvat
from sampipe.data.formats import read_dataset
from sampipe.data.label_studio import encode_brush
from sampipe.data.svg import read_svg
from sampipe.errors import DataError
from sampipe.types import RLE

HW = (40, 60)


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", HW[::-1]).save(path)
    return path


def read(folder: Path, name: str = "auto") -> tuple[list[AnnotatedImage], list[str]]:
    data: Dataset = read_dataset(folder, name)
    images = [reads() for reads in data.images]
    assert not data.report.lost
    return images, data.report.lines()


def test_turned_boxes_and_ellipses_of_cvat() -> None:
    """CVAT turns clockwise about the middle: 20 x 10 by 90 degrees is 10 x 20."""
    box = '<box label="a" xtl="20" ytl="15" xbr="40" ybr="25" rotation="90"/>'
    ellipse = '<ellipse label="b" cx="30" cy="20" rx="20" ry="10"/><ellipse label="b" cx="30" cy="20" rx="8" ry="8"/>'
    shapes = f'{box}{ellipse}<tag label="indoors"/><polyline label="c" points="1,1;2,2"/>'
    text = f'<annotations><image id="0" name="a.png" width="60" height="40">{shapes}</image></annotations>'
    masks = [rle.decode() for rle in read_cvat(text)["a.png"].rle()]
    wanted = np.zeros(HW, bool)
    wanted[10:30, 25:35] = True
    np.testing.assert_array_equal(masks[0], wanted)
    assert abs(masks[1].sum() / (np.pi * 200) - 1) < 0.02 and abs(masks[2].sum() / (np.pi * 64) - 1) < 0.05


def test_attributes_of_cvat_go_along_to_coco(tmp_path: Path) -> None:
    photo(tmp_path / "cvat" / "images" / "a.png")
    shape = (
        '<box label="car" xtl="1" ytl="1" xbr="9" ybr="9"><attribute name="color">red</attribute></box><tag label="x"/>'
    )
    text = f'<annotations><image id="0" name="a.png" width="60" height="40">{shape}</image></annotations>'
    (tmp_path / "cvat" / "annotations.xml").write_text(text)
    done = convert(read_dataset(tmp_path / "cvat"), tmp_path / "coco")
    [row] = json.loads((tmp_path / "coco" / "instances.json").read_text())["annotations"]
    assert row["attributes"] == {"color": "red"}
    assert any("left out 1: a CVAT <tag>" in line for line in done.report.lines())


def test_yolo_boxes_with_key_points_are_boxes(tmp_path: Path) -> None:
    """Seventeen points without visibility are as many numbers as an outline's."""
    photo(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.5 0.5 {' '.join(['0.1', '0.9'] * 17)}\n")
    (tmp_path / "data.yaml").write_text("names: [person]\nkpt_shape: [17, 2]\n")
    [image], lines = read(tmp_path)
    assert image.objects[0].xyxy == (15, 10, 45, 30) and image.objects[0].box_only
    assert lines[1:] == ["noted 1: image has key points, which are not read (a.png)"]


def test_splits_of_yolo_keep_images_of_one_name_apart(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        photo(tmp_path / split / "images" / "a.png")
        (tmp_path / split / "labels").mkdir()
        (tmp_path / split / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    assert [image.name for image in read(tmp_path)[0]] == ["train/a.png", "valid/a.png"]


@pytest.mark.parametrize("name", ["voc", "davis"])
def test_images_without_a_map_are_told_of(tmp_path: Path, name: str) -> None:
    maps = tmp_path / ("SegmentationObject" if name == "voc" else "Annotations")
    maps.mkdir()
    for stem in "ab":
        photo(tmp_path / "JPEGImages" / f"{stem}.png")
    Pillow.new("L", HW[::-1]).save(maps / "a.png")
    lines = read(tmp_path, name)[1]
    assert lines[1:] == [f"noted 1: image without a label map ({tmp_path / 'JPEGImages' / 'b.png'})"]


def test_masks_that_no_table_lists_are_counted(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "a.png")
    (tmp_path / "a").mkdir()
    for number in range(3):
        Pillow.new("L", HW[::-1], 255).save(tmp_path / "a" / f"{number}.png")
    (tmp_path / "a" / "metadata.csv").write_text("id\n0\n2\n")
    [image], lines = read(tmp_path, "masks")
    assert len(image.objects) == 2
    assert lines[1:] == [f"left out 1: a mask that metadata.csv does not list ({tmp_path / 'a' / '1.png'})"]


def test_segments_that_no_row_lists_are_counted(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        photo(tmp_path / "images" / name)
    colors = np.zeros((*HW, 3), np.uint8)
    colors[:5, :, 0], colors[9:, :, 0] = 1, 2
    (tmp_path / "panoptic").mkdir()
    Pillow.fromarray(colors).save(tmp_path / "panoptic" / "a.png")
    segment = {"id": 1, "category_id": 1}
    document = {
        "images": [{"id": k, "file_name": n, "height": HW[0], "width": HW[1]} for k, n in ((1, "a.png"), (2, "b.png"))],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": [segment]}],
        "categories": [{"id": 1, "name": "sky"}],
    }
    (tmp_path / "panoptic.json").write_text(json.dumps(document))
    [image], lines = read(tmp_path)
    assert [one.mask.area for one in image.objects] == [300] and len(lines) == 3
    assert any("left out 1: a segment of the map that is not listed" in line for line in lines)
    assert any("noted 1: image without a row of annotations" in line for line in lines)
    document["annotations"][0]["segments_info"] = [segment, segment]  # type: ignore[index]
    (tmp_path / "panoptic.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"segments_info\[1\]: the id 1 of a segment is there already"):
        read_dataset(tmp_path)


def test_of_an_edited_svg_only_plain_paths_are_read(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    path = '<path d="M1,1 L9,1 L9,9 Z"/>'
    odd = f'<g>{path}</g><rect width="5" height="5"/><path transform="scale(2)" d="M1,1 L9,1 L9,9 Z"/><title>x</title>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"'
    (tmp_path / "a.svg").write_text(f"{head}>{path}{odd}</svg>")
    [image], lines = read(tmp_path)
    assert len(image.objects) == 1 and sorted(line.split(" (")[0] for line in lines[1:]) == [
        "left out 1: an SVG <g>",
        "left out 1: an SVG <path> with a transform",
        "left out 1: an SVG <rect>",
    ]
    with pytest.raises(DataError, match="viewBox: got '0 0 600 400', wanted 0 0 60 40"):
        read_svg(f'{head} viewBox="0 0 600 400">{path}</svg>')


def test_features_without_an_area_and_images_nobody_looked_at(tmp_path: Path) -> None:
    for stem in "ab":
        photo(tmp_path / f"{stem}.png")
    square = [[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]
    geometries = [
        {"type": "Point", "coordinates": [1, 1]},
        {"type": "LineString", "coordinates": square},
        {"type": "Polygon", "coordinates": [square]},
    ]
    features = [{"type": "Feature", "properties": {}, "geometry": one} for one in geometries]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    [image], lines = read(tmp_path)
    assert [one.mask.area for one in image.objects] == [64]
    assert [line.split(" (")[0] for line in lines[1:]] == [
        "left out 1: a LineString, which covers no area",
        "left out 1: a Point, which covers no area",
        "noted 1: image that no file of annotations is named after",
    ]


def test_label_studio_names_its_image_and_turned_views_are_told_of(tmp_path: Path) -> None:
    photo(tmp_path / "b.png")
    mask = np.zeros(HW, bool)
    mask[2:9, 3:7] = True
    value = {"format": "rle", "rle": encode_brush(mask), "brushlabels": ["cup"]}
    region = {"type": "brushlabels", "original_width": 60, "original_height": 40, "value": value}
    results = [region, {**region, "image_rotation": 90}]
    task = {
        "data": {"id": "7", "note": "a text", "photo": "/data/upload/2/b.png"},
        "annotations": [{"result": results}],
    }
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    [image], lines = read(tmp_path)
    assert image.path == tmp_path / "b.png" and [one.mask for one in image.objects] == [RLE.from_mask(mask)]
    assert lines[1].startswith("left out 1: a Label Studio region of a turned image")


def test_annotations_of_another_size_cost_their_image(tmp_path: Path) -> None:
    """Sizes as stored, while the file is turned: masks would lie elsewhere."""
    turned = Pillow.Exif()
    turned[0x0112] = 6
    (tmp_path / "images").mkdir()
    for name, exif in (("a.jpg", turned), ("b.jpg", Pillow.Exif())):
        Pillow.new("RGB", HW[::-1]).save(tmp_path / "images" / name, exif=exif.tobytes())
    images = [{"id": k, "file_name": n, "height": HW[0], "width": HW[1]} for k, n in ((1, "a.jpg"), (2, "b.jpg"))]
    document = {"images": images, "annotations": [], "categories": []}
    (tmp_path / "instances.json").write_text(json.dumps(document))
    done = convert(read_dataset(tmp_path), tmp_path / "to", "yolo")
    assert (done.images, done.failed) == (1, 1)
    assert any("a.jpg: the file is (60, 40), its annotations (40, 60)" in line for line in done.report.lines())


def test_formulas_are_told_of(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "a.png")
    row = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}
    image = {"id": 1, "file_name": "a.png", "height": HW[0], "width": HW[1]}
    document = {"images": [image], "annotations": [row], "categories": [{"id": 1, "name": '=HYPERLINK("x")'}]}
    (tmp_path / "instances.json").write_text(json.dumps(document))
    done = convert(read_dataset(tmp_path), tmp_path / "to", "csv")
    assert "noted 1: image has a name or label that a spreadsheet takes for a formula (a.png)" in done.report.lines()
    assert [one.category for one in read(tmp_path / "to")[0][0].objects] == ['=HYPERLINK("x")']


def one_box(folder: Path, yaml: str) -> Path:
    photo(folder / "images" / "a.png")
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (folder / "data.yaml").write_text(yaml)
    return folder


@pytest.mark.parametrize(
    ("yaml", "name"),
    [("names: {0: no}", "no"), ("names: [null]", "null"), ("names: ['1.0']", "1.0"), ("names: {'0': 7}", "7")],
)
def test_names_of_classes_are_text_whatever_yaml_takes_them_for(tmp_path: Path, yaml: str, name: str) -> None:
    assert read(one_box(tmp_path, yaml))[0][0].objects[0].category == name


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("names: cup", "names: got 'cup', wanted a list of names"),
        ("names:", "names: got '', wanted a list of names"),
        ("names: [{a: b}]", "names: got {'a': 'b'}, wanted the name of a class"),
        ("names: {1: x, 3: y}", "line 1 is of class 0, and no name has this number"),
        ("nc: 1", "lacks names; it has nc"),
        ("[", "cannot be read as YAML"),
    ],
)
def test_what_is_no_list_of_names(tmp_path: Path, yaml: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(one_box(tmp_path, yaml))


def test_voc_pairs_by_stem_where_the_name_is_wrong(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages" / "a.png")
    (tmp_path / "Annotations").mkdir()
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
    for name in ("<filename>renamed.jpg</filename>", "<filename>a</filename>", "", "<filename>C:\\x\\a.png</filename>"):
        text = f"<annotation>{name}<object><name>cup</name>{box}</object></annotation>"  # nor does it say the size
        (tmp_path / "Annotations" / "a.xml").write_text(text)
        [image], lines = read(tmp_path)
        assert (image.name, image.hw, len(lines)) == ("a.png", HW, 1)
        assert image.objects[0].mask.area == 25
    (tmp_path / "Annotations" / "a.xml").write_text("<!DOCTYPE a []><annotation/>")
    with pytest.raises(DataError, match=r"Annotations/a\.xml: the XML declares a document type"):
        read(tmp_path)


def test_a_table_names_each_column_once(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "boxes.csv").write_text("image,x0,y0,x1,y1,x0\na.png,1,2,3,4,9\n")
    with pytest.raises(DataError, match="names the column x0 twice"):
        read(tmp_path)
    (tmp_path / "boxes.csv").write_text("image,x0,y0,x1,y1,class_id\na.png,1,2,3,4,1.5\n")
    with pytest.raises(DataError, match=r"boxes\.csv: line 2: class_id: got '1.5', wanted a whole number"):
        read(tmp_path)


def test_two_rows_about_one_image_are_two(tmp_path: Path) -> None:
    """CVAT numbers images; jobs merged by hand hold one name twice."""
    photo(tmp_path / "cvat" / "a.png")
    box = '<box label="car" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    image = f'<image id="0" name="a.png" width="60" height="40">{box}</image>'
    (tmp_path / "cvat" / "annotations.xml").write_text(f"<annotations>{image}{image}</annotations>")
    done = convert(read_dataset(tmp_path / "cvat"), tmp_path / "coco")
    found = [reads() for reads in read_dataset(tmp_path / "coco").images]
    assert (done.images, done.objects) == (len(found), sum(len(one.objects) for one in found)) == (2, 2)


@pytest.mark.parametrize("name", ["labelme", "label_studio"])
def test_a_file_that_is_cut_short_is_told_of(tmp_path: Path, name: str) -> None:
    row = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]]}
    images = [{"id": k, "file_name": f"{k}.png", "height": HW[0], "width": HW[1]} for k in (1, 2)]
    for one in images:
        photo(tmp_path / "from" / "images" / str(one["file_name"]))
    document = {"images": images, "annotations": [row], "categories": [{"id": 1, "name": "cup"}]}
    (tmp_path / "from" / "instances.json").write_text(json.dumps(document))
    convert(read_dataset(tmp_path / "from"), tmp_path / "to", name)
    [file] = (tmp_path / "to").glob("1*.json")
    file.write_bytes(file.read_bytes()[:40])
    assert any(
        "noted 1: image may lack its annotations: a JSON file" in line for line in read(tmp_path / "to", name)[1]
    )


def test_a_zero_in_the_name_of_a_mask_is_an_error_of_the_file(tmp_path: Path) -> None:
    from sampipe.measure.faults.foreign import write_miap

    file = write_miap(tmp_path / "miap") / "test-annotations-object-segmentation.csv"
    file.write_text(file.read_text().replace("1.png", "\0"))
    with pytest.raises(DataError, match="cannot be read: embedded null byte"):
        read(tmp_path / "miap", "miap")
