"""The functions for CVAT's SDK, as its driver and agents call them, where it is installed."""

from types import SimpleNamespace

import numpy as np
import pytest
from hosts import host

import sampipe as sp
from sampipe.nodes import NanoDetector, Segment, SelectCandidate


@pytest.fixture(scope="module")
def masks_of_cvat():
    host("cvat_sdk.auto_annotation", "an environment with cvat-sdk")
    from cvat_sdk.masks import decode_mask

    return lambda shape: decode_mask(shape.points, image_width=PICTURE.width, image_height=PICTURE.height)


PICTURE = sp.Image.open("sample:astronaut")


def context(**given):
    return SimpleNamespace(**({"frame_name": "a.png", "conf_threshold": None, "conv_mask_to_poly": False} | given))


def test_detections_are_masks_of_the_task_s_labels(masks_of_cvat):
    from sampipe_integrations.cvat.detection import create

    function = create(labels="person, car", device="cpu")
    assert [(one.id, one.name) for one in function.spec.labels] == [(0, "person"), (1, "car")]
    wanted = (NanoDetector(device="cpu") | Segment(device="cpu") | SelectCandidate()).run(image=PICTURE).masks
    people = [i for i, name in enumerate(wanted.prompts.labels) if name == "person"]
    shapes = function.detect(context(), PICTURE.to_pil())
    assert len(shapes) == len(people) > 0 and all(shape.label_id == 0 and shape.frame == 0 for shape in shapes)
    assert np.array_equal(masks_of_cvat(shapes[0]), wanted.binary()[people[0]])
    assert function.detect(context(conf_threshold=0.999), PICTURE.to_pil()) == []
    outlines = function.detect(context(conv_mask_to_poly=True), PICTURE.to_pil())
    assert {str(one.type) for one in outlines} == {"polygon"} and all(len(one.points) >= 6 for one in outlines)


def test_a_click_or_box_is_one_mask(masks_of_cvat):
    import cvat_sdk.auto_annotation as cvataa
    from sampipe_integrations.cvat.interaction import create

    class Asked(cvataa.InteractionPrompts):
        pos_points, neg_points, bounding_box = [(224.0, 110.0)], [(20.0, 20.0)], ((175.0, 66.0), (274.0, 165.0))

    class Nothing(cvataa.InteractionPrompts):
        pos_points, neg_points, bounding_box = [], [], None

    function = create(device="cpu")
    ready = function.preprocess_image(None, PICTURE.to_pil())
    [shape] = function.detect(None, ready, Asked())
    asked = sp.Prompts.object([175, 66, 274, 165], [(224, 110)], [(20, 20)])
    assert np.array_equal(masks_of_cvat(shape), Segment(device="cpu")(PICTURE, prompts=asked).best().binary()[0])
    assert 0 <= float(shape.attributes[0].value) <= 1
    assert function.detect(None, ready, Nothing()) == [] and function.spec.min_bounding_boxes == 0


def test_a_model_that_reads_no_words_needs_a_detector(masks_of_cvat):
    from sampipe_integrations.cvat.detection import create

    with pytest.raises(sp.DataError, match="nano reads no words; name a detector, or take model=sam3"):
        create(labels="cup", detector="")
