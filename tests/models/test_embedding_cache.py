"""Encoded once, whoever asks; never stale, never larger than asked."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from random_sam import SMALL_VIT, random_sam

from sampipe.graph.run.events import listening
from sampipe.models import EmbeddingCache, SamModel
from sampipe.types import Image


@pytest.fixture(scope="module")
def model() -> SamModel:
    return SamModel(random_sam(SMALL_VIT), name="small")


def picture(seed: int) -> Image:
    return Image.from_array(np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8))


def test_the_second_question_is_a_hit_and_the_same_value(model: SamModel) -> None:
    cache = EmbeddingCache()
    with listening() as first:
        embedding = cache.get_or_encode(model, picture(0))
    with listening() as second:
        again = cache.get_or_encode(model, picture(0))
    assert (first.events["cache_misses"], second.events["cache_hits"], second.events["cache_misses"]) == (1, 1, 0)
    torch.testing.assert_close(again.features, embedding.features, rtol=0, atol=0)


def test_other_pixels_or_other_weights_are_other_embeddings(model: SamModel) -> None:
    cache = EmbeddingCache()
    other = SamModel(random_sam(SMALL_VIT, seed=1), name="small")
    with listening() as heard:
        keys = {cache.get_or_encode(m, picture(s)).features.sum().item() for m in (model, other) for s in (0, 1)}
    assert heard.events["cache_misses"] == 4 and len(keys) == 4


def test_memory_is_bounded_and_the_oldest_goes_first(model: SamModel) -> None:
    one = model.encode([picture(0)])[0].nbytes
    cache = EmbeddingCache(max_bytes=2 * one)
    for seed in (0, 1, 0, 2):  # 0 was asked for again, so 1 goes
        cache.get_or_encode(model, picture(seed))
    assert cache.nbytes == 2 * one
    with listening() as heard:
        cache.get_or_encode(model, picture(0))
        cache.get_or_encode(model, picture(1))
    assert (heard.events["cache_hits"], heard.events["cache_misses"]) == (1, 1)


def test_a_file_serves_the_next_process_and_a_damaged_one_is_made_again(model: SamModel, tmp_path: Path) -> None:
    embedding = EmbeddingCache(directory=tmp_path).get_or_encode(model, picture(0))
    (file,) = tmp_path.rglob("*.safetensors")
    with listening() as heard:
        read = EmbeddingCache(directory=tmp_path).get_or_encode(model, picture(0))
    assert heard.events["cache_hits"] == 1
    torch.testing.assert_close(read.features, embedding.features, rtol=0, atol=0)
    file.write_bytes(file.read_bytes()[:100])
    with listening() as heard:
        EmbeddingCache(directory=tmp_path).get_or_encode(model, picture(0))
    assert heard.events["cache_damaged"] == 1 and heard.events["cache_misses"] == 1
    assert EmbeddingCache(directory=tmp_path).get_or_encode(model, picture(0)).image_key == picture(0).key


def test_threads_that_ask_at_once_encode_once(model: SamModel) -> None:
    cache = EmbeddingCache()
    gate = threading.Barrier(6)
    misses: list[int] = []

    def ask() -> None:
        gate.wait()
        with listening() as heard:
            cache.get_or_encode(model, picture(5))
        misses.append(heard.events["cache_misses"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(misses) == [0, 0, 0, 0, 0, 1]


def test_clear_forgets(model: SamModel) -> None:
    cache = EmbeddingCache()
    cache.get_or_encode(model, picture(0))
    cache.clear()
    assert cache.nbytes == 0
