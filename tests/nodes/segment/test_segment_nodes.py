from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from drawings import grey_image, masks_of, rectangle

from sampipe import DataError, Image, Masks, Prompts
from sampipe.graph.chain import as_graph
from sampipe.models import configure_cache, default_cache
from sampipe.nodes import CleanMasks, DecodeMasks, EncodeImage, Refine, Segment, SegmentEverything, Tiled
from sampipe.nodes.segment import segment
from sampipe.nodes.segment.with_precision import with_precision

HW = (48, 64)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    before = default_cache()
    configure_cache()
    yield
    configure_cache(max_bytes=before.max_bytes, directory=before.directory)


@pytest.fixture
def image() -> Image:
    return Image.from_array(np.random.default_rng(0).integers(0, 255, (*HW, 3)).astype(np.uint8))


BOXES = Prompts.from_boxes([[4, 4, 30, 30], [20, 10, 60, 40]], labels=["cup", "pot"], scores=[0.9, 0.8])
POINTS = Prompts.from_points([[10, 10], [40, 20]])


def test_segment_is_encode_and_decode(image: Image, tiny_sam: str) -> None:
    together = Segment(model=tiny_sam)(image, prompts=BOXES)
    apart = DecodeMasks(model=tiny_sam)(EncodeImage(model=tiny_sam)(image), prompts=BOXES)
    np.testing.assert_array_equal(together.logits, apart.logits)
    assert together.prompts.labels == ("cup", "pot")
    assert together.history == ((f"Segment(model='{tiny_sam}')",),) * 2
    assert together.hw == HW


def test_an_image_is_encoded_once(image: Image, tiny_sam: str) -> None:
    report = (Segment(model=tiny_sam).named("one")).run
    first, second = Segment(model=tiny_sam), Segment(model=tiny_sam, multimask="always")
    first(image, prompts=BOXES)
    held = default_cache().nbytes
    second(image, prompts=POINTS)
    EncodeImage(model=tiny_sam)(image)
    report(image, BOXES)
    assert default_cache().nbytes == held > 0


def test_a_graph_reports_the_cache_hit(image: Image, tiny_sam: str) -> None:
    graph = as_graph(Segment(model=tiny_sam))
    assert graph.run(image=image, prompts=BOXES).report["segment"].cache_hits == 0
    assert graph.run(image=image, prompts=POINTS).report["segment"].cache_hits == 1


@pytest.mark.parametrize(
    ("multimask", "prompts", "candidates"),
    [
        ("auto", POINTS, [1, 2, 3]),
        ("auto", BOXES, [0]),
        ("auto", Prompts.from_points([[[1, 1], [5, 5]]]), [0]),
        ("never", POINTS, [0]),
        ("always", BOXES, [1, 2, 3]),
    ],
)
def test_candidates(
    image: Image, tiny_sam: str, multimask: segment.Multimask, prompts: Prompts, candidates: list[int]
) -> None:
    masks = Segment(model=tiny_sam, multimask=multimask)(image, prompts=prompts)
    assert masks.candidates.tolist() == [candidates] * len(prompts)


def test_a_point_is_ambiguous_unless_something_stands_beside_it() -> None:
    one_of_two = Prompts.from_points([[[1, 1], [2, 2]], [[1, 1], [0, 0]]], [[1, 0], [1, -1]])
    assert one_of_two.ambiguous.tolist() == [False, True]
    boxes = np.array([[0, 0, 9, 9], [np.nan] * 4])
    assert POINTS.replace(boxes=boxes).ambiguous.tolist() == [False, True]
    assert not BOXES.ambiguous.any()


