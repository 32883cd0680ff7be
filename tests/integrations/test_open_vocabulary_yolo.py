"""YOLO-World and YOLOE with random weights: phrases go in, their names and numbers come out unmixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sampipe_integrations.ultralytics import YoloE, YoloWorld
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

import sampipe as sp

IMAGE = sp.Image.from_array(np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("yolo") / "tiny-world.pt"
    with side_effects_undone():
        load_ultralytics().YOLO("yolov8s-worldv2.yaml").save(str(path))
    return str(path)


@pytest.fixture(scope="module")
def node(world: str) -> YoloWorld:
    return YoloWorld(weights=world, confidence=0.0, iou=1.0, image_size=64, max_detections=20, device="cpu")


def test_every_box_has_one_of_the_phrases_and_its_number(node: YoloWorld) -> None:
    text = sp.Text.of("person, hot dog, fire hydrant")
    found = node(IMAGE, text=text)
    assert len(found) and found.labels is not None and found.class_ids is not None and found.boxes is not None
    assert set(found.labels) <= set(text.phrases)
    assert [text.phrases[number] for number in found.class_ids] == list(found.labels)
    assert (found.boxes[:, 2:] <= [128, 96]).all() and (found.boxes >= 0).all()


def test_other_phrases_change_what_is_found(node: YoloWorld) -> None:
    first = node(IMAGE, text=sp.Text.of("person"))
    second = node(IMAGE, text=sp.Text.of("zebra, cup"))
    again = node(IMAGE, text=sp.Text.of("person"))
    assert set(first.labels or ()) == {"person"} and "person" not in (second.labels or ())
    assert np.array_equal(first.scores, again.scores) and not np.array_equal(first.scores, second.scores[: len(first)])


def test_nothing_above_the_threshold_is_a_typed_empty(world: str) -> None:
    node = YoloWorld(texts=["dog"], weights=world, confidence=1.0, image_size=64, device="cpu")
    found = node(IMAGE)
    assert len(found) == 0 and found.boxes is not None and found.boxes.shape == (0, 4)


def test_a_word_that_nobody_knows_is_said(node: YoloWorld) -> None:
    with pytest.raises(sp.DataError, match="does not know 'qwertz'"):
        node.run(IMAGE, sp.Text.of("qwertz"))


def test_no_phrase_at_all_is_said(node: YoloWorld) -> None:
    with pytest.raises(sp.DataError, match="nothing was asked for"):
        node.run(IMAGE)


def test_a_model_that_takes_no_words_is_a_checkpoint_error(tmp_path: Path) -> None:
    path = tmp_path / "plain.pt"
    with side_effects_undone():
        load_ultralytics().YOLO("yolo11n.yaml").save(str(path))
    with pytest.raises(sp.CheckpointError, match="wanted a WorldModel"):
        YoloWorld(texts=["dog"], weights=str(path), device="cpu").run(IMAGE)


def test_yoloe_refuses_vectors_of_another_space(world: str) -> None:
    with pytest.raises(sp.CheckpointError, match="MobileCLIP"):
        YoloE(texts=["dog"], weights=world, clip="words", device="cpu").run(IMAGE)


def test_yoloe_reads_vectors_through_its_own_projection(tmp_path: Path) -> None:
    path = tmp_path / "tiny-yoloe.pt"
    with side_effects_undone():
        load_ultralytics().YOLO("yoloe-11s.yaml").save(str(path))
    node = YoloE(weights=str(path), confidence=0.0, image_size=64, max_detections=5, device="cpu")
    rng = np.random.default_rng(0)
    vectors = sp.Embedding.normalized(rng.normal(size=(2, 512)), model="other", texts=("cup", "big dog"))
    boxes = node.model.detect(IMAGE, vectors, conf=0.0, imgsz=64, max_det=5)
    assert len(boxes.cls) and set(boxes.cls.astype(int)) <= {0, 1}
