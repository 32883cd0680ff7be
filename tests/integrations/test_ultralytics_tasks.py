"""Ultralytics beyond plain boxes: oriented boxes, poses, its masks; against the real package."""

import numpy as np
import pytest
from random_yolo import SIZE, write_yolo
from sampipe_integrations.ultralytics import UltralyticsDetector, UltralyticsMasks, UltralyticsPose
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.testing import check_node

ASKED = {"confidence": 0.05, "image_size": SIZE, "max_detections": 10, "device": "cpu"}


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yolo")
    return {task: write_yolo(folder / f"{task}.pt", f"yolo11n-{task}.yaml") for task in ("obb", "pose", "seg")}


def asked_directly(path, picture, **options):
    """What ultralytics itself answers for the same question."""
    bgr = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    with side_effects_undone():
        model = load_ultralytics().YOLO(path)
        return model.predict(bgr, conf=0.05, imgsz=SIZE, max_det=10, verbose=False, device="cpu", **options)[0]


def test_oriented_boxes_become_upright_boxes_with_their_centres(weights, picture):
    wanted = asked_directly(weights["obb"], picture)
    found = UltralyticsDetector(weights=weights["obb"], **ASKED)(picture)
    assert len(found) + found.dropped == len(wanted.obb) > 2
    inside = wanted.obb.xyxy.numpy().clip(0, [451, 300, 451, 300])
    inside = inside[(inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])]
    assert np.allclose(found.boxes, inside, atol=0.1)
    assert np.allclose(found.points[:, 0], (found.boxes[:, :2] + found.boxes[:, 2:]) / 2)
    assert (found.point_labels == 1).all()
    assert all(label.startswith("thing ") for label in found.labels)


def test_poses_become_points(weights, picture):
    wanted = asked_directly(weights["pose"], picture)
    found = UltralyticsPose(weights=weights["pose"], keypoint_confidence=0.0, **ASKED)(picture)
    assert len(found) == len(wanted.boxes) > 0
    assert found.points.shape == (len(found), 17, 2)
    assert np.allclose(found.boxes, wanted.boxes.xyxy.numpy(), atol=0.1)
    seen = found.point_labels == 1
    given = wanted.keypoints.xy.numpy().clip(0, [450, 299])
    assert np.allclose(found.points[seen], given[seen], atol=1.0)
    assert found.labels == tuple(f"thing {int(one)}" for one in wanted.boxes.cls)
    assert np.allclose(found.scores, wanted.boxes.conf.numpy(), atol=1e-5)
    alone = UltralyticsPose(weights=weights["pose"], boxes=False, max_points=3, keypoint_confidence=0.0, **ASKED)
    points = alone(picture)
    assert points.boxes is None and ((points.point_labels == 1).sum(axis=1) <= 3).all()
    assert len(UltralyticsPose(weights=weights["pose"], **{**ASKED, "confidence": 1.0})(picture)) == 0


def test_masks_of_a_segmentation_model(weights, picture):
    wanted = asked_directly(weights["seg"], picture, retina_masks=True)
    masks = UltralyticsMasks(weights=weights["seg"], **ASKED)(picture)
    assert len(masks) == len(wanted.boxes) > 0 and masks.hw == picture.hw
    assert np.array_equal(masks.binary(), wanted.masks.data.numpy() > 0)
    assert np.allclose(masks.prompts.scores, wanted.boxes.conf.numpy(), atol=1e-5)
    assert len(UltralyticsMasks(weights=weights["seg"], **{**ASKED, "confidence": 1.0})(picture)) == 0
    boxes = UltralyticsDetector(weights=weights["seg"], **ASKED)(picture)
    assert np.allclose(boxes.boxes, masks.prompts.boxes, atol=0.01)


def test_its_masks_refined_by_our_model(weights, picture):
    from sampipe.nodes import Refine

    graph = UltralyticsMasks(weights=weights["seg"], **ASKED) | Refine(model="nano", device="cpu")
    masks = graph.run(image=picture).masks
    assert len(masks) > 0 and masks.logits is not None
    assert [step.partition("(")[0] for step in masks.history[0]] == ["UltralyticsMasks", "Refine"]


def test_a_model_for_another_task_is_said(weights, picture):
    with pytest.raises(sp.CheckpointError, match="A model for 'obb'; wanted one for 'pose'"):
        UltralyticsPose(weights=weights["obb"], **ASKED)(picture)
    with pytest.raises(sp.CheckpointError, match="A model for 'pose'; wanted one for 'segment'"):
        UltralyticsMasks(weights=weights["pose"], **ASKED)(picture)


def test_short_name():
    assert detector("ultralytics_pose:my.pt", boxes=False).changed_params() == {"weights": "my.pt", "boxes": False}


@pytest.mark.parametrize("task", ["obb", "pose", "seg"])
def test_they_behave_as_nodes(weights, picture, task):
    kind = {"obb": UltralyticsDetector, "pose": UltralyticsPose, "seg": UltralyticsMasks}[task]
    check_node(kind(weights=weights[task], **ASKED), image=picture)
