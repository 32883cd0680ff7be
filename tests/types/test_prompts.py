"""Prompts: shapes told in words, one rule for what no model can use, rows that stay together."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampipe.errors import DataError
from sampipe.types import Embedding, Prompts

NAN, INF = float("nan"), float("inf")


def test_points_one_object_each() -> None:
    prompts = Prompts.from_points([[1, 2], [3, 4]], labels=["a", "b"], source="Points")
    assert prompts.points is not None and prompts.points.shape == (2, 1, 2)
    assert prompts.point_labels is not None and prompts.point_labels.tolist() == [[1], [1]]
    assert (prompts.labels, prompts.source) == (("a", "b"), ("Points", "Points"))
    assert Prompts.from_points([[1, 2], [3, 4]], [1, 0]).point_labels.tolist() == [[1], [0]]  # type: ignore[union-attr]


def test_several_points_for_one_object() -> None:
    prompts = Prompts.from_points([[[1, 2], [3, 4]]], [[1, 0]])
    assert len(prompts) == 1
    assert prompts.point_labels is not None and prompts.point_labels.tolist() == [[1, 0]]


def test_boxes() -> None:
    prompts = Prompts.from_boxes([[0, 0, 5, 6]], scores=[0.5], class_ids=[7])
    assert prompts.boxes is not None and prompts.boxes.dtype == np.float32
    assert prompts.class_ids is not None and prompts.class_ids.dtype == np.int64
    assert len(Prompts.from_boxes([0, 0, 5, 6])) == 1


@pytest.mark.parametrize(
    "prompts",
    [
        Prompts(),
        Prompts.empty(),
        Prompts.from_points([]),
        Prompts.from_boxes([]),
        Prompts.from_boxes(np.zeros((0, 4))),
        Prompts(mask_logits=np.zeros((0, 4, 4), np.float32), text=np.zeros((0, 8), np.float32)),
    ],
)
def test_no_object_at_all(prompts: Prompts) -> None:
    assert len(prompts) == 0
    assert len(prompts.sanitize((10, 10))) == 0
    assert len(prompts.select([])) == 0
    assert len(Prompts.concat([prompts, prompts])) == 0
    assert len(Prompts.concat([prompts, Prompts.from_boxes([0, 0, 1, 1])])) == 1
    for present in (prompts.has_points, prompts.has_boxes, prompts.has_masks, prompts.has_text):
        assert present.shape == (0,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"points": np.zeros((4, 2))}, r"points: got \(4, 2\), wanted \(n, k, 2\).*use Prompts.from_points"),
        ({"points": np.zeros((4, 1, 3))}, r"points: got \(4, 1, 3\)"),
        ({"points": np.zeros((1, 1, 2)), "point_labels": [1]}, r"point_labels: got \(1,\), wanted \(n, k\)"),
        ({"points": np.zeros((1, 1, 2)), "point_labels": [[1, 0]]}, r"point_labels: got \(1, 2\) for points"),
        ({"points": np.zeros((1, 1, 2)), "point_labels": [[2]]}, "wanted only 1, 0 and -1"),
        ({"point_labels": [[1]]}, "no points to label"),
        ({"boxes": [1, 2, 3, 4]}, r"boxes: got \(4,\), wanted \(n, 4\)"),
        ({"boxes": [[1, 2, 3]]}, r"boxes: got \(1, 3\)"),
        ({"boxes": "here"}, "boxes: wanted an array of float32"),
        ({"mask_logits": np.zeros((1, 4, 5))}, r"mask_logits: got \(1, 4, 5\)"),
        ({"boxes": np.zeros((2, 4)), "scores": [0.5]}, "different number of objects: .*boxes.*2.*scores.*1"),
        ({"boxes": np.zeros((1, 4)), "labels": "cat"}, "labels: got str, wanted one str per object"),
        ({"boxes": np.zeros((1, 4)), "labels": [1]}, "use point_labels"),
    ],
)
def test_what_does_not_fit_is_told_in_words(fields: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Prompts(**fields)  # type: ignore[arg-type]


def test_nobody_can_change_a_value() -> None:
    boxes = np.array([[0, 0, 5, 6]], dtype=np.float32)
    prompts = Prompts.from_boxes(boxes)
    boxes[:] = 9
    for value in (prompts, pickle.loads(pickle.dumps(prompts)), copy.deepcopy(prompts), prompts.select([0])):
        assert value.boxes is not None and value.boxes.tolist() == [[0, 0, 5, 6]]
        with pytest.raises(ValueError, match="read-only"):
            value.boxes[0, 0] = 3
    assert prompts.boxes is not None
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        prompts.boxes.flags.writeable = True


def test_tensors_are_copied() -> None:
    torch = pytest.importorskip("torch")
    boxes = torch.tensor([[0.0, 0, 5, 6]])
    prompts = Prompts(boxes=boxes)
    boxes[:] = 9
    assert prompts.boxes is not None and prompts.boxes.tolist() == [[0, 0, 5, 6]]
    assert Prompts(boxes=boxes.requires_grad_()).boxes.tolist() == [[9, 9, 9, 9]]  # type: ignore[union-attr]


def test_read_only_arrays_are_shared() -> None:
    prompts = Prompts.from_boxes([[0, 0, 5, 6]])
    assert prompts.boxes is not None
    assert np.shares_memory(prompts.boxes, prompts.replace(labels=("a",)).boxes)  # type: ignore[arg-type]


def test_ragged_lists_are_told_in_words() -> None:
    with pytest.raises(DataError, match="points: wanted an array of float32, got list"):
        Prompts.from_points([[1, 2], [3]])  # type: ignore[list-item]
    with pytest.raises(DataError, match="boxes: wanted an array"):
        Prompts.from_boxes([[1, 2, 3, 4], [3]])  # type: ignore[list-item]


def test_select() -> None:
    prompts = Prompts.from_boxes(np.arange(12).reshape(3, 4), labels=["a", "b", "c"], scores=[0.1, 0.2, 0.3])
    assert prompts.select([2, 0]).labels == ("c", "a")
    assert prompts.select(np.array([True, False, True])).labels == ("a", "c")
    assert prompts.select(slice(1, None)).labels == ("b", "c")
    assert prompts.select(-1).labels == ("c",)
    with pytest.raises(DataError, match="row 3 is not there; there are 3"):
        prompts.select([0, 3])
    with pytest.raises(DataError, match="bool mask of shape"):
        prompts.select([True])
    with pytest.raises(DataError, match="whole numbers or a bool mask"):
        prompts.select([0.5])


def test_concat_pads_what_a_part_lacks() -> None:
    clicks = Prompts.from_points([[[1, 2], [3, 4]]], [[1, 0]], source="Points")
    boxes = Prompts.from_boxes([[0, 0, 5, 6]], labels=["cat"], class_ids=[3], scores=[0.5]).replace(dropped=2)
    one = Prompts.from_points([[7, 8]], labels=["dog"])
    joined = Prompts.concat([clicks, boxes, Prompts.empty(), one])
    assert joined.points is not None and joined.boxes is not None
    assert joined.points[0].tolist() == [[1, 2], [3, 4]]
    assert joined.point_labels is not None and joined.point_labels.tolist() == [[1, 0], [-1, -1], [1, -1]]
    assert np.isnan(joined.boxes[[0, 2]]).all() and joined.boxes[1].tolist() == [0, 0, 5, 6]
    assert joined.labels == ("", "cat", "dog")
    assert joined.source == ("Points", "", "")
    assert joined.class_ids is not None and joined.class_ids.tolist() == [-1, 3, -1]
    assert joined.scores is not None and np.isnan(joined.scores[[0, 2]]).all()
    assert joined.dropped == 2
    assert joined.has_points.tolist() == [True, False, True]
    assert joined.has_boxes.tolist() == [False, True, False]
    assert len(joined.sanitize((10, 10))) == 3  # a row of NaN says "no box" where there is a point


def test_concat_of_different_texts_is_refused() -> None:
    a, b = Prompts(text=np.ones((1, 4))), Prompts(text=np.ones((1, 5)))
    with pytest.raises(DataError, match="text: parts of different shapes"):
        Prompts.concat([a, b])


def test_with_text() -> None:
    vectors = Embedding.normalized(np.eye(3)[:2], model="clip")
    prompts = Prompts.from_boxes(np.zeros((2, 4))).with_text(vectors)
    assert prompts.text is not None and prompts.text.shape == (2, 3)
    assert prompts.has_text.all()
    with pytest.raises(DataError, match="different number of objects"):
        prompts.with_text(np.ones((3, 3)))


@pytest.mark.parametrize(
    ("box", "wanted", "clipped"),
    [
        ([2, 3, 8, 9], [2, 3, 8, 9], 0),
        ([8, 9, 2, 3], [2, 3, 8, 9], 1),  # corners sorted
        ([-5, -5, 50, 50], [0, 0, 20, 10], 1),
        ([5, 5, 5, 8], None, 0),  # no area
        ([20, 0, 25, 5], None, 0),  # outside: the image ends at 20
        ([-9, -9, 0, 0], None, 0),
        ([NAN, 1, 2, 3], None, 0),
        ([NAN] * 4, None, 0),
        ([0, 0, INF, 5], None, 0),
        ([0, 0, 1e38, 5], [0, 0, 20, 5], 1),
        ([0.2, 0.2, 0.4, 0.4], [0.2, 0.2, 0.4, 0.4], 0),
    ],
)
def test_the_rule_for_boxes(box: list[float], wanted: list[float] | None, clipped: int) -> None:
    clean = Prompts.from_boxes([box], labels=["a"]).sanitize((10, 20))
    assert (clean.dropped, clean.clipped) == (wanted is None, clipped)
    assert clean.boxes is not None
    assert clean.boxes.tolist() == ([] if wanted is None else [pytest.approx(wanted)])
    assert clean.labels == (("a",) if wanted else ())


@pytest.mark.parametrize(
    ("point", "wanted", "clipped"),
    [
        ([19.5, 9.5], [19.5, 9.5], 0),
        ([20, 10], [19, 9], 1),
        ([-1, 5], [0, 5], 1),
        ([1e30, 0], [19, 0], 1),
        ([NAN, 5], None, 0),
        ([5, -INF], None, 0),
    ],
)
def test_the_rule_for_points(point: list[float], wanted: list[float] | None, clipped: int) -> None:
    clean = Prompts.from_points([point]).sanitize((10, 20))
    assert (clean.dropped, clean.clipped) == (wanted is None, clipped)
    assert clean.points is not None
    assert clean.points.tolist() == ([] if wanted is None else [[pytest.approx(wanted)]])


def test_padding_is_not_a_point() -> None:
    points = np.array([[[1, 1], [NAN, INF]], [[-50, 5], [NAN, 0]]])
    clean = Prompts(points=points, point_labels=np.array([[1, -1], [-1, -1]], np.int8)).sanitize((10, 20))
    assert clean.points is not None
    assert clean.points.tolist() == [[[1, 1], [0, 0]]]
    assert (clean.dropped, clean.clipped) == (1, 0)


def test_masks_and_texts_with_holes_are_dropped() -> None:
    logits = np.zeros((3, 4, 4), np.float32)
    logits[1] = NAN
    logits[2, 0, 0] = NAN
    clean = Prompts(mask_logits=logits).sanitize((10, 20))
    assert (len(clean), clean.dropped) == (1, 2)
    text = np.array([[1, 0], [INF, 0]], dtype=np.float32)
    assert len(Prompts(text=text).sanitize((10, 20))) == 1


def wild_numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Numbers in and around an image, some of them NaN, infinite, huge or equal."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(-30, 130, shape)
    odd = np.array([NAN, INF, -INF, 1e38, -1e38, 0.0, 100.0, 50.0])
    strange = rng.random(shape) < 0.15
    values[strange] = rng.choice(odd, strange.sum())
    return values.astype(np.float32)


def test_ten_thousand_wild_prompts() -> None:
    n, (height, width) = 10_000, (90, 100)
    boxes, points = wild_numbers((n, 4), 1), wild_numbers((n, 2, 2), 2)
    boxes[::7] = NAN
    clicks = np.random.default_rng(3).integers(-1, 2, (n, 2)).astype(np.int8)
    names = tuple(str(i) for i in range(n))
    before = Prompts(points=points, point_labels=clicks, boxes=boxes, labels=names)
    after = before.sanitize((height, width))
    assert after.boxes is not None and after.points is not None and after.point_labels is not None

    assert len(after) + after.dropped == n
    assert 0 < after.clipped <= len(after)
    assert 0 < len(after) < n
    with_box = after.has_boxes
    assert np.isfinite(after.boxes[with_box]).all() and np.isnan(after.boxes[~with_box]).all()
    x0, y0, x1, y1 = after.boxes[with_box].T
    assert ((x0 >= 0) & (x0 < x1) & (x1 <= width) & (y0 >= 0) & (y0 < y1) & (y1 <= height)).all()
    assert np.isfinite(after.points).all()
    assert ((after.points >= 0) & (after.points < [width, height])).all()
    assert (with_box | after.has_points).all()

    kept = np.array([int(name) for name in after.labels or ()])  # rows stay together, in order
    assert (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(after.point_labels, clicks[kept])

    again = after.sanitize((height, width))
    assert (again.dropped, again.clipped) == (after.dropped, after.clipped)
    np.testing.assert_array_equal(again.boxes, after.boxes)
    np.testing.assert_array_equal(again.points, after.points)


@given(st.lists(st.tuples(*[st.floats(width=32)] * 4), max_size=4), st.integers(1, 50), st.integers(1, 50))
def test_any_float_is_handled(boxes: list[tuple[float, ...]], height: int, width: int) -> None:
    clean = Prompts.from_boxes(np.array(boxes, np.float32).reshape(-1, 4)).sanitize((height, width))
    assert len(clean) + clean.dropped == len(boxes)
    points = Prompts.from_points(np.array(boxes, np.float32).reshape(-1, 4)[:, :2]).sanitize((height, width))
    assert len(points) + points.dropped == len(boxes)


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(DataError, match="at least 1 x 1"):
        Prompts.empty().sanitize((0, 5))


def test_repr_tells_what_is_there() -> None:
    text = repr(Prompts.from_boxes([[NAN] * 4, [0, 0, 1, 1]], labels=["cat", "cat"]).sanitize((5, 5)))
    assert text == "Prompts(n=1, boxes=(1, 4), labels=['cat'], dropped=1)"


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="complex numbers"):
        Prompts.from_boxes(np.array([[1, 2, 3, 4j]]))
