"""FastSAM behind ``model=``, against ultralytics' own prompts."""

from pathlib import Path

import numpy as np
import pytest
from random_yolo import write_yolo
from sampipe_integrations.ultralytics import fast_sam
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

import sampipe as sp
from sampipe.models import load_segmenter
from sampipe.nodes import PointGrid, Refine, Segment, SegmentEverything
from sampipe.testing import check_node

SIDE = 320
BOXES = [[20, 30, 150, 170], [100, 60, 250, 230], [200, 200, 318, 310]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """FastSAM's kind of network, YOLOv8 for masks of one class."""
    return write_yolo(tmp_path_factory.mktemp("fast") / "FastSAM-s.pt", "yolov8n-seg.yaml", classes=1)


@pytest.fixture(scope="module")
def picture():
    """As large as the square, so that nobody resizes it."""
    return sp.Image.from_pil(sp.Image.open("sample:chelsea").crop((100, 0, 400, 300)).to_pil().resize((SIDE, SIDE)))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(fast_sam, "_SIDE", SIDE)


def directly(path, picture, **prompts):
    """What ultralytics' own FastSAM gives: masks (n, h, w), and their scores."""
    bgr = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    with side_effects_undone():
        model = load_ultralytics().FastSAM(path)
        asked = {"conf": 0.4, "iou": 0.9, "imgsz": SIDE, "retina_masks": True, "device": "cpu", "verbose": False}
        [result] = model.predict(bgr, **asked, **prompts)
    return result.masks.data.numpy() > 0, result.boxes.conf.numpy()


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_it_finds_what_ultralytics_finds(weights, picture):
    wanted, scores = directly(weights, picture)
    [seen] = load_segmenter(weights, "cpu").encode([picture])
    assert len(seen.features) == len(wanted) > 100
    assert np.allclose(seen.fine[0].reshape(-1), scores, atol=1e-5)
    prompts = sp.Prompts.from_boxes(np.zeros((len(wanted), 4)))
    found = sp.Masks(frame=seen.frame, prompts=prompts, logits=seen.features[:, None], iou_scores=scores[:, None])
    likeness = [iou(*pair) for pair in zip(found.binary(), wanted, strict=True)]
    assert np.mean(likeness) > 0.95 and min(likeness) > 0.8  # masks of noise, on a grid of four pixels


def test_a_box_gets_the_mask_that_fits_it(weights, picture):
    masks = Segment(model=weights, device="cpu")(picture, prompts=sp.Prompts.from_boxes(BOXES, labels=list("abc")))
    assert masks.prompts.labels == ("a", "b", "c") and masks.num_candidates == 1
    for row, box in enumerate(BOXES):
        wanted, scores = directly(weights, picture, bboxes=[box])
        assert masks.iou_scores[row, 0] == pytest.approx(scores[0], abs=1e-4) and len(wanted) == 1
        assert iou(masks.binary()[row], wanted[0]) > 0.9


@pytest.mark.parametrize("labels", [[1], [1, 0]])
def test_points_choose_among_those_that_hold_them(weights, picture, labels):
    points = [[160, 150], [60, 60]][: len(labels)]
    wanted, scores = directly(weights, picture, points=points, labels=labels)
    asked = sp.Prompts.from_points([points], [labels])
    masks = Segment(model=weights, device="cpu", multimask="always")(picture, prompts=asked)
    assert np.allclose(masks.iou_scores[0], scores[:3], atol=1e-4) and len(scores) > 3
    assert all(iou(masks.candidate(i).binary()[0], wanted[i]) > 0.9 for i in range(3))


def test_an_image_that_is_not_square_lies_at_the_top_left(weights, picture):
    padded = np.full((SIDE, SIDE, 3), 114, np.uint8)
    padded[:200] = picture.pixels[:200]
    wide, square = load_segmenter(weights, "cpu").encode(
        [sp.Image.from_array(np.ascontiguousarray(padded[:200])), sp.Image.from_array(padded)]
    )
    assert wide.frame.resized_hw == (200, SIDE) and len(wide.features) > 10
    assert np.array_equal(wide.features.numpy(), square.features.numpy())


def test_what_nothing_fits_gets_an_empty_mask(weights, picture, monkeypatch):
    model = load_segmenter(weights, "cpu")
    asked = sp.Prompts.from_points([[[160, 150], [160, 150]]], [[1, 0]])
    masks = model.decode(model.encode([picture])[0], asked, multimask=False)
    assert masks.iou_scores[0, 0] == 0 and not masks.area()[0]
    monkeypatch.setattr(fast_sam, "_CONFIDENCE", 1.0)
    strict = fast_sam.load_fast_sam(Path(weights), name="strict", device=model.device, precision="exact")
    [seen] = strict.encode([picture])
    assert not len(seen.features) and strict.key != model.key
    masks = strict.decode(seen, sp.Prompts.from_boxes(BOXES), multimask=True)
    assert masks.iou_scores.tolist() == [[0] * 3] * 3 and not masks.best().area().any()


def test_everything_and_what_it_does_not_take(weights, picture):
    everything = SegmentEverything(model=weights, device="cpu", points_per_side=6, max_area_fraction=1)(picture)
    assert len(everything) and (everything.iou_scores >= 0.4).all()
    report = (PointGrid() | Segment(model=weights) | Refine(model=weights)).check()
    assert "FastSAM-s.pt takes points and boxes; give Refine a model that takes masks, such as nano" in str(report)
    check_node(Segment(model=weights, device="cpu"), image=picture)


def test_another_network_under_its_name_is_refused(tmp_path):
    path = write_yolo(tmp_path / "FastSAM-x.pt")
    with pytest.raises(sp.CheckpointError, match="A model for 'detect'; wanted one for 'segment'"):
        Segment(model=path, device="cpu").warm()
