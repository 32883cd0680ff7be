"""Text in, named masks out: spaces that must agree, labels that never mix, and answers of nothing that are typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_clip import write_tiny_clip

import sampipe as sp
from sampipe.nodes import ClipText, DensePrompts, LabelMasks, RankByText, SegmentEverything, TextPrompts

PIXELS = np.full((60, 80, 3), 120, np.uint8)
PIXELS[10:30, 10:30] = 220, 30, 30
PIXELS[30:55, 45:75] = 30, 40, 220
IMAGE = sp.Image.from_array(PIXELS)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def two_masks() -> sp.Masks:
    masks = np.zeros((2, 60, 80), bool)
    masks[0, 10:30, 10:30] = masks[1, 30:55, 45:75] = True
    return sp.Masks.from_binary(masks)


def test_texts_come_as_a_parameter_or_as_an_input() -> None:
    by_parameter, by_input = ClipText(texts=["dog", "cat"])(), ClipText()(sp.Text.of("dog, cat"))
    assert np.array_equal(by_parameter.vectors, by_input.vectors) and by_input.texts == ("dog", "cat")
    with pytest.raises(sp.DataError, match="nothing was asked for"):
        ClipText().run()
    with pytest.raises(sp.DataError, match=r"one \{\} each"):
        ClipText(texts=["dog"], templates=["a photo"])


def test_text_is_a_graph_input_in_a_file(tiny_sam: str) -> None:
    def look(image: sp.Image, text: sp.Text) -> sp.Prompts:
        return DensePrompts(model=tiny_sam, device="cpu")(image, text=ClipText()(text))

    graph = sp.Graph.from_yaml(sp.trace(look).to_yaml())
    found = graph.run(image=IMAGE, text=sp.Text.of("dog")).prompts
    assert set(found.labels or ()) <= {"dog"}


@pytest.mark.parametrize("node_class", [DensePrompts, RankByText, LabelMasks])
def test_text_of_another_space_is_a_checkpoint_error(node_class: type, clip: str) -> None:
    inputs = {"image": IMAGE, "text": ClipText(texts=["dog"])()}
    inputs |= {} if node_class is DensePrompts else {"masks": two_masks()}
    with pytest.raises(sp.CheckpointError, match=r"'ViT-B-32/openai'.*looks for those of 'clip-"):
        node_class(model=clip, device="cpu").run(**inputs)


def test_a_model_without_a_head_says_how_to_get_one(tmp_path: Path) -> None:
    from tiny_sam import write_tiny_model

    model = write_tiny_model(tmp_path)
    with pytest.raises(sp.CheckpointError, match="sampipe train text --from"):
        DensePrompts(model=str(model), device="cpu").run(IMAGE, ClipText(texts=["dog"])())


def test_a_head_of_other_weights_is_refused(tiny_sam: str, tmp_path: Path) -> None:
    import shutil

    from tiny_sam import write_tiny_model

    model = write_tiny_model(tmp_path)
    shutil.copy(Path(tiny_sam).with_name("tiny_text.safetensors"), tmp_path / "tiny_text.safetensors")
    with pytest.raises(sp.CheckpointError, match=r"trained on the weights .* Train it again"):
        DensePrompts(model=str(model), device="cpu").run(IMAGE, ClipText(texts=["dog"])())


def test_ranking_keeps_labels_apart_and_orders_by_score(clip: str) -> None:
    text = ClipText(texts=["red square", "blue box", "dog"], clip=clip, device="cpu")()
    ranked = RankByText(model=clip, device="cpu", count=1)(IMAGE, masks=two_masks(), text=text)
    assert sorted(ranked.prompts.labels or ()) == ["blue box", "dog", "red square"], "one mask for every phrase"
    assert ranked.prompts.scores is not None and (np.diff(ranked.prompts.scores) <= 0).all()
    assert [("red square", "blue box", "dog")[row] for row in ranked.prompts.class_ids] == list(ranked.prompts.labels)
    everything = RankByText(model=clip, device="cpu", select="all")(IMAGE, masks=two_masks(), text=text)
    nothing = RankByText(model=clip, device="cpu", select="threshold", threshold=1.0)(
        IMAGE, masks=two_masks(), text=text
    )
    assert len(everything) == 2 and len(nothing) == 0 and nothing.hw == IMAGE.hw


@pytest.mark.parametrize("crops", ["plain", "masked", "both"])
def test_naming_masks_keeps_all_of_them_in_order(clip: str, crops: str) -> None:
    text = ClipText(texts=["red square", "blue box"], clip=clip, device="cpu")()
    named = LabelMasks(model=clip, device="cpu", crops=crops)(IMAGE, masks=two_masks(), text=text)
    assert np.array_equal(named.area(), two_masks().area())
    assert set(named.prompts.labels or ()) <= {"red square", "blue box"}
    unsure = LabelMasks(model=clip, device="cpu", threshold=1.0, otherwise="?")(IMAGE, masks=two_masks(), text=text)
    assert unsure.prompts.labels == ("?", "?") and unsure.prompts.class_ids.tolist() == [-1, -1]


def test_a_text_head_names_masks_too(tiny_sam: str) -> None:
    text = ClipText(texts=["dog", "cat"])()
    named = LabelMasks(model=tiny_sam, device="cpu")(IMAGE, masks=two_masks(), text=text)
    assert len(named) == 2 and named.prompts.scores is not None
    assert ((named.prompts.scores > 0) & (named.prompts.scores < 1)).all()


@pytest.mark.parametrize("prompt", ["box", "point", "mask", "box+point", "box+mask", "all"])
def test_places_become_the_prompts_that_are_asked_for(tiny_sam: str, prompt: str) -> None:
    node = DensePrompts(model=tiny_sam, device="cpu", prompt=prompt, points=2)
    found = node(IMAGE, text=ClipText(texts=["dog", "cat"])())
    assert len(found) and set(found.labels or ()) <= {"dog", "cat"}
    kinds = {"box", "point", "mask"} if prompt == "all" else set(prompt.split("+"))
    assert found.has_boxes.all() == ("box" in kinds) and found.has_points.all() == ("point" in kinds)
    assert found.has_masks.all() == ("mask" in kinds)
    assert len(found.sanitize(IMAGE.hw)) == len(found)


def test_a_clip_models_places_need_no_training(clip: str) -> None:
    text = ClipText(texts=["red square"], clip=clip, device="cpu")()
    found = DensePrompts(model=clip, device="cpu", least=-1e9)(IMAGE, text=text)
    assert len(found) and found.scores is not None


def test_nothing_sure_enough_is_a_typed_empty(tiny_sam: str) -> None:
    found = DensePrompts(model=tiny_sam, device="cpu", least=1e6)(IMAGE, text=ClipText(texts=["dog"])())
    assert len(found) == 0 and found.boxes is not None and found.boxes.shape == (0, 4)


def test_text_goes_with_points_by_label() -> None:
    text = ClipText(texts=["dog", "cat"])()
    points = sp.Prompts.from_points([[1, 1], [2, 2], [3, 3]], labels=["cat", "dog", "tree"])
    both = TextPrompts()(text, prompts=points)
    assert both.labels == ("cat", "dog", "tree") and both.has_text.tolist() == [True, True, False]
    assert np.array_equal(both.text[0], text.vectors[1]) and both.text_space == text.model
    one = TextPrompts()(ClipText(texts=["dog"])(), prompts=points)
    assert one.has_text.all() and one.labels == ("dog", "dog", "dog")


_MEASURE = """
import resource, sys
import numpy as np
import sampipe as sp
from sampipe.nodes import ClipText, LabelMasks, RankByText
clip = sys.argv[1]
image = sp.Image.from_array(np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8))
rng, masks = np.random.default_rng(0), []
for _ in range(200):
    x, y = rng.integers(0, 400, 2)
    mask = np.zeros((480, 640), bool)
    mask[y : y + 80, x : x + 200] = True
    masks.append(sp.RLE.from_mask(mask))
masks = sp.Masks.from_rle(masks, (480, 640))
warm = ClipText(texts=["dog"], clip=clip, device="cpu")()
LabelMasks(model=clip, device="cpu")(image, masks=masks.select([0]), text=warm)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
text = ClipText(texts=[f"class number {i}" for i in range(500)], clip=clip, device="cpu")()
RankByText(model=clip, device="cpu", count=3)(image, masks=masks, text=text)
LabelMasks(model=clip, device="cpu")(image, masks=masks, text=text)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_500_classes_times_200_proposals_stay_under_a_gibibyte(clip: str) -> None:
    ran = subprocess.run([sys.executable, "-c", _MEASURE, clip], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 1024, "MiB above the loaded model"


def test_proposals_ranked_end_to_end(tiny_sam: str) -> None:
    masks = SegmentEverything(model=tiny_sam, device="cpu")(IMAGE)
    ranked = RankByText(model=tiny_sam, device="cpu", count=2)(IMAGE, masks=masks, text=ClipText(texts=["dog"])())
    assert len(ranked) <= 2 and set(ranked.prompts.labels or ()) <= {"dog"}
