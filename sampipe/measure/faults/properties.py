"""What holds for every value and every file: by hypothesis, thousands of cases each."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from sampipe._optional import require
from sampipe.errors import DataError, SampipeError
from sampipe.graph import Graph
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.types import RLE, Image, Masks, Prompts

MAX_PIXELS = 1_000_000  # of an image among the cases
KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
GRAPH = """sampipe: 1
inputs: {image: Image}
nodes:
  points: {type: sampipe.Points@1, params: {points: [[3, 4]]}}
  segment: {type: sampipe.Segment@1, inputs: {image: $image, prompts: points.prompts}}
outputs: {masks: segment.masks}
"""


def boxes(corners: Sequence[Sequence[float]], hw: tuple[int, int]) -> None:
    """Whatever the corners: a DataError, or boxes with an area inside the image, and all others counted."""
    try:
        prompts = Prompts.from_boxes(np.array(corners, np.float64).reshape(-1, 4))
    except DataError:
        return
    kept = prompts.sanitize(hw)
    assert len(kept) + kept.dropped == len(corners)
    if len(kept):
        assert kept.boxes is not None and np.isfinite(kept.boxes).all()
        x0, y0, x1, y1 = kept.boxes.T
        assert (x0 >= 0).all() and (y0 >= 0).all() and (x1 <= hw[1]).all() and (y1 <= hw[0]).all()
        assert (x1 > x0).all() and (y1 > y0).all()


def points(objects: Sequence[Sequence[tuple[float, float, int]]], hw: tuple[int, int]) -> None:
    """Whatever the points: a DataError, or points inside the image, and all other objects counted."""
    try:
        prompts = Prompts.concat(
            [Prompts.from_points([[(x, y) for x, y, _ in one]], [[label for *_, label in one]]) for one in objects]
        )
    except DataError:
        return
    kept = prompts.sanitize(hw)
    assert len(kept) + kept.dropped == len(objects)
    if len(kept):
        assert kept.points is not None and kept.point_labels is not None
        inside = kept.points[kept.point_labels >= 0]
        assert np.isfinite(inside).all()
        assert (inside >= 0).all() and (inside[:, 0] <= hw[1]).all() and (inside[:, 1] <= hw[0]).all()


def rle(case: tuple[bytes, tuple[int, int]]) -> None:
    """Whatever the bytes and the size: a DataError, or a mask of that size whose parts agree."""
    counts, hw = case
    try:
        mask = RLE(hw, counts)
    except DataError:
        return
    pixels = mask.decode()
    assert pixels.shape == hw and int(pixels.sum()) == mask.area
    assert RLE.from_mask(pixels).area == mask.area
    if mask.area:
        x0, y0, x1, y1 = (int(side) for side in mask.box)
        np.testing.assert_array_equal(mask.window(), pixels[y0:y1, x0:x1])


def counts_of(runs: Sequence[int]) -> tuple[bytes, tuple[int, int]]:
    """Runs in COCO's letters, and a size that they fill."""
    from sampipe.types._runs import compress

    return compress(np.array(runs, np.int64)), (1, max(1, sum(runs)))


def mask(pixels: np.ndarray) -> None:
    """Whatever the mask: the same comes back from its runs, from COCO's dict and from a value of masks."""
    encoded = RLE.from_mask(pixels)
    np.testing.assert_array_equal(encoded.decode(), pixels)
    assert RLE.from_coco(encoded.to_coco()) == encoded
    np.testing.assert_array_equal(Masks.from_binary(pixels[None]).rle()[0].decode(), pixels)


def graph(text: str) -> None:
    """Whatever the text: an error of ours, or a graph that is the same after a way through YAML."""
    try:
        loaded = Graph.from_yaml(text if "\n" in text else f"{text}\n")
    except SampipeError:
        return
    assert Graph.from_yaml(loaded.to_yaml()).to_yaml() == loaded.to_yaml()


def image(data: bytes) -> None:
    """Whatever the bytes: a DataError that names the file, or an image within the limit."""
    try:
        opened = Image.from_bytes(data, source="fuzz.png", max_pixels=MAX_PIXELS)
    except DataError as error:
        assert "fuzz.png" in str(error)
        return
    assert opened.pixels.dtype == np.uint8 and opened.height * opened.width <= MAX_PIXELS


def image_bytes(kind: str) -> bytes:
    """A small image of a kind."""
    ramp = np.add.outer(np.arange(20), 2 * np.arange(25)).astype(np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(np.dstack([ramp, 255 - ramp, ramp // 2])).save(buffer, kind)
    return buffer.getvalue()


def changed(whole: bytes, changes: Sequence[tuple[int, int]], cut: int) -> bytes:
    """Some bytes of a file replaced, and its end cut off."""
    content = bytearray(whole)
    for place, value in changes:
        content[place % len(content)] = value
    return bytes(content[: max(1, len(content) - cut)])


def strategies() -> dict[str, tuple[Callable[..., None], dict[str, Any]]]:
    """For each property, its function and where its arguments come from."""
    require("hypothesis", "test")
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    number = st.floats(width=32) | st.floats(-50, 150, width=32) | st.integers(-5, 120)
    hw = st.tuples(st.integers(1, 100), st.integers(1, 100))
    edits = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6)
    cut = st.just(0) | st.integers(0, 400)
    files = st.sampled_from([image_bytes(kind) for kind in KINDS])
    lines = GRAPH.splitlines(keepends=True)
    words = st.sampled_from([*GRAPH.replace("\n", " ").split(), "&a", "*a", "!!python/name:os.system", "- ", "\t", "~"])
    pieces = st.sampled_from(lines) | words | st.just("\n")
    documents = st.text(max_size=60) | st.lists(pieces, max_size=20).map("".join)
    damaged = st.builds(changed, st.just(GRAPH.encode()), edits, cut).map(lambda data: data.decode("utf-8", "replace"))
    codes = "".join(map(chr, range(48, 112)))  # six bits a character, as COCO writes them
    noise = st.tuples(
        st.binary(max_size=12) | st.text(codes, max_size=12).map(str.encode),
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
    )
    runs = st.lists(st.integers(0, 40), min_size=1, max_size=9).map(counts_of)
    slips = st.builds(lambda good, edits, cut: (changed(good[0], edits, cut), good[1]), runs, edits, st.integers(0, 2))
    clicks = st.lists(st.tuples(number, number, st.integers(-2, 2)), min_size=1, max_size=3)
    return {
        "boxes": (boxes, {"corners": st.lists(st.tuples(number, number, number, number), max_size=5), "hw": hw}),
        "points": (points, {"objects": st.lists(clicks, min_size=1, max_size=4), "hw": hw}),
        "RLE": (rle, {"case": noise | runs | slips}),
        "masks": (mask, {"pixels": arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=24))}),
        "YAML": (graph, {"text": documents | damaged}),
        "images": (image, {"data": st.binary(max_size=64) | st.builds(changed, files, edits, cut)}),
    }


def properties(size: Size, folder: Path) -> Outcome:
    """Each property on so many cases; hypothesis looks for the smallest that breaks it."""
    import warnings

    found = strategies()
    from hypothesis import HealthCheck, given, settings

    broken = []
    for name, (holds, arguments) in found.items():
        tried = settings(
            max_examples=size.cases,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )(given(**arguments)(holds))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata is worth a warning of Pillow's, not an error
            try:
                tried()
            except Exception as error:  # whatever a broken property raises
                broken.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
    figures = f"{size.cases:,} cases each of {', '.join(found)}: {len(broken)} broken"
    return Outcome(not broken, figures + "".join(f"; {one}" for one in broken))
