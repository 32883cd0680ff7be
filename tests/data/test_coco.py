from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sampipe.data.formats import read_images
from sampipe.errors import DataError
from sampipe.types import RLE


def square(x: int, y: int, side: int, hw: tuple[int, int] = (40, 60)) -> RLE:
    mask = np.zeros(hw, bool)
    mask[y : y + side, x : x + side] = True
    return RLE.from_mask(mask)


def document(images: int = 1) -> dict[str, Any]:
    rows = [{"id": i, "file_name": f"{i}.png", "height": 40, "width": 60} for i in range(1, images + 1)]
    annotations = [
        {
            "id": 10 + row["id"],
            "image_id": row["id"],
            "category_id": 7,
            "iscrowd": 0,
            "bbox": [2, 3, 10, 10],
            "segmentation": square(2, 3, 10).to_coco(),
        }
        for row in rows
    ]
    return {"images": rows, "annotations": annotations, "categories": [{"id": 7, "name": "cat"}]}


def write(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def test_reads_rle_polygons_and_runs_alike(tmp_path: Path) -> None:
    content = document()
    [first] = content["annotations"]
    polygon = {**first, "id": 12, "segmentation": [[2, 3, 12, 3, 12, 13, 2, 13]]}
    runs = {**first, "id": 13, "segmentation": {"size": [2, 2], "counts": [1, 2, 1]}}
    content["images"].append({"id": 2, "file_name": "tiny.png", "height": 2, "width": 2})
    content["annotations"] += [polygon, {**runs, "image_id": 2}]
    (tmp_path / "images").mkdir()
    big, tiny = read_images(write(tmp_path, content))
    assert [item.mask.area for item in big.objects] == [100, 100]
    assert tiny.objects[0].mask.decode().tolist() == [[False, True], [True, False]]
    assert big.path == tmp_path / "images" / "1.png"
    assert big.objects[0].category == "cat"
    assert big.objects[0].xyxy == (2, 3, 12, 13)


def test_photos_may_lie_beside_the_annotations(tmp_path: Path) -> None:
    [picture] = read_images(write(tmp_path, document()))
    assert picture.path == tmp_path / "1.png"


def test_several_polygons_are_one_object(tmp_path: Path) -> None:
    content = document()
    content["annotations"][0]["segmentation"] = [[0, 0, 4, 0, 4, 4, 0, 4], [10, 10, 14, 10, 14, 14, 10, 14]]
    [picture] = read_images(write(tmp_path, content))
    assert picture.objects[0].mask.area == 32


def test_gzip_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "instances.json.gz").write_bytes(gzip.compress(json.dumps(document()).encode()))
    assert len(read_images(tmp_path)) == 1


def test_crowds_objects_without_mask_and_small_masks_are_left_out(tmp_path: Path) -> None:
    content = document(images=4)
    crowd, boxed, small, _ = content["annotations"]
    crowd["iscrowd"] = 1
    del boxed["segmentation"]
    small["segmentation"] = square(2, 3, 9).to_coco()
    small["area"] = 5000  # what counts is the mask
    assert [picture.path.name for picture in read_images(write(tmp_path, content), min_area=100)] == ["4.png"]


def test_without_a_box_the_mask_gives_it(tmp_path: Path) -> None:
    content = document()
    del content["annotations"][0]["bbox"]
    assert read_images(write(tmp_path, content))[0].objects[0].xyxy == (2, 3, 12, 13)


def test_limit_draws_with_the_seed_and_keeps_the_order(tmp_path: Path) -> None:
    write(tmp_path, document(images=20))
    drawn = [[p.path.stem for p in read_images(tmp_path, limit=5, seed=seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(drawn[0], key=int)
    assert len(read_images(tmp_path, limit=100)) == 20


def change(content: dict[str, Any], what: str) -> dict[str, Any]:
    [row] = content["annotations"]
    if what == "no images":
        del content["images"]
    elif what == "no id":
        del row["id"]
    elif what == "another image":
        row["image_id"] = 99
    elif what == "size":
        row["segmentation"] = square(2, 3, 10, hw=(40, 61)).to_coco()
    elif what == "polygon":
        row["segmentation"] = [[1, 2, 3]]
    elif what == "box":
        row["bbox"] = [0, 0, float("nan"), 5]
    elif what == "all small":
        row["segmentation"] = square(2, 3, 1).to_coco()
    return content


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no images", "lacks images"),
        ("no id", r"annotations\[0\]: lacks id;"),
        ("another image", "image_id is 99: belongs to no image"),
        ("size", r"its mask is \(40, 61\), its image \(40, 60\)"),
        ("polygon", "three or more x, y pairs"),
        ("box", "wanted a finite number"),
        ("all small", "no annotated mask of at least 50 px²"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, what: str, message: str) -> None:
    write(tmp_path, change(document(), what))
    with pytest.raises(DataError, match=message):
        read_images(tmp_path, min_area=50)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe"])
def test_what_is_no_json_object_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "instances.json").write_bytes(data)
    with pytest.raises(DataError, match=r"instances\.json"):
        read_images(tmp_path)


def test_a_truncated_gzip_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "instances.json.gz").write_bytes(gzip.compress(json.dumps(document()).encode())[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        read_images(tmp_path)


def test_a_folder_that_is_no_data_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a data set of a known format"):
        read_images(tmp_path)
    with pytest.raises(DataError, match="there is no such folder"):
        read_images(tmp_path / "missing")
