"""YOLOX in onnxruntime: what goes in, what the rows mean, and how well the published nano model does."""

import contextlib
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sampipe_integrations.onnx import YoloxDetector
from sampipe_integrations.onnx.coco80 import COCO80
from sampipe_integrations.onnx.decoding import decode, letterbox
from tiny_yolox import CELL, rows_with, write_model

import sampipe as sp
from sampipe.testing import check_node


@pytest.fixture
def nano(shared_data, monkeypatch):
    monkeypatch.setenv("SAMPIPE_YOLOX_NANO", str(shared_data / "detectors" / "yolox_nano.onnx"))
    return YoloxDetector(threads=1)


def test_the_picture_lies_top_left_in_bgr_on_grey():
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[...] = (200, 100, 50)
    canvas, scale = letterbox(sp.Image.from_array(pixels), (64, 64))
    assert scale == 1.6 and canvas.shape == (1, 3, 64, 64) and canvas.dtype == np.float32
    assert canvas[0, :, :32].reshape(3, -1).T.tolist() == [[50.0, 100.0, 200.0]] * (32 * 64)
    assert (canvas[0, :, 32:] == 114).all()


def test_a_long_thin_picture_keeps_a_pixel():
    canvas, _ = letterbox(sp.Image.from_array(np.zeros((1, 5000, 3), np.uint8)), (64, 64))
    assert (canvas[0, :, 0] == 0).all() and (canvas[0, :, 1:] == 114).all()


def test_rows_decode_against_their_cell():
    rows = rows_with((CELL, 0.5, 0.25, np.log(2), 0.0, 0.5, 0.2, 0.8))
    boxes, scores = decode(rows, (64, 64))
    centre_x, centre_y, width, height = (1 + 0.5) * 16, (1 + 0.25) * 16, 32, 16
    wanted = [centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2]
    assert boxes[CELL].tolist() == pytest.approx(wanted)
    assert scores[CELL].tolist() == pytest.approx([0.1, 0.4])


def test_larger_models_have_a_fourth_stride():
    boxes, _ = decode(rows_with((84, 0.5, 0.5, 0.0, 0.0, 1.0, 1.0, 0.0), count=85), (64, 64))
    assert boxes[84].tolist() == [0, 0, 64, 64]


def test_a_detection_comes_back_in_pixels_of_the_picture(tmp_path):
    weights = write_model(tmp_path / "m.onnx", rows_with((CELL, 0.5, 0.25, np.log(2), 0.0, 1.0, 0.2, 0.8)))
    node = YoloxDetector(weights=weights, class_names=["nut", "bolt"])
    prompts = node(sp.Image.from_array(np.zeros((128, 256, 3), np.uint8)))  # a quarter in each direction
    assert prompts.boxes == pytest.approx(np.array([[32, 48, 160, 112]]))
    assert prompts.labels == ("bolt",) and prompts.class_ids.tolist() == [1]
    assert prompts.scores.tolist() == pytest.approx([0.8])
    assert prompts.source == ("onnx.YoloxDetector@1",)


def test_suppression_is_within_a_class_and_best_come_first(tmp_path):
    rows = rows_with(
        (CELL, 0.5, 0.5, 0.5, 0.5, 1.0, 0.6, 0.0),
        (CELL + 1, -0.5, 0.5, 0.5, 0.5, 1.0, 0.7, 0.0),  # the same place, seen from the next cell
        (CELL + 2, -1.5, 0.5, 0.5, 0.5, 1.0, 0.0, 0.9),  # and again, of the other class
        (0, 0.5, 0.5, 0.0, 0.0, 1.0, 0.2, 0.0),  # too weak
    )
    weights = write_model(tmp_path / "m.onnx", rows)
    picture = sp.Image.from_array(np.zeros((64, 64, 3), np.uint8))
    names = ["nut", "bolt"]
    found = YoloxDetector(weights=weights, class_names=names)(picture)
    assert (found.labels, found.scores.tolist()) == (("bolt", "nut"), pytest.approx([0.9, 0.7]))
    assert YoloxDetector(weights=weights, class_names=names, classes="nut")(picture).labels == ("nut",)
    assert YoloxDetector(weights=weights, class_names=names, max_detections=1)(picture).labels == ("bolt",)
    assert len(YoloxDetector(weights=weights, class_names=names, confidence=0.1, nms=1.0)(picture)) == 4
    assert len(YoloxDetector(weights=weights, class_names=names, confidence=0.95)(picture)) == 0


