"""The face cascade of scikit-image, offline."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sampipe_integrations.skimage import FaceDetector
from sampipe_integrations.skimage.face import merge_overlapping

import sampipe as sp
from sampipe.testing import check_node

ASTRONAUT_FACE = (174, 66, 272, 186)
"""From hairline to chin and ear to ear, read off the picture."""


@pytest.fixture(scope="module")
def astronaut():
    return sp.Image.open("sample:astronaut")


def test_the_astronaut_has_one_face_where_it_is(astronaut):
    faces = FaceDetector()(astronaut)
    assert len(faces) == 1
    assert faces.labels == ("face",) and faces.class_ids.tolist() == [0]
    assert faces.source == ("skimage.FaceDetector@1",) and faces.scores is None
    x0, y0, x1, y1 = faces.boxes[0]
    fx0, fy0, fx1, fy1 = ASTRONAUT_FACE
    inside = (min(x1, fx1) - max(x0, fx0)) * (min(y1, fy1) - max(y0, fy0))
    assert inside / ((x1 - x0) * (y1 - y0)) > 0.9
    assert inside / ((fx1 - fx0) * (fy1 - fy0)) > 0.6


def test_a_face_moves_and_grows_with_the_picture(astronaut):
    box = FaceDetector()(astronaut).boxes[0]
    part = astronaut.crop((100, 30, 400, 330))
    double = sp.Image.from_pil(part.to_pil().resize((600, 600)))
    found = FaceDetector()(double).boxes
    wanted = (box - np.array([100, 30, 100, 30])) * 2
    assert len(found) == 1
    assert np.abs(found[0] - wanted).max() < 40


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_no_face_gives_typed_empty_prompts(name):
    prompts = FaceDetector()(sp.Image.open(f"sample:{name}"))
    assert len(prompts) == 0 and prompts.boxes.shape == (0, 4)


@pytest.mark.parametrize("hw", [(1, 1), (1, 300), (23, 23), (24, 24), (60, 61)])
def test_pictures_smaller_than_a_face(hw):
    noise = np.random.default_rng(0).integers(0, 256, (*hw, 3), dtype=np.uint8)
    assert len(FaceDetector(min_size=1)(sp.Image.from_array(noise))) == 0


def test_eight_threads_find_what_one_finds(astronaut):
    node = FaceDetector()
    with ThreadPoolExecutor(8) as pool:
        found = [prompts.boxes for prompts in pool.map(node, [astronaut] * 8)]
    assert all(np.array_equal(boxes, found[0]) and len(boxes) == 1 for boxes in found)


def test_overlapping_detections_merge_into_the_larger():
    boxes = np.array([[10, 10, 30, 30], [0, 0, 40, 40], [35, 35, 75, 75], [200, 0, 240, 40]], np.float32)
    assert merge_overlapping(boxes, 0.5).tolist() == [[0, 0, 40, 40], [35, 35, 75, 75], [200, 0, 240, 40]]
    assert merge_overlapping(np.zeros((0, 4), np.float32), 0.5).shape == (0, 4)


@pytest.mark.parametrize(
    "params",
    [
        {"scale_factor": 1.0},
        {"step_ratio": 0.5},
        {"min_size": 0},
        {"min_size": 80, "max_size": 60},
        {"overlap": 2.0},
    ],
)
def test_parameters_outside_their_range_are_refused(params):
    with pytest.raises(sp.DataError, match=next(iter(params))):
        FaceDetector(**params)


def test_it_behaves_as_a_node(astronaut):
    check_node(FaceDetector(), image=astronaut)