@pytest.mark.parametrize("most_bytes", [512 << 20, 1])
def test_the_masks_of_a_box_are_the_same_alone_and_beside_a_click(
    image: Image, tiny_sam: str, most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampipe.nodes.segment.segment._MAX_LOGIT_BYTES", most_bytes)
    box = [8.0, 6.0, 40.0, 30.0]
    mixed = Prompts(
        points=np.array([[[np.nan, np.nan]], [[20, 20]], [[np.nan, np.nan]]]),
        point_labels=np.array([[-1], [1], [-1]]),
        boxes=np.array([box, [np.nan] * 4, [0, 0, 60, 40]]),
        labels=("first", "click", "last"),
    )
    together = Segment(model=tiny_sam)(image, prompts=mixed)
    alone = Segment(model=tiny_sam)(image, prompts=Prompts.from_boxes([box]))
    click = Segment(model=tiny_sam)(image, prompts=Prompts.from_points([[20, 20]]))
    assert together.candidates.tolist() == [[0, 0, 0], [1, 2, 3], [0, 0, 0]]
    assert together.prompts.labels == ("first", "click", "last")
    np.testing.assert_allclose(together.iou_scores[0], alone.iou_scores[0].repeat(3), atol=1e-4)
    np.testing.assert_allclose(together.iou_scores[1], click.iou_scores[0], atol=1e-4)
    assert together.select([0]).best().rle()[0] == alone.rle()[0]
    assert together.select([1]).best().rle()[0] == click.rle()[0]


def test_nothing_to_segment_encodes_nothing(image: Image, tiny_sam: str) -> None:
    outside = Prompts.from_boxes([[900, 900, 950, 950]])
    masks = Segment(model=tiny_sam)(image, prompts=outside)
    assert (len(masks), masks.hw, masks.prompts.dropped) == (0, HW, 1)
    assert default_cache().nbytes == 0


def test_prompts_that_were_mended_are_counted(image: Image, tiny_sam: str) -> None:
    prompts = Prompts.from_boxes([[30, 30, 4, 4], [np.nan, 0, 1, 1], [4, 4, 30, 30]])
    masks = Segment(model=tiny_sam)(image, prompts=prompts)
    assert (len(masks), masks.prompts.dropped, masks.prompts.clipped) == (2, 1, 1)
    np.testing.assert_allclose(masks.logits[0], masks.logits[1], atol=1e-5)


def test_many_masks_become_run_lengths(image: Image, tiny_sam: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = Prompts.concat([BOXES, BOXES, BOXES.select([0])])
    small = Segment(model=tiny_sam)(image, prompts=prompts)
    monkeypatch.setattr(segment, "_MAX_LOGIT_BYTES", 2 * 16 * 16 * 4)  # two masks at a time
    large = Segment(model=tiny_sam)(image, prompts=prompts)
    assert large.logits is None
    assert large.rle() == small.rle()
    np.testing.assert_allclose(large.stability, small.stability_scores())
    np.testing.assert_allclose(large.iou_scores, small.iou_scores, rtol=1e-5)
    assert large.prompts.labels == small.prompts.labels


def test_mask_prompts_of_another_resolution(image: Image, tiny_sam: str) -> None:
    flat = np.full((1, 32, 32), 4.0, np.float32)
    fine = Segment(model=tiny_sam)(image, prompts=Prompts(mask_logits=flat))
    own = Segment(model=tiny_sam)(image, prompts=Prompts(mask_logits=flat[:, :16, :16]))
    np.testing.assert_allclose(fine.logits, own.logits, atol=1e-5)


def test_refine_feeds_the_best_logits_back(image: Image, tiny_sam: str) -> None:
    masks = Segment(model=tiny_sam)(image, prompts=POINTS)
    refined = Refine(model=tiny_sam)(image, masks)
    by_hand = POINTS.replace(mask_logits=masks.best().logits[:, 0].numpy())
    expected = Segment(model=tiny_sam, multimask="never")(image, prompts=by_hand)
    np.testing.assert_allclose(refined.logits, expected.logits, atol=1e-5)
    assert refined.prompts.mask_logits is None
    assert [step.partition("(")[0] for step in refined.history[0]] == ["Segment", "Refine"]


def test_refine_again_and_again(image: Image, tiny_sam: str) -> None:
    masks = Segment(model=tiny_sam)(image, prompts=BOXES)
    once = Refine(model=tiny_sam)
    np.testing.assert_allclose(
        Refine(model=tiny_sam, iterations=2)(image, masks).logits,
        once(image, once(image, masks)).logits,
        atol=1e-5,
    )


def test_refine_masks_without_logits(image: Image, tiny_sam: str) -> None:
    masks = CleanMasks()(Segment(model=tiny_sam)(image, prompts=BOXES))
    assert len(Refine(model=tiny_sam)(image, masks)) == 2
    loaded = masks_of([rectangle(HW, 4, 4, 30, 30)])
    assert Refine(model=tiny_sam)(image, loaded).logits is not None


def test_refine_says_what_does_not_fit(image: Image, tiny_sam: str) -> None:
    with pytest.raises(DataError, match="masks of 8x8 pixels for an image of 64x48"):
        Refine(model=tiny_sam)(image, masks_of([np.ones((8, 8), bool)]))
    far = masks_of([rectangle(HW, 4, 4, 30, 30)], prompts=Prompts.from_boxes([[900, 900, 950, 950]]))
    with pytest.raises(DataError, match="1 masks lie outside the image"):
        Refine(model=tiny_sam)(image, far)
    assert len(Refine(model=tiny_sam)(image, Masks.empty(HW))) == 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"model": ""}, "a model's name"),
        ({"device": 0}, "a device"),
        ({"multimask": True}, "'auto', 'always', 'never'"),
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Segment(**parameters)


