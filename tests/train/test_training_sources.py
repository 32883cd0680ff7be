"""Folders of images: COCO, SA-1B, and images alone; and the order in which they come."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from sampipe.errors import DataError
from sampipe.train.order import Order
from sampipe.train.sources import FolderSource, ImageFolder, open_source


def test_both_layouts_hold_the_same_masks(shapes_folder: Path, sa1b_folder: Path) -> None:
    coco, sa1b = open_source(shapes_folder), open_source(sa1b_folder)
    assert isinstance(coco, FolderSource) and isinstance(sa1b, FolderSource) and len(coco) == len(sa1b) == 4
    masks = [{source.image(index).objects[0].mask for index in range(4)} for source in (coco, sa1b)]
    assert masks[0] == masks[1]
    assert all(sa1b.image(index).path.is_file() for index in range(4))


def test_of_an_sa1b_folder_only_names_are_held(sa1b_folder: Path) -> None:
    source = open_source(sa1b_folder)
    assert len(pickle.dumps(source)) < 1500
    for file in sa1b_folder.rglob("*.json"):
        file.write_text(json.dumps({"image": {}, "annotations": []}))  # read again each time it is asked for
    with pytest.raises(DataError, match="SA-1B's format"):
        source.image(0)


def test_a_description_changes_with_the_data(shapes_folder: Path, sa1b_folder: Path) -> None:
    before = [open_source(folder).describe() for folder in (shapes_folder, sa1b_folder)]
    assert [one["layout"] for one in before] == ["coco", "sa1b"] and before[0]["images"] == 4
    document = json.loads((shapes_folder / "instances.json").read_text())
    document["annotations"].pop()
    (shapes_folder / "instances.json").write_text(json.dumps(document))
    next(sa1b_folder.rglob("*.json")).unlink()
    after = [open_source(folder).describe() for folder in (shapes_folder, sa1b_folder)]
    assert all(a["digest"] != b["digest"] for a, b in zip(after, before, strict=True))


def test_photos_are_found_in_folders_below(shapes_folder: Path) -> None:
    source = ImageFolder(shapes_folder)
    assert [source.image(index).path.name for index in range(len(source))] == ["0.png", "1.png", "2.png", "3.png"]
    assert source.describe()["layout"] == "images"


def test_what_is_no_such_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(DataError, match="not a data set of a known format"):
        open_source(tmp_path)
    with pytest.raises(DataError, match="no images in this folder"):
        ImageFolder(tmp_path)


def test_every_picture_comes_once_before_any_comes_again(shapes_folder: Path) -> None:
    order = Order([(open_source(shapes_folder), 1.0)], seed=3)
    rng = np.random.default_rng(0)
    epochs = [[order.turn(4 * epoch + place, rng)[1] for place in range(4)] for epoch in range(6)]
    assert all(sorted(epoch) == [0, 1, 2, 3] for epoch in epochs) and len(set(map(tuple, epochs))) > 1


def test_shares_decide_how_often_a_source_comes(shapes_folder: Path) -> None:
    source = open_source(shapes_folder)
    order, rng = Order([(source, 3.0), (source, 1.0)], seed=0), np.random.default_rng(0)
    assert np.mean([order.turn(index, rng)[0] == 0 for index in range(2000)]) == pytest.approx(0.75, abs=0.03)
    for share in (0.0, -1.0, float("nan")):
        with pytest.raises(DataError, match="positive numbers"):
            Order([(source, share)], seed=0)
