"""SAM, SAM 2.1 and SAM 3 of ultralytics behind ``model=``, against ultralytics itself."""

import dataclasses
import os
import shutil
import sys

import numpy as np
import pytest
import torch
from sampipe_integrations.ultralytics import sam_loading
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone
from sampipe_integrations.ultralytics.sam import load_sam
from sampipe_integrations.ultralytics.segmenters import FAMILY

import sampipe as sp
from sampipe.models.segmenters import family_of
from sampipe.nodes import Refine, Segment, SegmentEverything
from sampipe.nodes.segment.segment import decode
from sampipe.testing import check_node

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


@pytest.fixture
def small(monkeypatch):
    """Squares of 128 pixels; SAM 3's of 336."""
    monkeypatch.setattr(sam_loading, "SIDE", 128)
    monkeypatch.setattr(sam_loading, "SIDE_OF_SAM3", 336)


def directly(path, picture, side, **prompts):
    """The masks of ultralytics' own SAM class."""
    bgr = np.ascontiguousarray(picture.pixels[:, :, ::-1])
    with side_effects_undone():
        model = load_ultralytics().SAM(str(path))
        return model.predict(bgr, imgsz=side, conf=0.0, device="cpu", verbose=False, **prompts)[0]


def node(path, **params):
    return Segment(model=str(path), device="cpu", **params)


@pytest.mark.parametrize("name", ["sam2.1_t.pt", "mobile_sam.pt"])
def test_masks_are_those_of_ultralytics(weights, picture, small, name):
    wanted = directly(weights / name, picture, 128, bboxes=BOXES)
    model = load_sam(weights / name, name=name, device=torch.device("cpu"), precision="exact")
    masks = decode(model, model.encode([picture])[0], sp.Prompts.from_boxes(BOXES, labels=["a", "b", "c"]), "never")
    assert len(masks) == 3 and masks.num_candidates == 1 and masks.prompts.labels == ("a", "b", "c")
    _same(masks, wanted)


def _same(masks, wanted):
    """The same scores, and masks that differ by the resampling of random logits only."""
    assert np.allclose(masks.iou_scores[:, 0], wanted.boxes.conf.numpy(), atol=1e-4)
    assert np.mean(masks.binary() == (wanted.masks.data.numpy() > 0)) > 0.9


def test_points_boxes_masks_and_candidates(weights, picture, small):
    one, three = (node(weights / "sam2.1_t.pt", multimask=kind) for kind in ("never", "auto"))
    point = sp.Prompts.from_points([[100, 100], [300, 200]], labels=["x", "y"])
    assert three(picture, prompts=point).num_candidates == 3
    assert one(picture, prompts=point).num_candidates == 1
    masks = one(picture, prompts=sp.Prompts.from_boxes(BOXES[:2])).logits[:, 0].numpy()
    mixed = sp.Prompts.concat(
        [sp.Prompts.from_boxes(BOXES[:1]), point.select([0]), sp.Prompts(mask_logits=masks), point.select([1])]
    )
    together = one(picture, prompts=mixed)
    for i in range(len(mixed)):
        alone = one(picture, prompts=mixed.select([i]))
        assert torch.allclose(together.logits[i], alone.logits[0], atol=1e-3)


def test_boxes_with_masks_are_decoded_as_by_sampipe_s_own_mobile_sam(weights, picture, tmp_path):
    theirs = load_sam(weights / "mobile_sam.pt", name="theirs", device=torch.device("cpu"), precision="exact")
    ours = sp.load_model(shutil.copy(weights / "mobile_sam.pt", tmp_path / "twin.pt"), "cpu")
    [seen] = ours.encode([picture])
    asked = sp.Prompts.from_boxes(BOXES)
    first = ours.decode(seen, asked, multimask=False)
    asked = asked.replace(mask_logits=first.logits[:, 0].numpy())
    second = ours.decode(seen, asked, multimask=True)
    there = theirs.decode(dataclasses.replace(seen, model_key=theirs.key), asked, multimask=True)
    assert torch.allclose(there.logits, second.logits, atol=1e-3)
    assert np.allclose(there.iou_scores, second.iou_scores, atol=1e-4)


def test_every_node_takes_them(weights, picture, small):
    path = str(weights / "sam2.1_t.pt")
    masks = node(path)(picture, prompts=sp.Prompts.from_boxes(BOXES))
    refined = Refine(model=path, device="cpu")(picture, masks=masks)
    assert len(refined) == 3 and not torch.equal(refined.logits, masks.logits)
    everything = SegmentEverything(
        model=path, device="cpu", points_per_side=3, min_iou=-9.0, stability_threshold=0, max_area_fraction=1
    )
    assert len(everything(picture))


def test_names_say_whose_a_model_is(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(weights)
    for name in ("sam2.1_t.pt", "mine-sam2_s.pt", "sam3.pt", "sam_b.pt", "FastSAM-s.pt", "fastsam"):
        assert family_of(name) is FAMILY, name
    for name in ("mobile_sam.pt", "nano", "mobile_sam"):
        assert family_of(name) is None, name  # a file that is there: sampipe reads it
    monkeypatch.chdir(tmp_path)
    assert family_of("mobile_sam.pt") is FAMILY
    lacking = [one for one in Segment(model="sam2.1_b.pt").requirements() if not one.is_met()]
    assert [one.name for one in lacking] == ["sam2.1_b.pt"]


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    load_ultralytics.cache_clear()
    try:
        with pytest.raises(sp.MissingDependencyError, match=r'pip install "sampipe\[ultralytics\]"'):
            Segment(model="sam2.1_t.pt").warm()
    finally:
        load_ultralytics.cache_clear()


class _Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_wrong_and_hostile_files_are_refused(weights, tmp_path):
    torch.save({"model": _Trap(tmp_path / "it_ran")}, tmp_path / "sam2.1_t.pt")
    torch.save({"a": torch.zeros(3)}, tmp_path / "sam2_s.pt")
    for name, reason in (
        ("sam2.1_t.pt", "sam2.1_t.pt"),
        ("sam2_s.pt", "does not fit sam2_s.pt"),
        ("none-sam2_t.pt", "no such file"),
    ):
        with pytest.raises(sp.CheckpointError, match=reason):
            node(tmp_path / name).warm()
    assert not (tmp_path / "it_ran").exists()


def test_it_behaves_as_a_node(weights, picture, small):
    check_node(node(weights / "sam2.1_t.pt"), image=picture)


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


def test_sam_3(tiny_sam3, picture, small):
    masks = node(tiny_sam3)(picture, prompts=sp.Prompts.from_boxes(BOXES, labels=["a", "b", "c"]))
    assert len(masks) == 3 and masks.prompts.labels == ("a", "b", "c") and np.isfinite(masks.iou_scores).all()
    _same(masks, directly(tiny_sam3, picture, 336, bboxes=BOXES))


def test_a_sam_3_file_that_lacks_weights_is_refused(tiny_sam3, tmp_path):
    tensors = torch.load(tiny_sam3, weights_only=True)
    lacking = {name: value for name, value in tensors.items() if "sam_mask_decoder.iou_token" not in name}
    torch.save(lacking, tmp_path / "sam3.pt")
    with pytest.raises(sp.CheckpointError, match=r"lacks 1 tensors \['sam_mask_decoder.iou_token"):
        node(tmp_path / "sam3.pt").warm()
