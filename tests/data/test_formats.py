"""Every format that is written and read gives back what it can hold; what it cannot is counted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.convert import convert
from sampipe.data.formats import FORMATS, WRITABLE, format_of, read_dataset, read_images
from sampipe.errors import DataError
from sampipe.nodes import SaveCoco
from sampipe.types import RLE, Image, Masks

HW = (24, 36)
RING = np.zeros(HW, bool)
RING[2:14, 3:17] = True
RING[6:9, 7:11] = False
BAR = np.zeros(HW, bool)
BAR[15:21, 20:33] = True
BOTH = [name for name in WRITABLE if FORMATS[name].read is not None]
NAMELESS = {"davis", "png", "sa1b"}  # formats without names of categories
BOXES_ONLY = {"csv"}
WITH_IDS = {"coco", "lvis", "panoptic", "csv", "parquet"}


def coco(folder: Path, **changes: Any) -> Path:
    """Two images of one name in two folders, and one of background; three categories, of which two are used."""
    names = ["p/one.png", "q/one.png", "sky.png"]
    for name in names:
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", HW[::-1]).save(folder / "images" / name)
    rows = [
        {"id": 31, "image_id": 4, "category_id": 12, "segmentation": RLE.from_mask(RING).to_coco()},
        {"id": 8, "image_id": 5, "category_id": 3, "segmentation": RLE.from_mask(BAR).to_coco()},
    ]
    document = {
        "images": [{"id": 4 + k, "file_name": n, "height": HW[0], "width": HW[1]} for k, n in enumerate(names)],
        "annotations": rows,
        "categories": [{"id": 12, "name": "ring"}, {"id": 3, "name": "bar"}, {"id": 7, "name": "unused"}],
    }
    (folder / "instances.json").write_text(json.dumps(document | changes))
    return folder


@pytest.mark.parametrize("name", BOTH)
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    source = read_dataset(coco(tmp_path / "from"))
    done = convert(source, tmp_path / "to", name)
    assert (done.images, done.objects, done.report.lost) == (3, 2, 0)
    assert format_of(tmp_path / "to") == name
    data = read_dataset(tmp_path / "to")
    images = {image.name: image for image in (reads() for reads in data.images)}
    wanted = {"p/one.png": ("ring", 12, RING), "q/one.png": ("bar", 3, BAR)}
    assert set(images) == set(wanted) | (set() if name in BOXES_ONLY else {"sky.png"})
    assert all(image.path.is_file() and image.open().hw == HW for image in images.values())
    for key, (category, number, mask) in wanted.items():
        [found] = images[key].objects
        assert found.xyxy == tuple(RLE.from_mask(mask).box.tolist())
        if name not in BOXES_ONLY:
            np.testing.assert_array_equal(found.mask.decode(), mask)
        assert found.category == ("object" if name in NAMELESS else category)
        assert found.category_id == number or name not in WITH_IDS
    assert data.report.lost == 0


def test_categories_keep_ids_also_unused_and_of_one_name(tmp_path: Path) -> None:
    categories = [
        {"id": 12, "name": "ring"},
        {"id": 3, "name": "ring", "supercategory": "jewel"},
        {"id": 1, "name": "x"},
    ]
    convert(read_dataset(coco(tmp_path / "from", categories=categories)), tmp_path / "to", "coco")
    document = json.loads((tmp_path / "to" / "instances.json").read_text())
    assert document["categories"] == sorted(categories, key=lambda row: row["id"])
    assert [row["category_id"] for row in document["annotations"]] == [12, 3]


def test_crowds_stay_crowds_or_are_counted(tmp_path: Path) -> None:
    crowd = {"segmentation": {"size": [*HW], "counts": [30, 40, HW[0] * HW[1] - 70]}, "iscrowd": 1}
    rows = [{"id": 1, "image_id": 4, "category_id": 3, **crowd}]
    folder = coco(tmp_path / "from", annotations=rows)
    convert(read_dataset(folder), tmp_path / "coco", "coco")
    assert json.loads((tmp_path / "coco" / "instances.json").read_text())["annotations"][0]["iscrowd"] == 1
    done = convert(read_dataset(folder), tmp_path / "yolo", "yolo")
    assert done.objects == 0
    assert "left out 1: a crowd, which the format written cannot hold (p/one.png: object 1)" in done.report.lines()
    with pytest.raises(DataError, match="left out 1: a crowd"):
        read_images(folder)


def test_a_new_format_needs_no_other_file() -> None:
    import sampipe.data.formats as register
    from sampipe.cli import _saving

    text = Path(register.__file__).read_text(encoding="utf-8")
    assert all(f"    {Path(str(name)).stem}," in text for name in ("geojson", "labelme", "panoptic"))
    assert set(_saving.kinds()) == {"overlay", "blur", "pixelate", *WRITABLE}


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"segmentation": [[1, 1, 9, 1, float("nan"), 9]]}, r"annotations\[0\]: segmentation\[0\]\[4\]: got nan"),
    ({"segmentation": [[1, 1, 9, 1, 3e8, 9]]}, r"annotations\[0\]: segmentation\[0\]\[4\]: got 300000000.0"),
    ({"segmentation": [[1, 1, 9]]}, "three or more x, y pairs"),
    ({"segmentation": "ring"}, "segmentation: got 'ring', wanted a list of polygons"),
    ({"segmentation": {"size": [5, 5], "counts": [25]}}, r"its mask is \(5, 5\), its image \(24, 36\)"),
    ({"bbox": [1, 2, 3]}, "bbox: got .* wanted 4 numbers"),
    ({"bbox": [1, 2, -3, 4]}, "not negative"),
    ({"iscrowd": "yes"}, "iscrowd: got 'yes', wanted 0 or 1"),
    ({"category_id": 99}, "category_id is 99, and the file has no such category"),
    ({"image_id": 77}, "image_id is 77: belongs to no image"),
    ({"score": float("inf")}, "score: got inf, wanted a finite number"),
    ({"id": None}, "id: got None, wanted a value"),
    ({"id": [1]}, "as an id"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_a_bad_row_is_named_before_anything_is_made_of_it(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    row = {"id": 1, "image_id": 4, "category_id": 3, "segmentation": [[1, 1, 9, 1, 9, 9]]}
    with pytest.raises(DataError, match=message) as raised:
        read_dataset(coco(tmp_path, annotations=[row | change]))
    assert "instances.json" in str(raised.value)


def test_ids_of_another_type_are_found_and_doubles_refused(tmp_path: Path) -> None:
    row = {"id": "k", "image_id": "5", "category_id": 3.0, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]]}
    [image] = read_images(coco(tmp_path / "a", annotations=[row]))
    assert (image.name, image.objects[0].category, image.objects[0].id) == ("q/one.png", "bar", "k")
    with pytest.raises(DataError, match=r"annotations\[1\]: the id '8'.*is there already: .*annotations\[0\]"):
        read_dataset(coco(tmp_path / "b", annotations=[row | {"id": 8}, row | {"id": "8"}]))


def test_polygons_beside_the_image_are_cut_and_counted(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "image_id": 4, "category_id": 3, "segmentation": [[-9, 2, 5, 2, 5, 6, -9, 6]]},
        {"id": 2, "image_id": 4, "category_id": 3, "segmentation": [[-9, 2, -5, 2, -5, 6, -9, 6]]},
    ]
    folder = coco(tmp_path, annotations=rows)
    [image] = read_images(folder)
    assert [one.mask.area for one in image.objects] == [20]
    data = read_dataset(folder)
    assert [one.mask.area for one in data.images[0]().objects] == [20, 0]


def test_encodings(tmp_path: Path) -> None:
    file = coco(tmp_path) / "instances.json"
    text = file.read_text().replace("unused", "Straße")
    file.write_bytes(text.encode("utf-8-sig"))
    assert read_dataset(tmp_path).categories[-1].name == "Straße"
    for encoding, said in (("utf-16", "UTF-16"), ("latin-1", "Latin-1")):
        file.write_bytes(text.encode(encoding))
        with pytest.raises(DataError, match=rf"instances\.json: .*{said}"):
            read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0 12 4 30 4 30 18", r"a\.txt: line 1 holds 30: these look like pixels"),
        ("0 0.1 0.1 0.4 0.1 0.4\n", "line 1 has 5 numbers"),
        ("\n0 0.1 nan 0.4 0.1 0.4 0.4", "line 2 is not a class"),
        ("1.5 0.1 0.1 0.4 0.1 0.4 0.4", "line 1 is not a class"),
        ("7 0.1 0.1 0.4 0.1 0.4 0.4", "line 1 is of class 7, and the names end at 1"),
    ],
)
def test_yolo_lines(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    Pillow.new("RGB", HW[::-1]).save(tmp_path / "images" / "a.png")
    (tmp_path / "classes.txt").write_text("ring\nbar\n")
    (tmp_path / "labels" / "a.txt").write_text(lines)
    with pytest.raises(DataError, match=message):
        read_images(tmp_path)


def test_shares_are_of_the_image_as_it_is_seen(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 8
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    Pillow.new("RGB", (50, 20)).save(tmp_path / "images" / "a.jpg", exif=exif)
    (tmp_path / "labels" / "a.txt").write_text("0 0 0 0.5 0 0.5 0.5 0 0.5\n")
    [image] = read_images(tmp_path)
    assert image.hw == image.open().hw == (50, 20)
    assert image.objects[0].xyxy == (0, 0, 10, 25)


def test_binary_masks_are_objects_and_void_beside_numbers_is_not(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for name, pixels in (("a", RING * 255), ("b", np.where(RING, 2, np.where(BAR, 255, 0)))):
        Pillow.new("RGB", HW[::-1]).save(tmp_path / "images" / f"{name}.png")
        Pillow.fromarray(pixels.astype(np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    assert [[one.mask.area for one in image.objects] for image in read_images(tmp_path)] == [[RING.sum()]] * 2


def test_an_image_of_another_suffix_is_found_once(tmp_path: Path) -> None:
    """The folder of images lies in the folder of the data set, and the same file is no second candidate."""
    folder = coco(tmp_path)
    (folder / "images" / "sky.png").rename(folder / "images" / "sky.jpeg")
    assert [reads().path.name for reads in read_dataset(folder).images] == ["one.png", "one.png", "sky.jpeg"]


def test_a_map_of_segments_is_not_taken_for_its_image(tmp_path: Path) -> None:
    convert(read_dataset(coco(tmp_path / "from")), tmp_path / "to", "panoptic")
    (tmp_path / "to" / "images" / "sky.png").unlink()
    data = read_dataset(tmp_path / "to")
    assert not data.images[2]().path.exists()
    assert data.report.lines()[1:] == ["noted 1: image file is not there (sky.png)"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('sky.png,1,1,5,5,"ring\nsky.png,2,2,7,7,bar\n', "line 2: cannot be read as CSV: unexpected end of data"),
        ("sky.png,1,1,5,5,ring,0.5\n", "line 2: more cells than the 6 columns"),
        ("sky.png,1,one,5,5,ring\n", "line 2: y0: got 'one', wanted a number"),
    ],
)
def test_a_table_swallows_no_line(tmp_path: Path, line: str, message: str) -> None:
    (coco(tmp_path) / "boxes.csv").write_text(f"image,x0,y0,x1,y1,label\n{line}")
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path, "csv")


def test_readers_do_not_depend_on_what_another_library_put_into_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ultralytics replaces Pillow's ``open`` by one that installs packages where an image is damaged."""
    convert(read_dataset(coco(tmp_path / "from")), tmp_path / "to", "panoptic")
    (tmp_path / "to" / "panoptic" / "sky.png").write_bytes(b"no image")
    monkeypatch.setattr(Pillow, "open", lambda *args, **kwargs: pytest.fail("asked"))
    with pytest.raises(DataError, match=r"panoptic/sky\.png is not an image"):
        read_images(tmp_path / "to", "panoptic")


