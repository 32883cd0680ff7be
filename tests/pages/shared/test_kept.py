"""What pages hold by a key."""

from __future__ import annotations

import numpy as np
import pytest

from sampipe.errors import DataError
from sampipe.pages.shared import ImageStore, Kept
from sampipe.types import Image


def test_the_store_forgets_the_oldest_and_finds_by_content_only() -> None:
    images = [Image(np.full((10, 10, 3), shade, np.uint8)) for shade in range(3)]
    store = ImageStore(max_bytes=700)
    first, second, third = (store.keep(image) for image in images)
    assert store.get(second).key == images[1].key
    assert store.get(third).key == images[2].key
    for key in (first, "../x", None, 3):
        with pytest.raises(DataError, match="choose it again" if key else "Choose an image first"):
            store.get(key)


def test_what_is_used_stays_and_what_goes_is_told() -> None:
    gone: list[str] = []
    kept = Kept[int]("clip", 2, gone=gone.append)
    for number, key in enumerate("ab"):
        kept.put(key, number)
    assert kept.get("a") == 0
    kept.put("c", 2)
    assert gone == ["b"]
    assert (kept.get("a"), kept.get("c")) == (0, 2)
    with pytest.raises(DataError, match=r"This clip is no longer held; choose it again\."):
        kept.get("b")
    with pytest.raises(DataError, match=r"Choose a clip first\."):
        kept.get("")
