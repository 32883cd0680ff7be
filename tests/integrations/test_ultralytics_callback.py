"""Masks for whatever an ultralytics model found, in ultralytics' own Results."""

import numpy as np
import pytest
from random_yolo import SIZE, write_yolo
from sampipe_integrations.ultralytics import add_masks, masks_callback
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

import sampipe as sp


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yolo")
    return {name: write_yolo(folder / f"{name}.pt", f"{name}.yaml") for name in ("yolo11n", "yolo11n-obb")}


def predict(path, picture, *, callback=None, conf=0.05):
    bgr = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    with side_effects_undone():
        model = load_ultralytics().YOLO(path)
        if callback is not None:
            model.add_callback("on_predict_postprocess_end", callback)
        return model.predict(bgr, conf=conf, imgsz=SIZE, max_det=5, verbose=False, device="cpu")[0]


def test_a_result_with_boxes_becomes_one_with_masks(models, picture):
    result = predict(models["yolo11n"], picture)
    got = add_masks(result, model="nano", device="cpu")
    assert result.masks is None and len(got.boxes) == len(result.boxes) == len(got.masks) > 0
    assert got.names == result.names and got.path == result.path and got.speed == result.speed
    wanted = sp.add_masks(picture, _detections(result)).mask
    assert np.array_equal(got.masks.data.numpy() > 0, wanted)
    assert all(len(outline) > 2 for outline, mask in zip(got.masks.xy, wanted, strict=True) if mask.any())
    assert got.plot().shape == picture.pixels.shape
    assert "segments" in got.summary()[0]


def _detections(result):
    import supervision as sv

    return sv.Detections(xyxy=result.boxes.xyxy.numpy())


def test_the_callback_does_it_for_every_result(models, picture):
    result = predict(models["yolo11n"], picture, callback=masks_callback(model="nano", device="cpu"))
    alone = add_masks(predict(models["yolo11n"], picture), device="cpu")
    assert np.array_equal(result.masks.data.numpy(), alone.masks.data.numpy())
    assert np.allclose(result.boxes.data.numpy(), alone.boxes.data.numpy())


def test_oriented_boxes_nothing_found_and_numpy_results(models, picture):
    oriented = add_masks(predict(models["yolo11n-obb"], picture), device="cpu")
    assert oriented.boxes is None and len(oriented.masks) == len(oriented.obb) > 0
    empty = add_masks(predict(models["yolo11n"], picture, conf=1.0), device="cpu")
    assert len(empty.boxes) == 0 and empty.masks is None
    assert len(add_masks(predict(models["yolo11n"], picture).numpy(), device="cpu").masks) > 0


def test_a_result_without_boxes_is_said(picture):
    with side_effects_undone():
        load_ultralytics()
        from ultralytics.engine.results import Results

        result = Results(picture.pixels.copy(), path="x.jpg", names={0: "cat"})
    with pytest.raises(sp.DataError, match="no boxes, as of a classifier"):
        add_masks(result)