def test_an_unknown_class_is_refused_when_the_node_is_made():
    with pytest.raises(sp.DataError, match="Did you mean 'zebra'"):
        YoloxDetector(classes=["zebr"])


def test_files_that_are_not_yolox_are_refused(tmp_path):
    picture = sp.Image.from_array(np.zeros((64, 64, 3), np.uint8))
    names = ["nut", "bolt"]
    (tmp_path / "junk.onnx").write_bytes(b"junk" * 100)
    (tmp_path / "empty.onnx").write_bytes(b"")
    cases = {
        str(tmp_path / "none.onnx"): "no such file",
        str(tmp_path / "junk.onnx"): "onnxruntime can open",
        str(tmp_path / "empty.onnx"): "onnxruntime can open|not a YOLOX",
        write_model(tmp_path / "rows.onnx", rows_with(count=83)): "83 output rows",
        write_model(tmp_path / "classes.onnx", rows_with(classes=3)): "3 classes and class_names has 2",
        write_model(tmp_path / "size.onnx", rows_with(), shape=(1, 3, "h", "w")): "fixed input size",
    }
    for weights, reason in cases.items():
        with pytest.raises(sp.CheckpointError, match=reason):
            YoloxDetector(weights=weights, class_names=names)(picture)


def test_a_provider_that_is_not_there_is_named(tmp_path):
    weights = write_model(tmp_path / "m.onnx", rows_with())
    node = YoloxDetector(weights=weights, providers=["MoonExecutionProvider"])
    with pytest.raises(sp.CheckpointError, match=r"no provider MoonExecutionProvider.*CPUExecutionProvider"):
        node.warm()


def test_without_a_network_the_error_says_where_the_file_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    monkeypatch.delenv("SAMPIPE_YOLOX_NANO", raising=False)
    with pytest.raises(sp.CheckpointError) as caught:
        YoloxDetector().warm()
    for part in ("0.1.1rc0/yolox_nano.onnx", str(tmp_path / "hub" / "checkpoints"), "SAMPIPE_YOLOX_NANO"):
        assert part in str(caught.value)


def test_nodes_of_one_file_share_one_session(nano):
    other = YoloxDetector(threads=1, confidence=0.5)
    assert nano.model is other.model
    assert nano.model is not YoloxDetector(threads=2).model


def test_eight_threads_find_what_one_finds(nano):
    picture = sp.Image.open("sample:chelsea")
    alone = nano(picture)
    assert alone.labels == ("cat",)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(nano, [picture] * 16):
            assert np.array_equal(found.boxes, alone.boxes)


def test_it_behaves_as_a_node(nano):
    check_node(nano, image=sp.Image.open("sample:chelsea"))


def test_average_precision_of_the_published_nano_model(nano, shared_data):
    """The data's own README: AP50 0.692 (and 0.479 over all thresholds) on the first 20 pictures."""
    folder = shared_data / "coco-val"
    truth = _coco(json.loads(gzip.decompress((folder / "instances.json.gz").read_bytes())), limit=20)
    category_ids = sorted(truth.cats)
    assert tuple(truth.cats[category_id]["name"] for category_id in category_ids) == COCO80
    node = YoloxDetector(confidence=0.01, nms=0.65, max_detections=100, threads=1)
    results = []
    for image_id in truth.getImgIds():
        found = node(sp.Image.open(folder / "images" / truth.imgs[image_id]["file_name"]))
        for (x0, y0, x1, y1), class_id, score in zip(
            found.boxes.tolist(), found.class_ids, found.scores.tolist(), strict=True
        ):
            box = {"bbox": [x0, y0, x1 - x0, y1 - y0], "score": score}
            results.append({"image_id": image_id, "category_id": category_ids[class_id], **box})
    ap, ap50 = _average_precision(truth, results)
    assert ap50 == pytest.approx(0.69, abs=0.01)
    assert ap == pytest.approx(0.479, abs=0.01)


def _coco(data, limit):
    from pycocotools.coco import COCO
    from pycocotools.mask import toBbox

    images = sorted(data["images"], key=lambda image: image["id"])[:limit]
    ids = {image["id"] for image in images}
    objects = [one for one in data["annotations"] if one["image_id"] in ids]
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": images,
        "categories": data["categories"],
        "annotations": [{**one, "bbox": toBbox(one["segmentation"]).tolist()} for one in objects],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def _average_precision(truth, results):
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[1]
