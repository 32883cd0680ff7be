"""SAM, SAM 2.1 and SAM 3 of ultralytics behind Segment's ports, against ultralytics itself."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sampipe_integrations.ultralytics import UltralyticsSegment
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

import sampipe as sp
from sampipe.testing import check_node

SIDE = 128
BOXES = [[20, 30, 200, 220], [150, 60, 400, 280], [10, 10, 60, 90]]


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights under the names that tell ultralytics which model they are of."""
    folder = tmp_path_factory.mktemp("sam")
    with side_effects_undone():
        load_ultralytics()
        from ultralytics.models.sam import build

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(build, "_load_checkpoint", lambda model, *_: model)
            for name in ("sam2.1_t.pt", "mobile_sam.pt"):
                torch.manual_seed(0)
                torch.save(_pleased(build.sam_model_map[name](name).state_dict()), folder / name)
    return folder


def _pleased(tensors):
    """The same weights with a high opinion of their masks: ultralytics drops those that are scored below 0."""
    for name in tensors:
        if name.endswith("iou_prediction_head.layers.2.bias"):
            tensors[name] += 2
    return tensors


def directly(path, picture, **prompts):
    """The masks of ultralytics' own SAM class."""
    bgr = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    with side_effects_undone():
        model = load_ultralytics().SAM(str(path))
        return model.predict(bgr, imgsz=SIDE, conf=0.0, device="cpu", verbose=False, **prompts)[0]


def node(path, **params):
    return UltralyticsSegment(weights=str(path), device="cpu", image_size=SIDE, **params)


@pytest.mark.parametrize("name", ["sam2.1_t.pt", "mobile_sam.pt"])
def test_masks_are_those_of_ultralytics(weights, picture, name):
    wanted = directly(weights / name, picture, bboxes=BOXES)
    masks = node(weights / name)(picture, prompts=sp.Prompts.from_boxes(BOXES, labels=["a", "b", "c"]))
    assert len(masks) == 3 and masks.num_candidates == 1 and masks.prompts.labels == ("a", "b", "c")
    _same(masks, wanted)


def _same(masks, wanted):
    """The same scores, and masks that differ by the resampling of random logits only."""
    assert np.allclose(masks.iou_scores[:, 0], wanted.boxes.conf.numpy(), atol=1e-4)
    assert np.mean(masks.binary() == (wanted.masks.data.numpy() > 0)) > 0.9


def test_points_boxes_and_candidates(weights, picture):
    segment = node(weights / "sam2.1_t.pt")
    point = sp.Prompts.from_points([[100, 100], [300, 200]], labels=["x", "y"])
    assert segment(picture, prompts=point).num_candidates == 3
    assert node(weights / "sam2.1_t.pt", multimask="never")(picture, prompts=point).num_candidates == 1
    mixed = sp.Prompts.concat([sp.Prompts.from_boxes(BOXES[:1]), point.select([0]), sp.Prompts.from_boxes(BOXES[2:])])
    together = node(weights / "sam2.1_t.pt", multimask="never")(picture, prompts=mixed)
    apart = [node(weights / "sam2.1_t.pt", multimask="never")(picture, prompts=mixed.select([i])) for i in range(3)]
    for i, one in enumerate(apart):
        assert torch.allclose(together.logits[i], one.logits[0], atol=1e-3)


def test_of_mask_prompts_it_says_that_it_takes_none(weights, picture):
    prompts = sp.Prompts(mask_logits=np.zeros((1, 16, 16), np.float32))
    with pytest.raises(sp.DataError, match="takes points and boxes as prompts, not masks"):
        node(weights / "mobile_sam.pt")(picture, prompts=prompts)
    with pytest.raises(sp.DataError, match="wanted one of auto, always, never"):
        UltralyticsSegment(multimask="sometimes")


class _Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_wrong_and_hostile_files_are_refused(weights, tmp_path):
    torch.save({"model": _Trap(tmp_path / "it_ran")}, tmp_path / "sam2.1_t.pt")
    torch.save({"a": torch.zeros(3)}, tmp_path / "mobile_sam.pt")
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pt")
    for name, reason in (
        ("sam2.1_t.pt", "sam2.1_t.pt"),
        ("mobile_sam.pt", "does not fit mobile_sam.pt"),
        ("other.pt", "the name says no model"),
        ("none.pt", "no such file"),
    ):
        with pytest.raises(sp.CheckpointError, match=reason):
            node(tmp_path / name).warm()
    assert not (tmp_path / "it_ran").exists()


def test_it_behaves_as_a_node(weights, picture):
    check_node(node(weights / "mobile_sam.pt"), image=picture)


@pytest.fixture(scope="module")
def tiny_sam3(tmp_path_factory):
    """SAM 3 as ultralytics builds it, with a shallow and narrow vision trunk, and its weights in Meta's names."""
    with side_effects_undone():
        load_ultralytics()
        from ultralytics.models.sam import build_sam3

    real = build_sam3.ViT
    small = {"embed_dim": 64, "depth": 2, "num_heads": 2, "global_att_blocks": (1,)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_sam3, "ViT", lambda **given: real(**{**given, **small}))
        with pytest.MonkeyPatch.context() as unfilled:
            unfilled.setattr(build_sam3, "_load_checkpoint", lambda model, *_, **__: model)
            torch.manual_seed(0)
            tensors = _pleased(build_sam3.build_interactive_sam3("none").state_dict())
        path = tmp_path_factory.mktemp("sam3") / "sam3.pt"
        torch.save({_metas_name(name): value for name, value in tensors.items()}, path)
        yield path


def _metas_name(name):
    for ours, theirs in (
        ("image_encoder.vision_backbone", "detector.backbone.vision_backbone"),
        ("memory_attention", "tracker.transformer.encoder"),
        ("memory_encoder", "tracker.maskmem_backbone"),
    ):
        if name.startswith(ours):
            return name.replace(ours, theirs, 1)
    return f"tracker.{name}"


def test_sam_3(tiny_sam3, picture):
    segment = UltralyticsSegment(weights=str(tiny_sam3), device="cpu", image_size=336)
    masks = segment(picture, prompts=sp.Prompts.from_boxes(BOXES, labels=["a", "b", "c"]))
    assert len(masks) == 3 and masks.prompts.labels == ("a", "b", "c") and np.isfinite(masks.iou_scores).all()
    with side_effects_undone():
        model = load_ultralytics().SAM(str(tiny_sam3))
        bgr = np.ascontiguousarray(picture.pixels[:, :, ::-1])
        wanted = model.predict(bgr, bboxes=BOXES, imgsz=336, conf=0.0, device="cpu", verbose=False)[0]
    _same(masks, wanted)


def test_a_sam_3_file_that_lacks_weights_is_refused(tiny_sam3, tmp_path):
    tensors = torch.load(tiny_sam3, weights_only=True)
    lacking = {name: value for name, value in tensors.items() if "sam_mask_decoder.iou_token" not in name}
    Path(tmp_path / "x").mkdir()
    torch.save(lacking, tmp_path / "x" / "sam3.pt")
    with pytest.raises(sp.CheckpointError, match=r"lacks 1 tensors \['sam_mask_decoder.iou_token"):
        UltralyticsSegment(weights=str(tmp_path / "x" / "sam3.pt"), device="cpu").warm()
