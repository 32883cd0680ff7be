"""supervision: what goes out has every field, what comes in may lack most."""

from __future__ import annotations

import numpy as np
import pytest
import supervision as sv

from sampipe.errors import DataError
from sampipe.types import Image, Masks, Prompts

PIXELS = np.zeros((3, 10, 12), bool)
PIXELS[0, 2:5, 3:7] = True
PIXELS[1, 0:10, 11:] = True  # the third is empty


def some_masks() -> Masks:
    prompts = Prompts.from_boxes(
        [[3, 2, 7, 5], [11, 0, 12, 10], [0, 0, 1, 1]],
        labels=["cat", "dog", ""],
        scores=[0.9, 0.8, np.nan],
        source="Boxes",
    )
    return Masks.from_binary(PIXELS, prompts).replace(iou_scores=np.array([[0.5], [np.nan], [0.25]], np.float32))


@pytest.mark.parametrize("compact", [False, True])
def test_masks_there_and_back(compact: bool) -> None:
    detections = some_masks().to_supervision(compact=compact)
    assert detections.xyxy.tolist() == [[3, 2, 7, 5], [11, 0, 12, 10], [0, 0, 0, 0]]
    assert detections.confidence is not None and detections.mask is not None
    np.testing.assert_allclose(detections.confidence, [0.9, 0.8, 0.25])
    np.testing.assert_array_equal(np.asarray(detections.mask), PIXELS)
    back = Masks.from_supervision(detections, (10, 12))
    assert back.rle() == some_masks().rle()
    assert back.prompts.labels == ("cat", "dog", "")
    assert back.prompts.source == ("Boxes",) * 3
    np.testing.assert_array_equal(back.iou_scores, some_masks().iou_scores)
    np.testing.assert_array_equal(back.prompts.scores, some_masks().prompts.scores)  # type: ignore[arg-type]


def test_boxes_agree_with_supervision_but_for_the_end() -> None:
    inclusive = sv.mask_to_xyxy(PIXELS[:2])
    np.testing.assert_array_equal(some_masks().boxes()[:2], inclusive + np.array([0, 0, 1, 1]))


def test_class_ids_are_always_there_and_never_negative() -> None:
    masks = some_masks()
    names = masks.to_supervision()
    assert names.class_id is not None and names.class_id.tolist() == [1, 2, 0]  # one for each name
    known = masks.with_prompts(masks.prompts.replace(class_ids=[7, -1, -1])).to_supervision()
    assert known.class_id is not None and known.class_id.tolist() == [7, 9, 8]
    nothing = Masks.from_binary(PIXELS).to_supervision()
    assert nothing.class_id is not None and nothing.class_id.tolist() == [0, 0, 0]
    assert nothing.confidence is not None and nothing.confidence.tolist() == [1, 1, 1]


def test_annotators_take_what_goes_out() -> None:
    scene = np.zeros((10, 12, 3), np.uint8)
    for masks in (some_masks(), Masks.from_binary(PIXELS), Masks.empty((10, 12))):
        detections = masks.to_supervision()
        drawn = sv.MaskAnnotator().annotate(scene.copy(), detections)
        sv.BoxAnnotator().annotate(scene.copy(), detections)
        assert drawn.any() == bool(len(masks))


def test_what_goes_out_merges() -> None:
    bare, named = Masks.from_binary(PIXELS), some_masks()
    stable = named.replace(stability=np.ones((3, 1), np.float32))
    merged = sv.Detections.merge([part.to_supervision() for part in (bare, named, stable, Masks.empty((10, 12)))])
    assert len(merged) == 9


@pytest.mark.parametrize(
    "detections",
    [
        sv.Detections.empty(),
        sv.Detections(xyxy=np.zeros((0, 4)), data={"class_name": np.zeros(0)}),  # names as floats
        sv.Detections(xyxy=np.zeros((0, 4)), mask=np.zeros((0, 10, 12), bool)),
        Masks.empty((10, 12)).to_supervision(),
        Masks.empty((10, 12)).to_supervision(compact=True),
    ],
)
def test_no_detections(detections: sv.Detections) -> None:
    masks = Masks.from_supervision(detections, (10, 12))
    assert (len(masks), masks.hw) == (0, (10, 12))
    prompts = Prompts.from_supervision(detections)
    assert len(prompts) == 0 and prompts.boxes is not None and prompts.labels == ()


def test_detections_that_lack_nearly_everything() -> None:
    prompts = Prompts.from_supervision(sv.Detections(xyxy=np.array([[1.5, 2, 3, 4]])), source="Detector")
    assert prompts.boxes is not None and prompts.boxes.tolist() == [[1.5, 2, 3, 4]]
    assert (prompts.labels, prompts.class_ids, prompts.scores, prompts.source) == (
        None,
        None,
        None,
        ("Detector",),
    )


@pytest.mark.parametrize("names", [["cat", "dog"], np.array(["cat", "dog"]), np.array(["cat", "dog"], object)])
def test_names_come_in_every_form(names: object) -> None:
    detections = sv.Detections(
        xyxy=np.array([[0, 0, 1, 1], [0, 0, 2, 2]], float),
        class_id=np.array([4, 5]),
        confidence=np.array([0.5, 0.25], np.float64),
        data={"class_name": names, "score": [None, None]},
    )
    prompts = Prompts.from_supervision(detections)
    assert prompts.labels == ("cat", "dog") and all(type(label) is str for label in prompts.labels)
    assert prompts.class_ids is not None and prompts.class_ids.tolist() == [4, 5]
    assert prompts.scores is not None and prompts.scores.tolist() == [0.5, 0.25]


def test_masks_that_are_missing_or_of_another_size_are_refused() -> None:
    boxes = sv.Detections(xyxy=np.array([[0, 0, 1, 1]], float))
    with pytest.raises(DataError, match=r"without masks.*Prompts\.from_supervision"):
        Masks.from_supervision(boxes, (10, 12))
    with pytest.raises(DataError, match=r"got \(10, 12\) for an image of \(20, 24\)"):
        Masks.from_supervision(some_masks().to_supervision(), (20, 24))


def test_colors_are_not_swapped_on_the_way() -> None:
    red = Image.from_array(np.full((10, 12, 3), (255, 0, 0), np.uint8))
    assert (red.pixels[..., ::-1] == (0, 0, 255)).all()  # what annotators call the scene: BGR