def test_requirements_name_the_weights(tiny_sam: str) -> None:
    weights, device = Segment(model=tiny_sam, device="cpu").requirements()
    assert weights.is_met()
    assert device.is_met()
    missing, _ = Segment(model="no/such/file.pth").requirements()
    assert not missing.is_met()
    assert missing.name == "no/such/file.pth"


def test_a_grey_picture_of_one_pixel(tiny_sam: str) -> None:
    masks = Segment(model=tiny_sam)(grey_image((1, 1)), prompts=Prompts.from_boxes([[0, 0, 1, 1]]))
    assert masks.binary().shape == (1, 1, 1)


def test_a_batch_is_what_each_image_is_alone(image: Image, tiny_sam: str) -> None:
    other = Image.from_array(np.random.default_rng(1).integers(0, 255, (40, 40, 3)).astype(np.uint8))
    nothing = Prompts.from_boxes([[900, 900, 950, 950]])
    images, prompts = [image, other, image, other], [Prompts.concat([BOXES, POINTS]), BOXES, nothing, POINTS]
    node = Segment(model=tiny_sam)
    together = node.run_batch(images, prompts)
    assert default_cache().nbytes > 0
    for masks, one, asked in zip(together, images, prompts, strict=True):
        alone = node.run(one, asked)
        assert (masks.hw, masks.history, masks.prompts.dropped) == (alone.hw, alone.history, alone.prompts.dropped)
        np.testing.assert_array_equal(masks.candidates, alone.candidates)
        np.testing.assert_allclose(masks.iou_scores, alone.iou_scores, atol=1e-4)
        assert masks.rle() == alone.rle()
    encoded = EncodeImage(model=tiny_sam).run_batch(images)
    assert [one.image_key for one in encoded] == [one.key for one in images]


def test_a_batch_of_everything_and_the_report_of_a_batch(image: Image, tiny_sam: str) -> None:
    other = Image.from_array(image.pixels[::-1].copy())
    node = SegmentEverything(model=tiny_sam, points_per_side=3, min_iou=-9.0, stability_threshold=0.0)
    for masks, one in zip(node.run_batch([image, other]), [image, other], strict=True):
        alone = node.run(one)
        assert len(alone) and masks.rle() == alone.rle()
    configure_cache()
    results = list(as_graph(node).map([image, other, image], batch_size=3))
    assert [result.report.batch for result in results] == [3, 3, 3]
    assert results[0].report["segment_everything"].cache_hits == 1, "the third image is the first one"


def test_precision_reaches_every_node_of_a_graph(image: Image, tiny_sam: str) -> None:
    graph = with_precision(as_graph(Segment(model=tiny_sam)) | CleanMasks(), "bf16")
    assert "precision: bf16" in graph.to_yaml()
    masks = graph.run(image=image, prompts=BOXES).masks
    assert len(masks) == 2
    rough, exact = (EncodeImage(model=tiny_sam, precision=one).run(image) for one in ("bf16", "exact"))
    assert rough.model_key == f"{exact.model_key}-bf16"
    tiled = with_precision(as_graph(Tiled.of(SegmentEverything(model=tiny_sam))), "bf16")
    assert "precision: bf16" in tiled.nodes["tiled"].graph  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="wanted one of"):
        Segment(precision="half")  # type: ignore[arg-type]
