"""sampipe.add_masks: detections in, the same detections with masks out."""

import numpy as np
import PIL.Image
import pytest
import supervision as sv

import sampipe as sp


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:astronaut")


def found(count=3):
    return sv.Detections(
        xyxy=np.array([[175, 66, 274, 165], [900, 900, 990, 990], [0, 0, 511, 511]], np.float32)[:count],
        confidence=np.array([0.9, 0.5, 0.4], np.float32)[:count],
        class_id=np.array([0, 7, 3])[:count],
        tracker_id=np.array([11, 12, 13])[:count],
        data={"class_name": np.array(["face", "beyond", "all"])[:count]},
        metadata={"from": "me"},
    )


def test_masks_come_in_the_order_of_the_boxes_and_the_rest_stays(picture):
    given = found()
    got = sp.add_masks(picture, given)
    assert got.mask.shape == (3, 512, 512) and got.mask.dtype == bool
    assert got.mask[0].any() and got.mask[2].any()
    assert not got.mask[1].any(), "a box outside the image has no mask"
    rows, columns = np.nonzero(got.mask[0])
    assert 150 < columns.mean() < 300 and 40 < rows.mean() < 190, "the face's mask lies on the face"
    assert np.array_equal(got.xyxy, given.xyxy) and np.array_equal(got.tracker_id, given.tracker_id)
    assert list(got["class_name"]) == ["face", "beyond", "all"]
    assert got.metadata == {"from": "me"} and given.mask is None


def test_it_is_what_the_segment_node_gives(picture):
    from sampipe.nodes import Segment

    [wanted] = Segment(model="nano")(picture, prompts=sp.Prompts.from_boxes(found(1).xyxy)).binary()
    assert np.array_equal(sp.add_masks(picture, found(1)).mask[0], wanted)


def test_every_kind_of_picture(picture, tmp_path):
    picture.to_pil().save(tmp_path / "a.png")
    wanted = sp.add_masks(picture, found(1)).mask
    bgr = np.ascontiguousarray(picture.pixels[..., ::-1])
    for image in (bgr, picture.to_pil(), str(tmp_path / "a.png"), tmp_path / "a.png", "sample:astronaut"):
        assert np.array_equal(sp.add_masks(image, found(1)).mask, wanted)
    assert np.array_equal(sp.add_masks(picture.pixels, found(1), color="rgb").mask, wanted)
    assert sp.add_masks(np.asarray(picture.to_pil().convert("L")), found(1)).mask.shape == (1, 512, 512)
    assert isinstance(picture.to_pil(), PIL.Image.Image)


def test_compact_masks_are_the_same_masks(picture):
    compact = sp.add_masks(picture, found(), compact=True)
    assert isinstance(compact.mask, sv.CompactMask)
    assert np.array_equal(np.asarray(compact.mask), sp.add_masks(picture, found()).mask)


def test_nothing_found_gives_nothing(picture):
    got = sp.add_masks(picture, sv.Detections.empty())
    assert len(got) == 0 and got.mask.shape == (0, 512, 512)


def test_what_is_no_picture_or_no_detections_is_said(picture):
    with pytest.raises(sp.DataError, match=r"got a list, wanted supervision.Detections"):
        sp.add_masks(picture, [[1, 2, 3, 4]])
    with pytest.raises(sp.DataError, match=r"image: got a int; wanted"):
        sp.add_masks(3, found())
    with pytest.raises(sp.CheckpointError, match="vit_x"):
        sp.add_masks(picture, found(), model="vit_x")


def test_annotators_take_the_result(picture):
    scene = sv.MaskAnnotator().annotate(picture.pixels.copy(), sp.add_masks(picture, found()))
    assert scene.shape == picture.pixels.shape and not np.array_equal(scene, picture.pixels)
