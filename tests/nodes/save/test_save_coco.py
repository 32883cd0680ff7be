from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from drawings import grey_image, mask, masks_of

from sampipe import DataError, Masks
from sampipe.data.annotated import GroundTruth
from sampipe.data.categories import CategoryTable
from sampipe.nodes import CleanMasks, SaveCoco
from sampipe.types import RLE

RING = mask(".....", ".###.", ".#.#.", ".###.", "....#")


def saved(path: Path) -> dict[str, list[dict[str, object]]]:
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the file"))


def test_a_mask_with_a_hole_and_two_parts_comes_back(tmp_path: Path) -> None:
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    masks = masks_of([RING], ious=[0.75], stability=[0.5], labels=["ring"], class_ids=[3], scores=[0.25])
    assert node(grey_image((5, 5), "in/photo.jpg"), masks) is masks
    assert not Path(node.path).exists(), "nothing before the job ends"
    node.flush()
    coco = saved(tmp_path / "annotations.json")
    assert coco["images"] == [{"id": 1, "file_name": "photo.jpg", "width": 5, "height": 5}]
    assert coco["categories"] == [{"id": 3, "name": "ring"}]
    (annotation,) = coco["annotations"]
    np.testing.assert_array_equal(RLE.from_coco(annotation.pop("segmentation")).decode(), RING)
    assert annotation == {
        "id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 1, 4, 4], "area": 9, "iscrowd": 0,
        "score": 0.25, "predicted_iou": 0.75, "stability": 0.5,
    }  # fmt: skip


def test_pycocotools_reads_it(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    node(grey_image((5, 5), "a.jpg"), masks_of([RING, RING[::-1].copy()]))
    node(grey_image((5, 5), "b.jpg"), masks_of([RING]))
    node.flush()
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(node.path)
    assert len(coco.getImgIds()) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools 2.0.11 on numpy 2.4
        np.testing.assert_array_equal(coco.annToMask(coco.loadAnns([3])[0]), RING)


def test_what_is_not_known_is_not_written(tmp_path: Path) -> None:
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    node(grey_image((5, 5)), masks_of([RING], scores=[np.nan]))
    node.flush()
    coco = saved(tmp_path / "annotations.json")
    assert set(coco["annotations"][0]) == {
        "id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation",
    }  # fmt: skip
    assert coco["categories"] == [{"id": 1, "name": "object"}]


def test_an_image_without_objects_is_listed_and_an_empty_mask_is_not(tmp_path: Path) -> None:
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    node(grey_image((5, 5), "none.jpg"), Masks.empty((5, 5)))
    node(grey_image((5, 5), "empty.jpg"), masks_of([np.zeros((5, 5), bool)]))
    node.flush()
    coco = saved(tmp_path / "annotations.json")
    assert [image["file_name"] for image in coco["images"]] == ["none.jpg", "empty.jpg"]
    assert coco["annotations"] == []


def test_an_image_that_comes_again_replaces_its_masks(tmp_path: Path) -> None:
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    image = grey_image((5, 5), "a.jpg")
    node(image, masks_of([RING, RING]))
    node.flush()
    node(image, masks_of([RING]))
    node(grey_image((5, 5), "b.jpg"), masks_of([RING]))
    node.flush()
    coco = saved(tmp_path / "annotations.json")
    assert [annotation["image_id"] for annotation in coco["annotations"]] == [1, 2]


def test_no_image_no_file(tmp_path: Path) -> None:
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    node.flush()
    node.close()
    assert not Path(node.path).exists()


def test_a_graph_writes_all_its_images_in_one_file(tmp_path: Path) -> None:
    clean, save = CleanMasks(), SaveCoco(path=str(tmp_path / "out" / "annotations.json"))
    graph = clean | save
    items = [
        {"image": grey_image((5, 5 + i), f"{i}.jpg"), "masks": masks_of([np.ones((5, 5 + i), bool)])} for i in range(3)
    ]
    for result in graph.map(items):
        assert len(result["masks"]) == 1
    coco = saved(tmp_path / "out" / "annotations.json")
    assert [image["file_name"] for image in coco["images"]] == ["0.jpg", "1.jpg", "2.jpg"]
    graph.run(image=grey_image((5, 8), "3.jpg"), masks=masks_of([np.ones((5, 8), bool)]))
    assert len(saved(tmp_path / "out" / "annotations.json")["images"]) == 4


@pytest.mark.parametrize(
    ("seen", "ids"),
    [
        ([("cup", 4), ("cup", None), ("pot", 0)], {"pot": 0, "cup": 4}),
        ([("cup", 4), ("pot", 4)], {"cup": 4, "pot": 1}),  # one class id, two names
        ([("cup", 4), ("cup", 2)], {"cup": 2}),  # one name, two class ids
        ([("b", None), ("a", None), ("c", 0)], {"c": 0, "a": 1, "b": 2}),
        ([], {}),
    ],
)
def test_category_ids(seen: list[tuple[str, int | None]], ids: dict[str, int]) -> None:
    for order in (seen, seen[::-1]):
        table = CategoryTable()
        for name, key in order:
            table.slot(GroundTruth.of_mask(1, name, RLE.from_mask(RING), category_id=key))
        assert {row["name"]: row["id"] for row in table.rows(table.ids())} == ids


def test_masks_of_another_image(tmp_path: Path) -> None:
    node = SaveCoco(path=str(tmp_path / "annotations.json"))
    with pytest.raises(DataError, match="masks of 5x5 pixels for an image of 4x6"):
        node(grey_image((6, 4)), masks_of([RING]))
