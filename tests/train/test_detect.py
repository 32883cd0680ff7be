"""A detector's head: its boxes, its loss, and that it learns what a teacher says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sampipe.data.coco import read
from sampipe.errors import CheckpointError
from sampipe.models.detect import detect
from sampipe.models.model import SamModel
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.train.config import RunOptions
from sampipe.train.detect_examples import build_views, load_views, save_views
from sampipe.train.sources import open_source
from sampipe.train.tasks.detect import DETECT_LOOP, detect_task, generalized_iou, take_detector, with_detector
from sampipe.train.teacher import grid
from sampipe.train.trainer import Trainer
from sampipe.types import Image

NAMES = ("box", "ring")


class Ignorant:
    """A teacher that sees nothing: what is learnt is what was annotated."""

    size = 64

    def __call__(self, pixels: object, content: tuple[int, int]) -> torch.Tensor:
        return torch.zeros(len(grid(self.size)[0]), 5 + len(NAMES))


def test_generalized_iou_of_boxes_apart_is_negative() -> None:
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 1]])
    b = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [3, 0, 4, 1]])
    assert generalized_iou(a, b).tolist() == pytest.approx([1, 1 / 3, -0.5])


def test_a_head_learns_where_annotated_objects_are(tiny_network: Sam, shapes_folder: Path, tmp_path: Path) -> None:
    network = with_detector(tiny_network, NAMES)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    views = build_views(network, Ignorant(), NAMES, [(open_source(shapes_folder), 1.0)], count=24, seed=0, log=print)
    task = detect_task(network, views, size=Ignorant.size, seed=0, inputs={})
    loop = replace(DETECT_LOOP, steps=120, batch_size=8, micro_batch=8)
    path = Trainer(task, loop, tmp_path / "run", options=RunOptions(workers=0), log=lambda _: None).run()
    for name, value in network.state_dict().items():
        assert name.startswith("detector.") or torch.equal(value, before[name]), name
    from sampipe.models import load_model

    model, annotated = load_model(str(path), "cpu"), read(shapes_folder).images[0]()
    found = detect(model, model.encode([Image.open(annotated.path)])[0], confidence=0.3, nms=0.5, most=10)
    assert len(found.scores) and NAMES[found.class_ids[0]] == "box"
    truth = torch.tensor(annotated.objects[0].xyxy)
    assert generalized_iou(torch.from_numpy(found.boxes[:1]), truth[None]).item() > 0.3


def test_views_are_for_one_backbone_and_a_head_for_its_own(
    tiny_network: Sam, shapes_folder: Path, tmp_path: Path
) -> None:
    network = with_detector(tiny_network, NAMES)
    views = build_views(network, Ignorant(), NAMES, [(open_source(shapes_folder), 1.0)], count=2, seed=0, log=print)
    save_views(views, tmp_path / "views.pt", backbone="a")
    loaded = load_views(tmp_path / "views.pt", backbone="a")
    assert loaded is not None and torch.equal(loaded[1].told, views[1].told)
    assert load_views(tmp_path / "views.pt", backbone="b") is None
    save_checkpoint(network.state_dict(), network.config, tmp_path / "with.safetensors")
    other = with_detector(tiny_network, NAMES, seed=1)
    take_detector(other, tmp_path / "with.safetensors")
    for name, value in network.detector.state_dict().items():
        torch.testing.assert_close(other.detector.state_dict()[name], value, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        other.image_encoder.backbone.stem.weight.add_(1)
    with pytest.raises(CheckpointError, match="another backbone"):
        take_detector(other, tmp_path / "with.safetensors")


def test_a_model_without_a_head_says_how_to_train_one(tiny_network: Sam) -> None:
    model = SamModel(tiny_network, name="tiny")
    embedding = model.encode([Image.from_array(torch.zeros(8, 8, 3, dtype=torch.uint8).numpy())])[0]
    with pytest.raises(CheckpointError, match="sampipe train detect --from tiny"):
        detect(model, embedding, confidence=0.3, nms=0.5, most=10)


def test_an_image_without_objects_is_seen_whole(tiny_network: Sam, shapes_folder: Path) -> None:
    document = json.loads((shapes_folder / "instances.json").read_text())
    (shapes_folder / "instances.json").write_text(json.dumps(document | {"annotations": document["annotations"][:1]}))
    network = with_detector(tiny_network, NAMES)
    views = build_views(network, Ignorant(), NAMES, [(open_source(shapes_folder), 1.0)], count=16, seed=0, log=print)
    assert len(views) == 16
    assert sum(len(view.cells) == 0 for view in views) >= 12
