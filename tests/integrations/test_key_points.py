"""Key points of any kind as points: arrays, supervision's, mediapipe's."""

from dataclasses import dataclass

import numpy as np
import pytest
import supervision as sv
from sampipe_integrations.keypoints import keypoint_prompts, landmark_prompts
from sampipe_integrations.supervision import prompts_from_key_points

import sampipe as sp

IMAGE = sp.Image.from_array(np.zeros((100, 200, 3), np.uint8))


def test_unseen_points_are_padding_and_objects_without_any_are_dropped():
    points = [[[1, 2], [3, 4]], [[5, 6], [np.nan, 1]], [[7, 8], [9, 9]]]
    seen = [[1, 1], [1, 1], [0, 0]]
    prompts = keypoint_prompts(points, visible=seen, labels=["a", "b", "c"], scores=[0.9, 0.8, 0.7], source="me")
    assert prompts.points[0].tolist() == [[1, 2], [3, 4]]
    assert prompts.point_labels.tolist() == [[1, 1], [1, -1]]
    assert prompts.labels == ("a", "b") and prompts.dropped == 1 and prompts.source == ("me", "me")
    assert len(prompts.sanitize((10, 10))) == 2


def test_a_box_keeps_an_object_without_points():
    prompts = keypoint_prompts([[[1, 2]]], visible=[[False]], boxes=[[0, 0, 5, 5]])
    assert len(prompts) == 1 and prompts.has_boxes.all() and not prompts.has_points.any()


def test_many_points_are_thinned_evenly():
    points = np.stack([np.arange(33), np.zeros(33)], axis=1)[None]
    prompts = keypoint_prompts(points, max_points=5)
    kept = prompts.points[0, prompts.point_labels[0] == 1, 0]
    assert kept.tolist() == [0, 8, 16, 24, 32]


def test_shapes_are_checked():
    with pytest.raises(sp.DataError, match=r"points: got shape \(3, 2\), wanted \(n, k, 2\)"):
        keypoint_prompts(np.zeros((3, 2)))
    with pytest.raises(sp.DataError, match="visible: got shape"):
        keypoint_prompts(np.zeros((1, 3, 2)), visible=[[True]])
    assert keypoint_prompts([]).boxes.shape == (0, 4)


@dataclass
class Landmark:
    """The fields of mediapipe's NormalizedLandmark."""

    x: float | None
    y: float | None
    z: float | None = None
    visibility: float | None = None


def test_landmarks_are_fractions_of_the_image():
    people = [
        [Landmark(0.5, 0.5, visibility=0.9), Landmark(0.1, 0.2, visibility=0.2), Landmark(1.4, 0.5, visibility=1)],
        [Landmark(0.25, 0.1), Landmark(0.5, 0.1), Landmark(None, 0.1)],
    ]
    prompts = landmark_prompts(people, IMAGE, label="person")
    assert prompts.points[0, 0].tolist() == [100, 50] and prompts.points[1, 0].tolist() == [50, 10]
    assert prompts.point_labels.tolist() == [[1, -1, -1], [1, 1, -1]]
    assert prompts.labels == ("person", "person")
    assert len(landmark_prompts([], IMAGE)) == 0
    with pytest.raises(sp.DataError, match="one kind of object"):
        landmark_prompts([people[0], people[1][:2]], IMAGE)


def test_landmarks_of_the_real_mediapipe():
    containers = pytest.importorskip("mediapipe.tasks.python.components.containers")
    point = containers.NormalizedLandmark(x=0.5, y=0.5, visibility=0.9)
    prompts = landmark_prompts([[point, containers.NormalizedLandmark(x=0.1, y=0.1, visibility=0.1)]], IMAGE)
    assert prompts.points[0, 0].tolist() == [100, 50] and prompts.point_labels.tolist() == [[1, -1]]


def test_key_points_of_supervision():
    found = sv.KeyPoints(
        xy=np.array([[[10, 20], [0, 0], [30, 40]], [[1, 1], [2, 2], [3, 3]]], np.float32),
        class_id=np.array([0, 4]),
        keypoint_confidence=np.array([[0.9, 0.9, 0.9], [0.9, 0.1, 0.9]], np.float32),
        data={"class_name": np.array(["person", "dog"])},
    )
    prompts = prompts_from_key_points(found)
    assert prompts.point_labels.tolist() == [[1, -1, 1], [1, -1, 1]]
    assert prompts.labels == ("person", "dog") and prompts.class_ids.tolist() == [0, 4]
    assert prompts_from_key_points(sv.KeyPoints.empty()).boxes.shape == (0, 4)
    assert prompts_from_key_points(sv.KeyPoints(xy=found.xy)).point_labels.tolist() == [[1, -1, 1], [1, 1, 1]]


def test_points_go_into_a_segment_node():
    from sampipe.nodes import Segment

    picture = sp.Image.open("sample:astronaut")
    prompts = keypoint_prompts([[[225, 100], [225, 130], [0, 0]]], visible=[[1, 1, 0]], labels=["face"])
    masks = Segment(model="nano")(picture, prompts=prompts)
    assert len(masks) == 1 and masks.prompts.labels == ("face",) and masks.area()[0] > 0
