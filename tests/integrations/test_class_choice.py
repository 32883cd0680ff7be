"""Choosing classes by name or id, and detections as prompts."""

import numpy as np
import pytest
from sampipe_integrations._detections import box_prompts, chosen_class_ids

import sampipe as sp

NAMES = {0: "person", 1: "bicycle", 7: "cat", 9: "cat"}


@pytest.mark.parametrize(
    ("classes", "ids"),
    [(None, None), ("person", [0]), (7, [7]), (["cat", 0, "person"], [0, 7, 9]), ((), [])],
)
def test_names_and_ids_choose_classes(classes, ids):
    assert chosen_class_ids(classes, NAMES) == ids


@pytest.mark.parametrize("classes", ["persn", 3, ["cat", "persn"]])
def test_an_unknown_class_lists_those_there_are(classes):
    with pytest.raises(sp.DataError, match="0 person, 1 bicycle, 7 cat") as caught:
        chosen_class_ids(classes, NAMES)
    if classes != 3:
        assert "Did you mean 'person'?" in str(caught.value)


def test_boxes_are_cut_at_the_image_and_keep_their_columns():
    image = sp.Image.from_array(np.zeros((40, 60, 3), np.uint8))
    boxes = np.array([[-5, 2, 20, 90], [70, 0, 90, 10], [1, 1, np.nan, 3]], np.float32)
    prompts = box_prompts(
        image,
        boxes,
        class_ids=np.array([7, 0, 0]),
        names=NAMES,
        scores=np.array([0.5, 0.4, 0.3]),
        source="me",
    )
    assert prompts.boxes.tolist() == [[0, 2, 20, 40]]
    assert (prompts.labels, prompts.source, prompts.class_ids.tolist()) == (("cat",), ("me",), [7])
    assert prompts.scores.tolist() == pytest.approx([0.5])
    assert (prompts.dropped, prompts.clipped) == (2, 1)


def test_no_detection_is_a_typed_empty():
    image = sp.Image.from_array(np.zeros((1, 1, 3), np.uint8))
    none = np.zeros(0)
    prompts = box_prompts(image, none.reshape(0, 4), class_ids=none.astype(int), names=NAMES, scores=none, source="me")
    assert len(prompts) == 0
    assert prompts.boxes.shape == (0, 4) and prompts.labels == () and prompts.scores.shape == (0,)
