"""Decoding: an object's masks depend on its own prompts, and errors say what to do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from random_sam import SMALL_VIT, random_sam

from sampipe.errors import DataError
from sampipe.models import SamModel
from sampipe.models.config import MaskDecoderConfig, PromptEncoderConfig, SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig
from sampipe.models.mask_decoder import MaskDecoder
from sampipe.models.model import _chunks_across
from sampipe.models.prompt_encoder import DrawnPrompts, PromptTensors
from sampipe.types import Image, ImageEmbedding, Masks, Prompts

SMALL_NANO = SamConfig(
    image_encoder=EfficientNetLiteConfig(
        widths=(8, 8, 16, 16, 24, 32, 32), depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=32, attention_layers=1, attention_heads=2, out_channels=64,
        fine_channels=(16, 8), image_size=128,
    ),
    prompt_encoder=PromptEncoderConfig(draw=True),
    mask_decoder=MaskDecoderConfig(mlp_dim=64, iou_head_dim=32, mixing_blocks=2, fine_features=True),
)  # fmt: skip


@pytest.fixture(scope="module", params=["vit", "nano"])
def model(request: pytest.FixtureRequest) -> SamModel:
    return SamModel(random_sam({"vit": SMALL_VIT, "nano": SMALL_NANO}[request.param]), name=request.param)


@pytest.fixture(scope="module")
def embedding(model: SamModel) -> ImageEmbedding:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    return model.encode([Image.from_array(pixels)])[0]


MIXED = Prompts.concat(
    [
        Prompts.from_points([[10, 20]]),
        Prompts.from_boxes([[5, 5, 60, 70]]),
        Prompts(points=[[[30, 30], [50, 40]]], point_labels=[[1, 0]], boxes=[[20, 20, 70, 80]]),
        Prompts.from_boxes([[50, 10, 110, 60]]),
        Prompts.from_points([[[80, 70], [10, 10]]], [[1, 0]]),
    ]
)


@pytest.mark.parametrize("multimask", [False, True])
def test_company_does_not_matter(model: SamModel, embedding: ImageEmbedding, multimask: bool) -> None:
    together = model.decode(embedding, MIXED, multimask=multimask)
    assert together.logits is not None and together.num_candidates == (3 if multimask else 1)
    for index in range(len(MIXED)):
        alone = model.decode(embedding, MIXED.select([index]), multimask=multimask)
        assert alone.logits is not None
        torch.testing.assert_close(together.logits[index], alone.logits[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(together.iou_scores[index], alone.iou_scores[0], rtol=1e-4, atol=1e-4)


def test_candidates_say_which_output_they_are(model: SamModel, embedding: ImageEmbedding) -> None:
    point = Prompts.from_points([[10, 20]])
    assert model.decode(embedding, point, multimask=True).candidates.tolist() == [[1, 2, 3]]
    assert model.decode(embedding, point, multimask=False).candidates.tolist() == [[0]]


def test_a_mask_prompt_changes_the_answer(model: SamModel, embedding: ImageEmbedding) -> None:
    box = Prompts.from_boxes([[5, 5, 60, 70]])
    first = model.decode(embedding, box, multimask=False)
    assert first.logits is not None
    refined = model.decode(embedding, box.replace(mask_logits=first.logits[:, 0].numpy()), multimask=False)
    assert refined.logits is not None and not torch.allclose(first.logits, refined.logits)


def test_no_prompts_give_typed_nothing(model: SamModel, embedding: ImageEmbedding) -> None:
    masks: Masks = model.decode(embedding, Prompts.empty(), multimask=False)
    assert len(masks) == 0 and masks.hw == (90, 120) and masks.binary().shape == (0, 90, 120)


def test_bad_prompts_are_dropped_and_counted(model: SamModel, embedding: ImageEmbedding) -> None:
    boxes = [[5, 5, 60, 70], [np.nan, 0, 5, 5], [300, 300, 400, 400], [60, 70, 5, 5]]
    masks = model.decode(embedding, Prompts.from_boxes(boxes), multimask=False)
    assert (len(masks), masks.prompts.dropped, masks.prompts.clipped) == (2, 2, 1)


def test_an_embedding_of_another_model_is_refused(model: SamModel, embedding: ImageEmbedding) -> None:
    other = SamModel(random_sam(model.config, seed=3), name="other")
    with pytest.raises(DataError, match="Encode the image with the model that decodes it"):
        other.decode(embedding, MIXED, multimask=False)


def test_text_and_ill_sized_masks_are_refused_in_words(model: SamModel, embedding: ImageEmbedding) -> None:
    with pytest.raises(DataError, match="no text token"):
        model.decode(embedding, Prompts(text=np.ones((1, 512))), multimask=False)
    with pytest.raises(DataError, match=r"wanted \(n, \d+, \d+\)"):
        model.decode(embedding, Prompts(mask_logits=np.zeros((1, 8, 8))), multimask=False)


def test_keys_tell_weights_apart_and_configurations_travel(model: SamModel) -> None:
    same, other = (SamModel(random_sam(model.config, seed=seed), name="x") for seed in (0, 1))
    assert same.key == model.key != other.key
    assert SamConfig.from_dict(model.config.to_dict()) == model.config


def test_drawn_prompts_lie_where_the_prompts_are() -> None:
    prompts = PromptTensors(
        points=torch.tensor([[[9.5, 41.5], [50.0, 50.0]]]), labels=torch.tensor([[1, 0]]),
        boxes=torch.tensor([[16.0, 32.0, 48.0, 64.0]]), masks=None, extent=64, count=1,
    )  # fmt: skip
    inside, middle, foreground, background = DrawnPrompts(8, 4).draw(prompts, side=16)[0]
    expected = torch.zeros(16, 16)
    expected[8:16, 4:12] = 1
    torch.testing.assert_close(inside, expected)
    assert [divmod(int(m.argmax()), 16) for m in (foreground, background)] == [(10, 2), (12, 12)]
    assert middle[12, 8] > 0.9 > middle[8, 4] > middle[0, 0]


@pytest.mark.parametrize(("objects", "times"), [(3, 0), (9, 1)])
def test_what_many_prompts_share_is_made_once_and_for_few_not_at_all(
    objects: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    share = MaskDecoder.share
    monkeypatch.setattr(MaskDecoder, "share", lambda *given: made.append(share(*given)) or made[-1])
    vit = SamModel(random_sam(SMALL_VIT), name="vit")
    image = Image.from_array(np.zeros((90, 120, 3), np.uint8))
    boxes = Prompts.from_boxes([[5, 5, 60 + i, 70] for i in range(objects)])
    monkeypatch.setattr("sampipe.models.model._CPU_VALUES", 2 * vit.config.grid**2 * vit.config.embed_dim)
    vit.decode(vit.encode([image])[0], boxes, multimask=False)
    assert len(made) == times


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setattr("sampipe._cores.cores", lambda: 2)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def close(ours: Masks, theirs: Masks) -> None:
    assert ours.logits is not None and theirs.logits is not None
    torch.testing.assert_close(ours.logits, theirs.logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.iou_scores, theirs.iou_scores, rtol=1e-4, atol=1e-4)


def test_objects_over_the_cores_are_what_they_are_on_one(
    model: SamModel, embedding: ImageEmbedding, two_threads: None
) -> None:
    many = Prompts.concat([MIXED] * 4)
    spread, found = model.decode(embedding, many, multimask=True), model.decode_above_iou(embedding, many, min_iou=-9)
    torch.set_num_threads(1)
    close(spread, model.decode(embedding, many, multimask=True))
    close(found, model.decode_above_iou(embedding, many, min_iou=-9))
    assert len(found) == 3 * len(many)


OTHER = np.random.default_rng(1).integers(0, 255, (100, 70, 3), dtype=np.uint8)


@pytest.mark.parametrize("limit", [2, 100], ids=["small chunks", "one chunk"])
def test_several_images_are_what_each_is_alone(
    model: SamModel, embedding: ImageEmbedding, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings = [embedding, *model.encode([Image.from_array(OTHER)])]
    masks = Prompts.from_boxes([[9, 9, 50, 60]])
    with_mask = masks.replace(mask_logits=np.ones((1, model.config.mask_size, model.config.mask_size)))
    prompts = [Prompts.concat([MIXED, with_mask]), Prompts.concat([with_mask, MIXED, MIXED])]
    alone = [model.decode(*pair, multimask=False) for pair in zip(embeddings, prompts, strict=True)]
    for together, one in zip(model.decode_batch(embeddings, prompts, multimask=False), alone, strict=True):
        close(together, one)
    monkeypatch.setattr(SamModel, "_chunks", lambda _, images: list(_chunks_across(images, limit)))  # as on a GPU
    for together, one in zip(model.decode_batch(embeddings, prompts, multimask=False), alone, strict=True):
        close(together, one)


def test_stacked_images_are_what_each_is_alone(model: SamModel, embedding: ImageEmbedding, two_threads: None) -> None:
    images = [Image.from_array(OTHER), Image.from_array(OTHER[::-1].copy())]
    alone = [model.encode([image])[0] for image in images]
    for way in (model.encode, model._encode):  # an image a core; all through the network, as on a GPU
        for together, one in zip(way(images), alone, strict=True):
            assert (together.image_key, together.frame) == (one.image_key, one.frame)
            for ours, theirs in zip((together.features, *together.fine), (one.features, *one.fine), strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
