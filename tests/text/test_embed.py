"""Text vectors are made once: kept on disk by (weights digest, text), and damaged files made again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sampipe.graph.run.events import listening
from sampipe.text.embed import cache_folder, embed_phrases


class Tower:
    """A tower that counts what it is asked."""

    name, space = "counting", "clip-test"

    def __init__(self, digest: str = "abc") -> None:
        self.digest, self.asked = digest, []

    def encode_texts(self, phrases: Sequence[str]) -> np.ndarray:
        self.asked += phrases
        rows = [np.random.default_rng(list(phrase.encode())).normal(size=8) for phrase in phrases]
        return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_sentence_is_encoded_once_for_all_processes() -> None:
    first, second = Tower(), Tower()
    with listening() as heard:
        one = embed_phrases(first, ["dog", "cat"], ["a {}", "{}"])
        two = embed_phrases(second, ["cat", "dog"], ["a {}", "{}"])
    assert sorted(first.asked) == ["a cat", "a dog", "cat", "dog"] and second.asked == []
    assert np.allclose(one.vectors, two.vectors[::-1]) and one.texts == ("dog", "cat")
    assert heard.events["text_cache_misses"] == 4 and heard.events["text_cache_hits"] == 4


def test_other_weights_have_vectors_of_their_own() -> None:
    embed_phrases(Tower("abc"), ["dog"], ["{}"])
    other = Tower("def")
    embed_phrases(other, ["dog"], ["{}"])
    assert other.asked == ["dog"]


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', }"])
def test_a_damaged_file_is_made_again(content: bytes) -> None:
    fresh = embed_phrases(Tower(), ["dog"], ["{}"])
    [file] = (cache_folder() / "abc").iterdir()
    file.write_bytes(content)
    again = Tower()
    assert np.array_equal(embed_phrases(again, ["dog"], ["{}"]).vectors, fresh.vectors)
    assert again.asked == ["dog"]
    last = Tower()
    embed_phrases(last, ["dog"], ["{}"])
    assert last.asked == [], "and kept again"


def test_an_article_is_not_said_twice() -> None:
    tower = Tower()
    embed_phrases(tower, ["a dog", "an owl"], ["a photo of a {}.", "{}"])
    assert tower.asked == ["a photo of a dog.", "a dog", "a photo of a owl.", "an owl"]


def test_500_classes_with_templates_are_unit_vectors_in_order() -> None:
    classes = [f"class {number}" for number in range(500)]
    found = embed_phrases(Tower(), classes, ["a {}", "{}"])
    assert found.vectors.shape == (500, 8) and found.texts == tuple(classes)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
