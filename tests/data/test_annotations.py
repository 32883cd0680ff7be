from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up import write_scenes
from PIL import Image as PilImage

from sampipe.data.annotations import read_annotations
from sampipe.errors import DataError


def test_all_images_take_part_also_those_without_objects(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", images=3)
    document = json.loads((folder / "instances.json").read_text())
    document["annotations"] = [row for row in document["annotations"] if row["image_id"] != 2]
    (folder / "instances.json").write_text(json.dumps(document))
    read = read_annotations(folder)
    assert [image.id for image in read.images] == [1, 2, 3]
    assert read.images[1].objects == ()
    assert not read.federated
    assert read.images[0].open().hw == read.images[0].hw


def test_a_draw_takes_its_annotations_along(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", images=5)
    one = read_annotations(folder, limit=2, seed=3)
    assert len(one.images) == 2
    assert {row["image_id"] for row in one.private()["annotations"]} == {1, 2}
    assert one.digest() == read_annotations(folder, limit=2, seed=3).digest()
    assert one.digest() != read_annotations(folder).digest()


@pytest.mark.parametrize("place", ["images", "images/val2017", "val2017"])
def test_lvis_photos_are_found_by_the_end_of_their_address(tmp_path: Path, place: str) -> None:
    folder = write_scenes(tmp_path / "data", images=1, lvis=True)
    photo = next((folder / "images").iterdir())
    (folder / place).mkdir(parents=True, exist_ok=True)
    photo.rename(folder / place / photo.name)
    read = read_annotations(folder)
    assert read.federated
    assert read.images[0].path == folder / place / photo.name
    assert read.images[0].open().hw == read.images[0].hw


def test_another_annotation_file_and_what_it_leaves_out(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", images=1)
    document = json.loads((folder / "instances.json").read_text())
    [first] = [row for row in document["annotations"] if row["id"] == 1]
    wanted = first.pop("area"), first.pop("bbox")
    del first["iscrowd"]
    (folder / "instances.json").rename(tmp_path / "other.json")
    (tmp_path / "other.json").write_text(json.dumps(document | {"annotations": [first]}))
    read = read_annotations(folder, annotations=tmp_path / "other.json")
    [truth] = read.private()["annotations"]
    assert (truth["area"], truth["bbox"]) == wanted
    assert truth["iscrowd"] == 0


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", images=1)
    PilImage.new("RGB", (5, 5)).save(folder / "images" / "000000000001.png")
    with pytest.raises(DataError, match=r"the file is \(5, 5\)"):
        read_annotations(folder).images[0].open()
    document = json.loads((folder / "instances.json").read_text())
    (folder / "instances.json").write_text(json.dumps(document | {"annotations": []}))
    with pytest.raises(DataError, match="nothing is annotated in the 1 images"):
        read_annotations(folder)
    del document["images"][0]["file_name"]
    (folder / "instances.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"images\[0\]: neither file_name nor coco_url"):
        read_annotations(folder)
