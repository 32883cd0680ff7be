"""COCO folders as others leave them: one document a split, wherever each keeps its images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from sampipe.data.annotations import read_annotations
from sampipe.data.convert import convert
from sampipe.data.formats import format_of, read_dataset
from sampipe.errors import DataError


def split(document: Path, images: Path, *, category: str = "cup", key: int = 1) -> None:
    """One image, 1.png, with one object; all splits number from the same id."""
    for folder in (document.parent, images):
        folder.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", (9, 7)).save(images / "1.png")
    row = {"id": 5, "image_id": 1, "category_id": key, "segmentation": [[1, 1, 5, 1, 5, 5, 1, 5]]}
    image = {"id": 1, "file_name": "1.png", "height": 7, "width": 9}
    text = {"images": [image], "annotations": [row], "categories": [{"id": key, "name": category}]}
    document.write_text(json.dumps(text))


LAYOUTS = {
    "COCO's own": ("annotations/instances_{}2017.json", "{}2017"),
    "datumaro's, CVAT's": ("annotations/instances_{}.json", "images/{}"),
    "Roboflow's": ("{}/_annotations.coco.json", "{}"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_split_is_read(tmp_path: Path, layout: str) -> None:
    document, images = LAYOUTS[layout]
    folder = tmp_path / "data"
    for name in ("train", "val"):
        split(folder / document.format(name), folder / images.format(name))
    assert format_of(folder) == "coco"
    data = read_dataset(folder)
    found = [reads() for reads in data.images]
    assert [image.name.rpartition("/")[2] for image in found] == ["1.png", "1.png"]
    assert len({image.name for image in found}) == len({image.id for image in found}) == 2
    assert [image.path.parent for image in found] == [folder / images.format(name) for name in ("train", "val")]
    assert [one.name for one in data.categories] == ["cup"] and not data.report.left_out
    assert read_annotations(folder).objects == 2
    done = convert(read_dataset(folder), tmp_path / "again")
    assert (done.images, done.objects) == (2, 2)
    assert len({reads().name for reads in read_dataset(tmp_path / "again").images}) == 2


def test_one_split_keeps_its_names(tmp_path: Path) -> None:
    split(tmp_path / "annotations" / "instances_val2017.json", tmp_path / "val2017")
    [image] = [reads() for reads in read_dataset(tmp_path).images]
    assert (image.name, image.id, image.open().hw) == ("1.png", 1, (7, 9))


def test_splits_that_disagree_are_refused(tmp_path: Path) -> None:
    for name, category in (("train", "cup"), ("val", "dog")):
        split(tmp_path / "annotations" / f"instances_{name}.json", tmp_path / name, category=category)
    with pytest.raises(DataError, match=r"instances_val.json: the category 1 is 'dog', and in .*train.json 'cup'"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("document", "images"),
    [
        ("labels.json", "data"),  # FiftyOne
        ("result.json", "images"),  # Label Studio
        ("harbour-export.json", "."),  # VoTT
        ("annotations/person_keypoints_default.json", "images/default"),
        ("annotations/train.json", "train"),  # Supervisely
    ],
)
def test_the_only_document_may_have_any_name(tmp_path: Path, document: str, images: str) -> None:
    split(tmp_path / document, tmp_path / images)
    (tmp_path / "settings.json").write_text('{"images": 3, "annotations": []}')
    (tmp_path / "damaged.json").write_text("{")
    assert format_of(tmp_path) == "coco"
    [image] = [reads() for reads in read_dataset(tmp_path).images]
    assert (image.name, image.open().hw, image.objects[0].category) == ("1.png", (7, 9), "cup")


def test_of_several_of_other_names_none_is_taken(tmp_path: Path) -> None:
    for name in ("early.json", "annotations/late.json"):
        split(tmp_path / name, tmp_path / "images")
    with pytest.raises(DataError, match=r"2 COCO documents: annotations/late.json, early.json; call the one that is"):
        read_dataset(tmp_path)
    (tmp_path / "early.json").rename(tmp_path / "instances.json")
    assert len(read_dataset(tmp_path).images) == 1


def test_a_map_of_segments_is_not_taken_for_instances(tmp_path: Path) -> None:
    split(tmp_path / "panes.json", tmp_path / "images")
    text = json.loads((tmp_path / "panes.json").read_text())
    text["annotations"] = [{"image_id": 1, "file_name": "1.png", "segments_info": []}]
    (tmp_path / "panes.json").write_text(json.dumps(text))
    with pytest.raises(DataError, match="not a data set of a known format"):
        format_of(tmp_path)
