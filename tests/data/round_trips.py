"""Masks of any shape, for round trips."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sampipe.types import Masks, Prompts

LABELS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8
)


@st.composite
def any_masks(draw: st.DrawFn, *, overlapping: bool = True, scored: bool = False) -> Masks:
    """Up to five objects of at least a pixel, with holes and parts as they come, on a picture of up to 9×9."""
    height, width, count = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(0, 5))
    if overlapping:
        pixels = draw(arrays.arrays(bool, (count, height, width)))
    else:
        labels = draw(arrays.arrays(np.int64, (height, width), elements=st.integers(0, count)))
        pixels = np.stack([labels == i + 1 for i in range(count)]) if count else np.zeros((0, height, width), bool)
    pixels = pixels[pixels.any(axis=(1, 2))]
    labels_of = draw(st.lists(LABELS, min_size=len(pixels), max_size=len(pixels)))
    scores = [round(draw(st.floats(0, 1, width=32)), 6) for _ in labels_of] if scored else None
    prompts = Prompts.from_boxes(np.full((len(pixels), 4), (0, 0, 1, 1), np.float32), labels=labels_of, scores=scores)
    return Masks.from_binary(pixels, prompts) if len(pixels) else Masks.empty((height, width))


def assert_same(read: Masks, written: Masks, *, labels: bool = True, scores: bool = False) -> None:
    """The pixels, and what else the format can hold."""
    assert read.hw == written.hw
    np.testing.assert_array_equal(read.binary(), written.binary())
    if labels and len(written):
        assert read.prompts.labels == written.prompts.labels
    if scores and len(written):
        np.testing.assert_allclose(read.prompts.scores, written.prompts.scores, atol=1e-6)
