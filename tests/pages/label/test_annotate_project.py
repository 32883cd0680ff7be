"""The folder on disk: what is kept, under which names, and what trainers read of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from annotate_squares import HW, square, write_image
from PIL import Image as Pillow

from sampipe.data.formats import read_images
from sampipe.errors import DataError
from sampipe.pages.label.instances import MADE_HERE, Instances, take_in_existing, to_coco
from sampipe.pages.label.merge import Complete, Propose, Put, Remove
from sampipe.pages.label.project import Project


def test_what_was_done_is_there_when_the_folder_is_opened_again(folder: Path) -> None:
    mask = square(3, 4, label="cat", seconds=7.5, points=((5.0, 6.0, 1),), predicted_iou=0.5, stability=0.9)
    project = Project(folder)
    file = project.images[1]
    project.change(file, HW, Put(mask), Complete(True))
    project.remember(file)
    again = Project(folder)
    record = again.read(again.images[1])
    assert record.masks == (mask.replace(revision=1),)
    assert record.complete and record.hw == HW and again.last_image == file and again.labels == ("cat",)
    assert again.read(again.images[0]).masks == ()


def test_trainers_read_accepted_masks_and_no_proposals(folder: Path) -> None:
    project = Project(folder)
    project.change(project.images[0], HW, Put(square(3, 4, label="cat")), Propose((square(30, 4),), "face"))
    assert Instances(project).write()
    [picture] = read_images(folder)
    assert picture.path == folder / "a.png" and picture.path.is_file()
    assert [(one.category, one.xyxy) for one in picture.objects] == [("cat", (3, 4, 13, 14))]
    [same] = read_images(folder / "annotations", "sa1b")
    assert same.path.resolve() == picture.path.resolve() and same.objects[0].mask == picture.objects[0].mask


def test_images_in_images_are_found_there_by_trainers_too(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write_image(tmp_path / "images" / "x.png")
    project = Project(tmp_path)
    project.change(project.images[0], HW, Put(square(3, 4)))
    Instances(project).write()
    [picture] = read_images(tmp_path)
    assert picture.path.is_file() and picture.objects[0].category == "object"
    assert read_images(tmp_path / "annotations", "sa1b")[0].path.is_file()


def test_category_ids_stay_when_labels_are_added(folder: Path) -> None:
    project = Project(folder)
    for file, label in zip(project.images, ("zebra", "ant", "zebra"), strict=True):
        project.change(file, HW, Put(square(3, 4, label=label)))
    Instances(project).write()
    document = json.loads((folder / "instances.json").read_text())
    assert document["categories"] == [{"id": 1, "name": "zebra"}, {"id": 2, "name": "ant"}]
    assert [row["category_id"] for row in document["annotations"]] == [1, 2, 1]


def test_ids_stay_and_an_image_whose_masks_only_wait_is_not_said_to_be_empty(folder: Path) -> None:
    project = Project(folder)
    first, second, third = project.images
    masks = [square(3, 4), square(20, 4)]
    project.change(third, HW, *(Put(mask) for mask in masks))
    project.change(second, HW, Propose((square(9, 9, accepted=False),), "everything"))
    before = to_coco(Instances(project).documents(), ())
    assert [image["file_name"] for image in before["images"]] == [third.path.name]
    assert [row["id"] for row in before["annotations"]] == [mask.id for mask in masks]
    project.change(first, HW, Complete(True))
    project.change(third, HW, Remove(masks[0].id, base=1))
    after = to_coco(Instances(project).documents(), ())
    assert [image["file_name"] for image in after["images"]] == [first.path.name, third.path.name]
    assert after["images"][1]["id"] == before["images"][0]["id"]
    assert after["annotations"] == [before["annotations"][1]]


def test_the_coco_file_is_written_when_something_changed_and_only_then(folder: Path) -> None:
    project = Project(folder)
    instances = Instances(project)
    assert instances.write() and not instances.write()
    other_window = Project(folder)
    mask = square(3, 4)
    other_window.change(other_window.images[2], HW, Put(mask))
    assert instances.write() and not instances.write()
    other_window.change(other_window.images[2], HW, Remove(mask.id, base=1))
    assert instances.write()
    assert json.loads((folder / "instances.json").read_text())["annotations"] == []


NAMES = [
    "with space.png",
    "ünï 漢字 😀.png",
    "quote\"'<b>.png",
    "line\nbreak.png",
    "100%25#?.png",
    "-dash.png",
    "x" * 245 + ".png",
]


def test_any_file_name_keeps_its_annotations(tmp_path: Path) -> None:
    names = [*NAMES, os.fsdecode(b"latin-\xe9.png")]
    for name in names:
        write_image(tmp_path / name)
    project = Project(tmp_path)
    for file in project.images:
        project.change(file, HW, Put(square(3, 4, label="thing")))
        project.remember(file)
        file.shown_name.encode("utf-8")
    Instances(project).write()
    again = Project(tmp_path)
    assert len(again.images) == len(names) == len({file.key for file in again.images})
    assert all(len(again.read(file).masks) == 1 for file in again.images)
    assert {picture.path.name for picture in read_images(tmp_path)} == set(names)
    assert all(picture.path.is_file() for picture in read_images(tmp_path))
    assert all(picture.path.is_file() for picture in read_images(tmp_path / "annotations", "sa1b"))


def test_files_of_one_stem_stay_apart(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        write_image(tmp_path / name)
    project = Project(tmp_path)
    project.change(project.images[0], HW, Put(square(3, 4)))
    assert len(project.read(project.images[1]).masks) == 0


def test_an_empty_folder_and_no_folder_get_a_clear_answer(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no images; looked for files that end in .*\.jpg"):
        Project(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        Project(tmp_path / "nowhere")


def test_a_fixed_list_admits_no_other_label(folder: Path) -> None:
    project = Project(folder, labels=["cat", "dog", "cat"])
    assert project.labels == ("cat", "dog") and project.labels_are_fixed
    with pytest.raises(DataError, match="bird: not in the list of labels, which is cat, dog"):
        project.change(project.images[0], HW, Put(square(3, 4, label="bird")))
    assert project.read(project.images[0]).masks == ()
    project.change(project.images[0], HW, Put(square(3, 4, label="dog")))
    with pytest.raises(DataError, match="masks are called dog already"):
        Project(folder, labels=["cat"])
    with pytest.raises(DataError, match="labels: got none"):
        Project(folder, labels=[" "])


def test_masks_of_another_size_are_refused(folder: Path) -> None:
    project = Project(folder)
    with pytest.raises(DataError, match=r"a mask of \(48, 64\) for an image of \(10, 10\)"):
        project.change(project.images[0], (10, 10), Put(square(3, 4)))


def test_an_image_that_was_exchanged_keeps_its_annotations_and_says_so(folder: Path) -> None:
    project = Project(folder)
    project.change(project.images[0], HW, Put(square(3, 4)))
    Pillow.new("RGB", (10, 20)).save(folder / "a.png")
    with pytest.raises(DataError, match="10 x 20 pixels and its annotations are for 64 x 48: the image was exchanged"):
        project.open(project.images[0])


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", '{"image": {}, "annotations": [{}]}', '{"sampipe": {"format": 9}}']
)
def test_damaged_annotations_are_named_and_never_overwritten(folder: Path, damage: str) -> None:
    project = Project(folder)
    project.change(project.images[0], HW, Put(square(3, 4)))
    file = folder / "annotations" / "a.png.json"
    file.write_text(damage)
    with pytest.raises(DataError, match=r"a\.png\.json"):
        project.change(project.images[0], HW, Put(square(3, 4)))
    assert file.read_text() == damage


def test_exif_orientation_decides_the_size(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (64, 48)).save(tmp_path / "turned.jpg", exif=exif)
    project = Project(tmp_path)
    assert project.open(project.images[0]).hw == (64, 48)


def coco_of_others(folder: Path, file_name: str = "a.png") -> bytes:
    row = {"id": 5, "image_id": 9, "category_id": 3, "iscrowd": 0, "segmentation": [[2, 3, 12, 3, 12, 13, 2, 13]]}
    image = {"id": 9, "file_name": file_name, "width": HW[1], "height": HW[0]}
    document = {"images": [image], "annotations": [row], "categories": [{"id": 3, "name": "cat"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return (folder / "instances.json").read_bytes()


def test_masks_that_something_else_wrote_are_taken_in_and_its_file_is_kept(folder: Path) -> None:
    before = coco_of_others(folder)
    project = Project(folder)
    assert take_in_existing(project) == 1
    Instances(project).write()
    assert MADE_HERE in (folder / "instances.json").read_text()
    assert (folder / "instances.before-annotate.json").read_bytes() == before
    [mask] = project.read(project.images[0]).masks
    assert (mask.label, mask.source, mask.rle.area, mask.accepted) == ("cat", "import", 100, True)
    assert take_in_existing(Project(folder)) == 0


def test_masks_on_images_that_are_not_there_are_not_lost(folder: Path) -> None:
    before = coco_of_others(folder, file_name="inner/elsewhere.png")
    with pytest.raises(DataError, match=r"masks on 1 images that are not there, such as .*elsewhere\.png"):
        take_in_existing(Project(folder))
    assert (folder / "instances.json").read_bytes() == before


def test_the_summary_counts_what_people_did(folder: Path) -> None:
    project = Project(folder)
    project.change(project.images[0], HW, Put(square(3, 4, seconds=10)), Put(square(30, 4, seconds=20)))
    project.change(project.images[1], HW, Propose((square(3, 4),), "face"), Complete(True))
    summary = Instances(project).summary()
    assert (summary.images, summary.with_masks, summary.complete) == (3, 1, 1)
    assert (summary.accepted, summary.proposed, summary.seconds) == (2, 1, 30)


def test_left_overs_of_killed_writers_are_removed(folder: Path) -> None:
    project = Project(folder)
    project.change(project.images[0], HW, Put(square(3, 4)))
    old, fresh, foreign = (
        folder / "annotations" / name for name in (f".{'a' * 32}.part", f".{'b' * 32}.part", ".x.part")
    )
    for file in (old, fresh, foreign):
        file.write_bytes(np.zeros(9).tobytes())
        os.utime(file, (0, 0))
    os.utime(fresh)
    Project(folder)
    assert [file.exists() for file in (old, fresh, foreign)] == [False, True, True]
