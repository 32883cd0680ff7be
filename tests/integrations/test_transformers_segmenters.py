"""The Segment Anything models of transformers behind ``model=``, against the package's own processors."""

import numpy as np
import pytest
import torch
from sampipe_integrations.transformers.segmenters import HUB
from tiny_transformers import write_detr, write_edgetam, write_sam, write_sam2, write_sam3_tracker, write_sam_hq

import sampipe as sp
from sampipe.models.segmenters import load_segmenter, segmenter_names
from sampipe.nodes import (
    AddClicks,
    DecodeMasks,
    EncodeImage,
    MaskPrompts,
    NanoDetector,
    PointGrid,
    Refine,
    Segment,
    SegmentEverything,
)
from sampipe.testing import check_node

BOXES = [[20, 30, 200, 220], [150, 60, 400, 280], [10, 10, 60, 90]]
POINTS = [[[50, 60], [100, 120]], [[200, 100], [220, 140]]]
WRITERS = {
    "sam": write_sam,
    "sam_hq": write_sam_hq,
    "sam2": write_sam2,
    "edgetam": write_edgetam,
    "sam3": write_sam3_tracker,
}
STRETCHED = ("sam2", "edgetam", "sam3")
all_of_them = pytest.mark.parametrize("name", WRITERS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmenters")
    return {name: write(folder / name) for name, write in WRITERS.items()}


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


def theirs(folder, name, picture, **prompts):
    """What the processor and the model of transformers make of it: inputs, outputs and the image processor."""
    from transformers import (
        AutoImageProcessor,
        AutoModelForMaskGeneration,
        Sam2Processor,
        Sam3TrackerProcessor,
        SamHQProcessor,
        SamProcessor,
    )

    kinds = {"sam": SamProcessor, "sam_hq": SamHQProcessor, "sam3": Sam3TrackerProcessor}
    images = AutoImageProcessor.from_pretrained(folder)
    model = AutoModelForMaskGeneration.from_pretrained(folder).eval()
    inputs = kinds.get(name, Sam2Processor)(images)(images=picture.to_pil(), **prompts, return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**{k: v for k, v in inputs.items() if "size" not in k}, multimask_output=True)
    return inputs, outputs, images


@all_of_them
def test_boxes_give_the_masks_of_transformers(models, picture, name):
    inputs, outputs, images = theirs(models[name], name, picture, input_boxes=[BOXES])
    masks = Segment(model=models[name], multimask="always", device="cpu")(
        picture, prompts=sp.Prompts.from_boxes(BOXES, labels=["a", "b", "c"])
    )
    assert masks.num_candidates == 3 and masks.prompts.labels == ("a", "b", "c")
    assert np.allclose(masks.iou_scores, outputs.iou_scores[0].numpy(), atol=1e-4)
    assert torch.allclose(masks.logits, outputs.pred_masks[0], atol=1e-3)
    sizes = [inputs["original_sizes"]] + ([] if name in STRETCHED else [inputs["reshaped_input_sizes"]])
    pixels = images.post_process_masks(outputs.pred_masks, *sizes)[0].numpy()
    for column in range(3):
        ours = masks.candidate(column).binary()
        assert np.mean(ours == pixels[:, column]) > 0.9  # random logits at a coarse grid, resampled in two ways


@all_of_them
def test_points_give_the_masks_of_transformers(models, picture, name):
    labels = [[1, 0], [1, 1]]
    _, outputs, _ = theirs(models[name], name, picture, input_points=[POINTS], input_labels=[labels])
    asked = sp.Prompts.from_points(POINTS, labels)
    masks = Segment(model=models[name], multimask="always", device="cpu")(picture, prompts=asked)
    assert torch.allclose(masks.logits, outputs.pred_masks[0], atol=1e-3)


@all_of_them
def test_an_object_does_not_depend_on_its_company(models, picture, name):
    points = sp.Prompts.from_points(POINTS[:1], [[1, 0]])
    mixed = sp.Prompts.concat([sp.Prompts.from_boxes(BOXES[:1]), points, sp.Prompts.from_points([[200, 100]])])
    node = Segment(model=models[name], multimask="never", device="cpu")
    together = node(picture, prompts=mixed)
    assert together.num_candidates == 1
    for row in range(3):
        alone = node(picture, prompts=mixed.select([row]))
        assert torch.allclose(together.logits[row], alone.logits[0], atol=1e-4)
    lone_point = Segment(model=models[name], device="cpu")(picture, prompts=mixed.select([2]))
    assert lone_point.num_candidates == 3


@all_of_them
def test_masks_go_back_in_as_transformers_takes_them(models, picture, name):
    node = Segment(model=models[name], multimask="never", device="cpu")
    first = node(picture, prompts=sp.Prompts.from_boxes(BOXES))
    refined = Refine(model=models[name], device="cpu")(picture, masks=first)
    model, frame = load_segmenter(models[name], "cpu"), first.frame
    from transformers import AutoModelForMaskGeneration

    network = AutoModelForMaskGeneration.from_pretrained(models[name]).eval()
    inputs, _, _ = theirs(models[name], name, picture, input_boxes=[BOXES[:1]])
    with torch.inference_mode():
        outputs = network(
            pixel_values=inputs["pixel_values"],
            input_boxes=torch.from_numpy(frame.boxes_to_input(BOXES[:1]))[None],
            input_masks=first.logits[:1],
            multimask_output=False,
        )
    assert model.mask_size == first.logits.shape[-1]
    off, moved = ((refined.logits[0] - one).abs().max() for one in (outputs.pred_masks[0, 0], first.logits[0]))
    assert off < 1e-3 and moved > 5 * off


@all_of_them
def test_every_node_takes_them(models, picture, name):
    segment = Segment(model=models[name], device="cpu")
    check_node(segment)
    encoded = EncodeImage(model=models[name], device="cpu")(picture)
    assert encoded.frame.resized_hw == ((64, 64) if name in STRETCHED else (43, 64))
    decoded = DecodeMasks(model=models[name], device="cpu")(encoded, prompts=sp.Prompts.from_boxes(BOXES))
    assert torch.allclose(decoded.logits, segment(picture, prompts=sp.Prompts.from_boxes(BOXES)).logits, atol=1e-4)
    clicked = AddClicks(model=models[name], points=[[90, 80]], device="cpu")(picture, masks=decoded)
    assert len(clicked) == 3 and torch.equal(clicked.logits[1:], decoded.logits[1:])
    everything = SegmentEverything(
        model=models[name], device="cpu", points_per_side=3, min_iou=-9.0, stability_threshold=0, max_area_fraction=1
    )(picture)
    assert len(everything) and everything.hw == picture.hw
    nothing = SegmentEverything(model=models[name], device="cpu", points_per_side=3, min_iou=9.0)(picture)
    assert len(nothing) == 0 and nothing.hw == picture.hw
    two = Segment(model=models[name], device="cpu").run_batch([picture] * 2, [sp.Prompts.from_boxes(BOXES)] * 2)
    assert torch.allclose(two[1].logits, decoded.logits, atol=1e-4)


@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_a_mask_prompt_lies_where_the_mask_is(models, picture, name):
    """A mask of the image's lower half, given before the model is known, covers the lower half of its square."""
    half = np.zeros(picture.hw, bool)
    half[150:] = True
    prompts = MaskPrompts(rles=[sp.RLE.from_mask(half).to_coco()], size=32 if name == "sam" else 16)(picture)
    seen = []
    model = load_segmenter(models[name], "cpu")
    network = model._network
    network.register_forward_pre_hook(lambda _, __, given: seen.append(given["input_masks"][0, 0]), with_kwargs=True)
    Segment(model=models[name], device="cpu")(picture, prompts=prompts)
    [logits] = seen
    rows = np.flatnonzero((logits > 0).any(dim=1).numpy())
    last = len(logits) if name == "sam2" else round(len(logits) * 300 / 451)
    assert abs(rows[0] - last / 2) <= 1 and abs(rows[-1] + 1 - last) <= 1


def test_what_is_missing_or_does_not_fit_is_said_before_anything_loads(models, tmp_path):
    assert set(HUB) <= set(segmenter_names())
    lacking = [one for one in Segment(model="sam2.1_hiera_t").requirements() if not one.is_met()]
    assert [one.name for one in lacking] == ["facebook/sam2.1-hiera-tiny"]
    assert all(one.is_met() for one in Segment(model=models["sam"], device="cpu").requirements())
    report = (PointGrid() | Segment(model="sam2.1_hiera_q")).check()
    assert "Did you mean" in str(report) and "'sam2.1_hiera_t'" in str(report)


def test_wrong_models_are_refused(models, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    with pytest.raises(sp.CheckpointError, match="cannot load a mask generation model"):
        Segment(model=write_detr(tmp_path / "detr")).warm()
    with pytest.raises(sp.CheckpointError, match="neither a known model nor a file"):
        Segment(model="weights/sam.pth").warm()
    with pytest.raises(sp.DataError, match="takes points, boxes and masks, not CLIP vectors"):
        Segment(model=models["sam"], device="cpu")(
            picture, prompts=sp.Prompts(text=np.eye(1, 8, dtype=np.float32), text_space="x")
        )
    with pytest.raises(sp.CheckpointError, match=r"has no detector's head\. Use nano"):
        NanoDetector(model=models["sam"], device="cpu")(picture)
    with pytest.raises(sp.CheckpointError, match="another package's model, and this needs the network of one of"):
        sp.load_model(models["sam"])


def test_one_model_serves_all_who_name_it(models):
    assert load_segmenter(models["sam2"], "cpu") is load_segmenter(models["sam2"], "cpu")
    assert load_segmenter(models["sam2"], "cpu").key != load_segmenter(models["edgetam"], "cpu").key