def test_the_page_has_the_table_of_the_register() -> None:
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    told = {row[1].strip("`"): row for row in rows[2:]}
    assert set(told) == set(FORMATS)
    for name, (_, _, reads, writes, cannot_hold, opened_by) in told.items():
        known = FORMATS[name]
        assert bool(reads) == (known.read is not None or name == "coco_results")
        assert bool(writes) == (known.writer is not None)
        assert (cannot_hold, opened_by) == (known.cannot_hold, known.opened_by)


def test_the_rows_of_a_job_are_read_by_what_their_columns_are(tmp_path: Path) -> None:
    """Lists of notes come before the masks, and a second output is told of."""
    import pyarrow as pa
    from pyarrow import parquet

    from sampipe.data.parquet import records_of, records_type

    image = read_images(coco(tmp_path / "from"))[0]
    row = {"path": str(image.path), "error": None, "height": HW[0], "width": HW[1], "notes": ["a box was cut"]}
    fields = [("path", pa.string()), ("error", pa.string()), ("height", pa.int32()), ("width", pa.int32())]
    fields += [("notes", pa.list_(pa.string())), ("masks", records_type()), ("parts", records_type())]
    records = records_of(image.masks())
    table = pa.Table.from_pylist([row | {"masks": records, "parts": records}], schema=pa.schema(fields))
    (tmp_path / "job" / "rows").mkdir(parents=True)
    parquet.write_table(table, tmp_path / "job" / "rows" / "part-00000.parquet")
    data = read_dataset(tmp_path / "job")
    np.testing.assert_array_equal(data.images[0]().objects[0].mask.decode(), RING)
    assert "image masks of another output" in data.report.lines()[-1] and data.report.lost == 0
    parquet.write_table(table.drop_columns(["masks", "parts"]), tmp_path / "job" / "rows" / "part-00000.parquet")
    with pytest.raises(DataError, match=r"part-00000\.parquet: no column of masks"):
        read_dataset(tmp_path / "job")


