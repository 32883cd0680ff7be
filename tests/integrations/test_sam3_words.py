"""SAM 3's words: ``SegmentText`` and ``--text`` against the processor of transformers."""

import numpy as np
import pytest
import torch
from tiny_transformers import write_sam2, write_sam3

import sampipe as sp
from sampipe.models.segmenters import load_words
from sampipe.nodes import SegmentText
from sampipe.testing import check_node
from sampipe.text.modes import choose_mode

BOX = [60, 40, 200, 180]


@pytest.fixture(scope="module")
def sam3(tmp_path_factory):
    return write_sam3(tmp_path_factory.mktemp("words") / "sam3")


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


def theirs(folder, picture, threshold, **asked):
    from transformers import AutoImageProcessor, AutoTokenizer, Sam3Model, Sam3Processor

    processor = Sam3Processor(AutoImageProcessor.from_pretrained(folder), AutoTokenizer.from_pretrained(folder))
    model = Sam3Model.from_pretrained(folder).eval()
    inputs = processor(images=picture.to_pil(), **asked, return_tensors="pt")
    inputs.pop("original_sizes")
    with torch.inference_mode():
        outputs = model(**inputs)
    [found] = processor.post_process_instance_segmentation(
        outputs, threshold=threshold, mask_threshold=0.5, target_sizes=[picture.hw]
    )
    return found


def middle_score(folder, picture, **asked):
    """A limit that about half of the random network's instances exceed."""
    return float(np.median(theirs(folder, picture, 0.0, **asked)["scores"].numpy()))


@pytest.mark.parametrize(
    ("node", "prompts", "asked"),
    [
        ({"texts": ["cup"]}, None, {"text": "cup"}),
        (
            {"texts": ["cup"]},
            sp.Prompts.from_boxes([BOX]),
            {"text": "cup", "input_boxes": [[BOX]], "input_boxes_labels": [[1]]},
        ),
        ({}, sp.Prompts.from_boxes([BOX]), {"input_boxes": [[BOX]], "input_boxes_labels": [[1]]}),
    ],
    ids=["words", "words and an example", "an example"],
)
def test_instances_are_those_of_transformers(sam3, picture, node, prompts, asked):
    limit = middle_score(sam3, picture, **asked)
    found = theirs(sam3, picture, limit, **asked)
    masks = SegmentText(model=sam3, confidence=limit, device="cpu", **node)(picture, prompts=prompts)
    order = np.argsort(-found["scores"].numpy(), kind="stable")
    assert 0 < len(masks) == len(order) < 12
    assert np.allclose(masks.prompts.scores, found["scores"].numpy()[order], atol=1e-5)
    assert np.allclose(masks.prompts.boxes, found["boxes"].numpy()[order], atol=0.01)
    assert masks.prompts.labels == (("cup",) * len(masks) if "texts" in node else masks.prompts.labels)
    same = np.mean(masks.binary() == found["masks"].numpy()[order].astype(bool))
    assert same > 0.97  # logits are resampled here, probabilities there


def test_each_phrase_and_each_example_is_for_itself(sam3, picture):
    limit = middle_score(sam3, picture, text="cup")
    cup, dog = (SegmentText(model=sam3, texts=[one], confidence=limit, device="cpu")(picture) for one in ("cup", "dog"))
    both = SegmentText(model=sam3, texts=["cup", "dog"], confidence=limit, device="cpu")
    masks = both(picture)
    assert [masks.prompts.labels.count(name) for name in ("cup", "dog")] == [len(cup), len(dog)]
    assert (np.diff(masks.prompts.scores) <= 0).all()
    named = both(picture, prompts=sp.Prompts.from_boxes([BOX], labels=["dog"]))
    cups = np.array(named.prompts.labels) == "cup"
    assert np.allclose(named.prompts.scores[cups], cup.prompts.scores, atol=1e-6)


def test_text_takes_the_model_s_own_way(sam3, tmp_path):
    from typer.testing import CliRunner

    from sampipe.cli import app

    mode = choose_mode(["cup"], model=sam3, mode=None, clip=None, detector=False)
    assert str(mode) == "text by model"
    words = ["--text", "cup", "--model", sam3, "--text-threshold", "0.01", "--device", "cpu"]
    result = CliRunner().invoke(app, ["segment", "sample:chelsea", *words, "--out", str(tmp_path)])
    assert result.exit_code == 0 and "text by model" in result.output, result.output
    assert (tmp_path / "annotations.json").is_file()


def test_what_cannot_be_answered_is_said(sam3, picture, tmp_path):
    with pytest.raises(sp.DataError, match="nothing is asked for; give texts, or prompts with boxes"):
        SegmentText(model=sam3, device="cpu")(picture)
    with pytest.raises(sp.DataError, match="longer than the 32 tokens"):
        SegmentText(model=sam3, texts=["a very long name of a very small thing in it"], device="cpu")(picture)
    sam2 = write_sam2(tmp_path / "sam2")
    lacking = [one for one in SegmentText(model=sam2, texts=["cup"]).requirements() if not one.is_met()]
    assert [one.fix for one in lacking] == [
        f"{sam2} takes points, boxes and masks; give SegmentText a model that takes words, such as sam3"
    ]
    with pytest.raises(sp.CheckpointError, match="nano reads no words"):
        load_words("nano")
    with pytest.raises(sp.DataError, match="does not read words itself; sam3 does"):
        choose_mode(["cup"], model="nano", mode="model", clip=None, detector=False)


def test_it_behaves_as_a_node(sam3, picture):
    check_node(SegmentText(model=sam3, texts=["cup"], confidence=0.1, device="cpu"), image=picture)
