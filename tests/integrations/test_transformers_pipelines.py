"""Out of sampipe into transformers: what stands for its mask generation, and a pipeline that it lacks."""

import numpy as np
import pytest
import torch
from sampipe_integrations.transformers import MaskGenerator, register_pipelines
from tiny_transformers import write_owlvit, write_sam

import sampipe as sp
from sampipe.nodes import SegmentEverything

QUICK = {"points_per_crop": 4, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:coins")


def test_mask_generation_gives_what_segment_everything_finds(picture):
    found = MaskGenerator(model="nano", device="cpu")(picture.to_pil(), **QUICK)
    node = SegmentEverything(points_per_side=4, min_iou=0.0, stability_threshold=0.0, device="cpu")
    wanted = node(picture)
    assert len(found["masks"]) == len(wanted) > 1
    assert np.array_equal(np.stack(found["masks"]), wanted.binary())
    assert torch.allclose(found["scores"], torch.tensor(wanted.iou_scores[:, 0]))


def test_it_has_the_keys_and_types_of_the_pipeline(picture, tmp_path):
    from transformers import AutoModelForMaskGeneration, SamImageProcessor, pipeline

    folder = write_sam(tmp_path / "sam")
    theirs = pipeline(
        "mask-generation",
        model=AutoModelForMaskGeneration.from_pretrained(folder),
        image_processor=SamImageProcessor.from_pretrained(folder),
        device="cpu",
    )
    loose = {"pred_iou_thresh": -10.0, "stability_score_thresh": -1.0, "points_per_crop": 2}
    wanted = theirs(picture.to_pil(), output_rle_mask=True, output_bboxes_mask=True, **loose)
    ours = MaskGenerator(device="cpu", **QUICK)
    found = ours(picture.to_pil(), points_per_batch=8, output_rle_mask=True, output_bboxes_mask=True)
    assert ours.task == theirs.task
    assert set(found) == set(wanted) == {"masks", "scores", "rle_mask", "bounding_boxes"}
    for key in found:
        assert type(found[key]) is type(wanted[key]), key
    assert type(found["masks"][0]) is type(wanted["masks"][0])
    assert found["masks"][0].shape == wanted["masks"][0].shape == picture.hw
    assert found["masks"][0].dtype == wanted["masks"][0].dtype == torch.bool and found["scores"].dtype == torch.float32
    assert set(found["rle_mask"][0]) == set(wanted["rle_mask"][0]) == {"size", "counts"}
    assert found["bounding_boxes"].shape == (len(found["masks"]), 4)


def test_several_pictures_and_unknown_options(picture, tmp_path):
    picture.to_pil().save(tmp_path / "coins.png")
    both = MaskGenerator(device="cpu", **QUICK)([picture.to_pil(), str(tmp_path / "coins.png")])
    assert len(both) == 2 and np.array_equal(both[0]["masks"][0], both[1]["masks"][0])
    with pytest.raises(sp.DataError, match="'points' is no option here; there are points_per_batch"):
        MaskGenerator()(picture, points=3)


def test_options_are_honoured_or_refused_by_name(picture):
    from transformers.pipelines import MaskGenerationPipeline

    names = ("mask_threshold", "max_hole_area", "max_sprinkle_area", "timeout", *QUICK, "crops_nms_thresh")
    accepted = MaskGenerationPipeline._sanitize_parameters(None, **dict.fromkeys(names, 0))
    assert {name for part in accepted for name in part} == set(names), "all that the pipeline takes is known here"
    strict, loose = (
        len(MaskGenerator(device="cpu", crops_nms_thresh=overlap, **QUICK)(picture)["masks"]) for overlap in (0.05, 1.0)
    )
    assert strict < loose, "without crops, too"
    assert MaskGenerator(device="cpu", mask_threshold=0.0, timeout=None, **QUICK)(picture)["masks"]
    for name, value in (("mask_threshold", 0.5), ("max_hole_area", 10), ("max_sprinkle_area", 10), ("timeout", 3.0)):
        with pytest.raises(sp.DataError, match=f"{name}: got {value}, and only"):
            MaskGenerator(**{name: value})


def test_zero_shot_image_segmentation(picture, tmp_path):
    from transformers import pipeline

    register_pipelines()
    register_pipelines()  # once is enough, twice no harm
    folder = write_owlvit(tmp_path / "owl")
    boxes = pipeline("zero-shot-object-detection", model=folder, device="cpu")
    masks = pipeline("zero-shot-image-segmentation", model=folder, device="cpu", sam="nano", sam_device="cpu")
    asked = {"candidate_labels": ["coin", "dog"], "threshold": 0.0, "top_k": 3}
    wanted = boxes(picture.to_pil(), **asked)
    found = masks(picture.to_pil(), **asked)
    assert len(found) == len(wanted) > 0
    assert [{k: one[k] for k in ("score", "label", "box")} for one in found] == wanted
    for one in found:
        assert one["mask"].size == picture.wh and one["mask"].mode == "L"
        assert set(np.unique(np.asarray(one["mask"]))) <= {0, 255}
    asked_for = [[one["box"][side] for side in ("xmin", "ymin", "xmax", "ymax")] for one in found]
    import supervision as sv

    expected = sp.add_masks(picture, sv.Detections(xyxy=np.array(asked_for, np.float32)), device="cpu").mask
    assert np.array_equal(np.stack([np.asarray(one["mask"]) > 0 for one in found]), expected)
    assert len(masks([picture.to_pil()] * 2, **asked)) == 2
    assert masks(picture.to_pil(), candidate_labels="coin", threshold=1.1) == []
