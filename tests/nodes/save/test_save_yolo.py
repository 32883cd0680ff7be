from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import grey_image, mask, masks_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.measure import points_in_poly

from sampipe import Masks
from sampipe.data._rings import one_ring
from sampipe.nodes import SaveYolo
from sampipe.types import RLE


def read(path: Path) -> list[tuple[int, np.ndarray]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(int(row[0]), np.array(row[1:], float).reshape(-1, 2)) for row in rows]


def filled(ring: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre lies in the polygon (even-odd)."""
    y, x = np.indices(hw)
    centres = np.stack([x.ravel(), y.ravel()], axis=1) + 0.5
    return points_in_poly(centres, ring).reshape(hw)


def test_a_rectangle(tmp_path: Path) -> None:
    pixels = mask("....", ".##.", "....", "....")
    masks = masks_of([pixels], labels=["cup"], class_ids=[2])
    SaveYolo(directory=str(tmp_path))(grey_image((4, 4), "photo.jpg"), masks)
    ((number, ring),) = read(tmp_path / "labels" / "photo.txt")
    assert number == 0
    assert ring.tolist() == [[0.25, 0.25], [0.75, 0.25], [0.75, 0.5], [0.25, 0.5]]
    assert (tmp_path / "classes.txt").read_text() == "cup\n"


@given(arrays.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))).filter(np.any))
def test_one_ring_fills_the_same_pixels(pixels: np.ndarray) -> None:
    (parts,) = Masks.from_rle([RLE.from_mask(pixels)], pixels.shape).polygons()
    np.testing.assert_array_equal(filled(one_ring(parts), pixels.shape), pixels)


def test_numbers_are_kept_from_job_to_job(tmp_path: Path) -> None:
    image = grey_image((1, 2), "a.jpg")
    SaveYolo(directory=str(tmp_path))(image, masks_of([mask("#."), mask(".#")], labels=["cup", "pot"]))
    SaveYolo(directory=str(tmp_path))(image, masks_of([mask("#."), mask(".#")], labels=["pan", "pot"]))
    assert [number for number, _ in read(tmp_path / "labels" / "a.txt")] == [2, 1]
    assert (tmp_path / "classes.txt").read_text().split() == ["cup", "pot", "pan"]


@pytest.mark.parametrize(
    ("rows", "numbers", "names"),
    [
        ({}, [0, 0], ["object"]),
        ({"class_ids": [1, 0]}, [0, 1], ["class 1", "class 0"]),
        ({"labels": ["cup", ""]}, [0, 1], ["cup", "object"]),
        ({"labels": ["cup", "pot"], "class_ids": [1, 1]}, [0, 1], ["cup", "pot"]),
        ({"labels": ["tea\ncup", "pot"], "class_ids": [-1, -1]}, [0, 1], ["tea cup", "pot"]),
    ],
)
def test_class_numbers(tmp_path: Path, rows: dict[str, object], numbers: list[int], names: list[str]) -> None:
    SaveYolo(directory=str(tmp_path))(grey_image((1, 2), "a.jpg"), masks_of([mask("#."), mask(".#")], **rows))
    assert [number for number, _ in read(tmp_path / "labels" / "a.txt")] == numbers
    assert (tmp_path / "classes.txt").read_text().splitlines() == names


def test_no_object_is_an_empty_file_and_an_empty_mask_no_line(tmp_path: Path) -> None:
    node = SaveYolo(directory=str(tmp_path))
    node(grey_image((1, 2), "a.jpg"), Masks.empty((1, 2)))
    node(grey_image((1, 2), "b.jpg"), masks_of([mask(".."), mask("#.")]))
    assert read(tmp_path / "labels" / "a.txt") == []
    assert len(read(tmp_path / "labels" / "b.txt")) == 1


def test_a_diagonal_edge_takes_few_corners(tmp_path: Path) -> None:
    y, x = np.indices((60, 60))
    masks = masks_of([x + y < 60])
    image = grey_image((60, 60), "a.jpg")
    SaveYolo(directory=str(tmp_path), tolerance=1.0)(image, masks)
    assert len(read(tmp_path / "labels" / "a.txt")[0][1]) < 10
    SaveYolo(directory=str(tmp_path), tolerance=0.0)(image, masks)
    assert len(read(tmp_path / "labels" / "a.txt")[0][1]) > 100