def test_a_name_that_is_no_unicode_costs_its_image(tmp_path: Path) -> None:
    folder = coco(tmp_path / "from")
    odd = os.fsdecode(b"caf\xe9.png")
    (folder / "images" / "p" / "one.png").rename(folder / "images" / odd)
    document = json.loads((folder / "instances.json").read_text())
    document["images"][0]["file_name"] = odd
    (folder / "instances.json").write_text(json.dumps(document))
    data = read_dataset(folder)
    assert data.images[0]().path.is_file()
    done = convert(read_dataset(folder), tmp_path / "to", "coco")
    assert (done.images, done.objects, done.report.lost) == (2, 1, 0)
    assert any("caf\\xe9.png: the name is no UTF-8" in line for line in done.report.lines())


@pytest.mark.parametrize("key", [0, 2**31, 2**63, 10**25, -4, "c-1"])
def test_ids_of_every_kind_pass_through_every_format(tmp_path: Path, key: int | str) -> None:
    """They stay where the format holds ids, and break nothing elsewhere."""
    row = {"id": 31, "image_id": 4, "category_id": key, "segmentation": RLE.from_mask(RING).to_coco()}
    folder = coco(tmp_path / "from", annotations=[row], categories=[{"id": key, "name": "ring"}])
    for name in BOTH:
        assert convert(read_dataset(folder), tmp_path / name, name).objects == 1
        [one] = [one for reads in read_dataset(tmp_path / name).images for one in reads().objects]
        holds = name in WITH_IDS - {"parquet"} or (name == "parquet" and isinstance(key, int) and 0 <= key < 2**63)
        assert not holds or one.category_id == key, name


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("yolo", {"tolerance": "abc"}, "yolo: option tolerance: got 'abc'. Input should be a valid number"),
        ("yolo", {"tolerance": -1}, "tolerance: got -1. Input should be greater than or equal to 0"),
        ("svg", {"tolerance": float("nan")}, "tolerance: got nan. Input should be a finite number"),
        ("geojson", {"transform": [1, 2]}, r"transform: got \[1, 2\]. Tuple should have at least 6 items"),
        ("geojson", {"transform": "x"}, "transform: got 'x'. Input should be a valid tuple"),
        ("coco", {"file": "../../evil.json"}, "file: got '../../evil.json'. Wanted a file in the folder"),
        ("coco", {"file": 5}, "file: got 5. Input should be a valid string"),
        ("labelme", {"polygons": "maybe"}, "polygons: got 'maybe'. Input should be a valid boolean"),
        ("cutouts", {"margin": 1.5}, "margin: got 1.5. Input should be a valid integer"),
        ("voc", {"tolerance": 1}, "voc has no option 'tolerance'; it has none"),
    ],
)
def test_options_are_checked_before_anything_is_written(
    tmp_path: Path, name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        convert(read_dataset(coco(tmp_path / "from")), tmp_path / "to" / "in", name, options=options)
    assert not (tmp_path / "to").exists() and not (tmp_path / "evil.json").exists()


def test_coco_keeps_the_ids_of_tracks(tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 8)).save(tmp_path / "a.png")
    masks = Masks.from_rle([RLE.from_mask(np.eye(8, dtype=bool))], (8, 8))
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    node.run(
        Image.open(tmp_path / "a.png"), masks.with_prompts(masks.prompts.replace(track_ids=np.array([7], np.int64)))
    )
    node.flush()
    [reads] = read_dataset(tmp_path).images
    assert reads().objects[0].track_id == 7
    assert reads().masks().prompts.track_ids.tolist() == [7]  # type: ignore[union-attr]
