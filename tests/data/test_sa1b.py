from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.formats import read_dataset, read_images
from sampipe.data.sa1b import annotation_files, read_file
from sampipe.errors import DataError
from sampipe.types import RLE


def every_image(folder: Path, name: str = "auto") -> Iterator[AnnotatedImage]:
    return (reads() for reads in read_dataset(folder, name).images)


def square(x: int, y: int, side: int, hw: tuple[int, int] = (40, 60)) -> RLE:
    mask = np.zeros(hw, bool)
    mask[y : y + side, x : x + side] = True
    return RLE.from_mask(mask)


def annotation(number: int, mask: RLE) -> dict[str, Any]:
    """A row with all that SA-1B says of a mask."""
    x0, y0, x1, y1 = mask.box.tolist()
    return {
        "id": 500 + number,
        "segmentation": mask.to_coco(),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": mask.area,
        "predicted_iou": 0.93,
        "stability_score": 0.97,
        "point_coords": [[12.0, 9.0]],
        "crop_box": [0, 0, 60, 40],
    }


def write(folder: Path, number: int, masks: list[RLE]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    image = {"image_id": number, "width": 60, "height": 40, "file_name": f"sa_{number}.jpg"}
    rows = [annotation(i, mask) for i, mask in enumerate(masks)]
    path = folder / f"sa_{number}.json"
    path.write_text(json.dumps({"image": image, "annotations": rows}))
    return path


def test_masks_come_as_they_were_written(tmp_path: Path) -> None:
    masks = [square(2, 3, 10), square(20, 5, 7)]
    write(tmp_path / "sa_000000", 1, masks)
    [picture] = read_images(tmp_path, "sa1b")
    assert picture.path == tmp_path / "sa_000000" / "sa_1.jpg"
    assert [one.mask for one in picture.objects] == masks
    assert [one.id for one in picture.objects] == [500, 501]
    assert picture.objects[0].xyxy == (2, 3, 12, 13)
    assert {one.category for one in picture.objects} == {"object"}


def test_runs_that_are_not_compressed_are_read_too(tmp_path: Path) -> None:
    path = write(tmp_path, 1, [square(2, 3, 10)])
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = {"size": [40, 60], "counts": [41, 2, 40 * 60 - 43]}
    path.write_text(json.dumps(content))
    assert read_file(path).objects[0].mask.area == 2


def test_small_masks_and_pictures_without_any_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, 1, [square(2, 3, 10), square(0, 0, 3)])
    write(tmp_path, 2, [square(0, 0, 9)])
    write(tmp_path, 3, [])
    assert [len(one.objects) for one in read_images(tmp_path, "sa1b", min_area=100)] == [1]
    assert [one.path.stem for one in every_image(tmp_path, "sa1b")] == ["sa_1", "sa_2", "sa_3"]
    assert [one.path.stem for one in read_images(tmp_path, "sa1b")] == ["sa_1", "sa_2"]


def test_limit_draws_with_the_seed_and_opens_only_what_it_draws(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path / f"sa_{number // 10:06}", number, [square(1, 1, 5)])
    drawn = [[one.path.stem for one in read_images(tmp_path, "sa1b", limit=3, seed=seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(names) for names in drawn] == [3, 3, 3]
    for path in annotation_files(tmp_path):
        if path.stem not in drawn[0]:
            path.write_text("{")  # would be an error if it were read
    assert [one.path.stem for one in read_images(tmp_path, "sa1b", limit=3)] == drawn[0]
    with pytest.raises(DataError, match="cannot be read as JSON"):
        read_images(tmp_path, "sa1b")


def test_pictures_come_one_by_one(tmp_path: Path) -> None:
    write(tmp_path, 1, [square(1, 1, 5)])
    write(tmp_path, 2, [square(1, 1, 5)]).write_text("{")
    pictures = every_image(tmp_path, "sa1b")
    assert next(pictures).path.stem == "sa_1"
    with pytest.raises(DataError, match=r"sa_2\.json"):
        next(pictures)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": None}, "not SA-1B's format"),
        ({"image": {"file_name": "sa_1.jpg", "width": 60}}, "not SA-1B's format"),
        ({"annotations": {}}, "not SA-1B's format"),
        ({"annotations": [{"id": 1}]}, r"annotations\[0\] has no run-length segmentation"),
        ({"annotations": [annotation(0, square(1, 1, 5, (40, 61)))]}, r"its mask is \(40, 61\), its image \(40, 60\)"),
        ({"annotations": [{"segmentation": {"size": [40, 60], "counts": [5]}}]}, "the runs cover 5 pixels"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path, 1, [square(2, 3, 10)])
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=rf"sa_1\.json.*{message}"):
        read_file(path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe"])
def test_what_is_no_json_object_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "sa_1.json").write_bytes(data)
    with pytest.raises(DataError, match=r"sa_1\.json"):
        read_images(tmp_path, "sa1b")


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \.json file"):
        read_images(tmp_path, "sa1b")
    with pytest.raises(DataError, match="is no folder"):
        read_images(tmp_path / "missing", "sa1b")
    write(tmp_path, 1, [square(2, 3, 10)])
    with pytest.raises(DataError, match="no annotated mask of at least 1000 px²"):
        read_images(tmp_path, "sa1b", min_area=1000)
    with pytest.raises(DataError, match="limit: got 0"):
        read_images(tmp_path, "sa1b", limit=0)
