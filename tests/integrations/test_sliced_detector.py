"""supervision's InferenceSlicer around any detector: tiles in, boxes of the whole picture out."""

import numpy as np
import pytest
from sampipe_integrations.supervision import SlicedDetector

import sampipe as sp
from sampipe.graph import registry
from sampipe.testing import check_node


class Spots(sp.Node):
    """The bright squares of a picture, found one by one."""

    level: int = 200

    def run(self, image: sp.Image) -> sp.Prompts:
        from skimage.measure import label, regionprops

        parts = regionprops(label(image.pixels.min(axis=2) >= self.level))
        if not parts:
            return sp.Prompts.empty()
        boxes = [[part.bbox[1], part.bbox[0], part.bbox[3], part.bbox[2]] for part in parts]
        return sp.Prompts.from_boxes(boxes, labels=["spot"] * len(boxes), class_ids=[5] * len(boxes), source="spots")


class _Point:
    """An installed entry point, as importlib.metadata gives one."""

    name, value, module = "spots", "tests:spots", "tests"

    def load(self):
        return lambda argument, **params: Spots(**params)


@pytest.fixture
def spots(monkeypatch):
    real = registry.points
    monkeypatch.setattr(
        registry,
        "points",
        lambda group: {**real(group), "spots": _Point()} if group == "sampipe.detectors" else real(group),
    )


@pytest.fixture
def picture():
    pixels = np.zeros((200, 300, 3), np.uint8)
    for x, y in ((10, 10), (140, 90), (280, 180), (95, 40)):  # one in a corner of tiles, one across a border
        pixels[y : y + 12, x : x + 12] = 255
    return sp.Image.from_array(pixels)


def test_boxes_come_back_in_the_whole_picture_once_each(spots, picture):
    whole = Spots()(picture)
    node = SlicedDetector(detector="spots", tile=(100, 100), overlap=(40, 40), threads=2)
    found = node(picture)
    assert sorted(found.boxes.tolist()) == sorted(whole.boxes.tolist())
    assert set(found.labels) == {"spot"} and set(found.class_ids.tolist()) == {5}
    assert np.isnan(found.scores).all(), "a detector without scores has none after the tiles either"
    assert found.source[0].startswith("supervision.SlicedDetector@1 > ")
    every = SlicedDetector(detector="spots", tile=(100, 100), overlap=(40, 40), overlap_filter="none")(picture)
    assert len(every) > len(found)


def test_parameters_reach_the_inner_detector(spots, picture):
    dim = sp.Image.from_array(picture.pixels // 2)
    sizes = {"tile": (100, 100), "overlap": (40, 40)}
    assert len(SlicedDetector(detector="spots", **sizes)(dim)) == 0
    assert len(SlicedDetector(detector="spots", detector_params={"level": 100}, **sizes)(dim)) == 4


def test_nothing_found_is_a_typed_empty(spots):
    nothing = SlicedDetector(detector="spots", tile=(100, 100), overlap=(0, 0))(
        sp.Image.from_array(np.zeros((50, 50, 3), np.uint8))
    )
    assert nothing.boxes.shape == (0, 4)


def test_faces_found_in_tiles():
    picture = sp.Image.open("sample:astronaut")
    found = SlicedDetector(detector="face", detector_params={"min_size": 60}, tile=(300, 300), overlap=(200, 200))(
        picture
    )
    assert "face" in found.labels
    x0, y0, x1, y1 = found.boxes[0]
    assert 150 < (x0 + x1) / 2 < 300 and 50 < (y0 + y1) / 2 < 200


def test_wrong_parameters_are_said():
    for params, reason in (
        ({"tile": (0, 5)}, "less than the tile"),
        ({"tile": (64, 64), "overlap": (64, 0)}, "less than the tile"),
        ({"tile": (64,)}, "two whole numbers"),
        ({"overlap_filter": "most"}, "wanted one of 'nms', 'merge', 'none'"),
        ({"overlap_metric": "most"}, "wanted one of 'ios', 'iou'"),
        ({"threads": 0}, "at least 1"),
    ):
        with pytest.raises(sp.DataError, match=reason):
            SlicedDetector(detector="face", **params)
    with pytest.raises(sp.SpecError, match="No detector 'fase'"):
        SlicedDetector(detector="fase").warm()


def test_it_behaves_as_a_node():
    check_node(SlicedDetector(detector="face", tile=(64, 64), overlap=(16, 16)))
