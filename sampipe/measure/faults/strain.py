"""What happens to graphs: too little memory, many threads, many images."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sampipe.graph.run.memory import resident_bytes
from sampipe.measure.faults.graphs import clicks, halves
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.models.embedding_cache import EmbeddingCache, using_cache
from sampipe.types import Image, Masks

_FEW = 8 << 20  # bytes of embeddings: a cache that is full at once


def random_images(count: int, seed: int) -> Iterator[Image]:
    """Different images of 32 x 24 pixels, one after the other."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        yield Image(rng.integers(0, 255, size=(24, 32, 3), dtype=np.uint8), source=f"random {index}")


def out_of_memory(size: Size, folder: Path) -> Outcome:
    """A batch of 32 does not fit, 5 do: smaller chunks give the same masks."""
    images = list(random_images(64, size.seed))
    whole = [one.masks for one in halves().map(images, batch_size=32)]  # type: ignore[union-attr]
    pieces = [one.masks for one in halves(fits=5).map(images, batch_size=32)]  # type: ignore[union-attr]
    different = sum(_counts(a) != _counts(b) for a, b in zip(whole, pieces, strict=True))
    figures = f"{len(images)} images in batches of 32, where 5 fit: {different} masks differ"
    return Outcome(different == 0, figures)


def threads(size: Size, folder: Path) -> Outcome:
    """Threads on one graph of the embedded model, each with the same images in another order; the cache holds few."""
    images = list(random_images(size.images_per_thread, size.seed))
    cache = EmbeddingCache(max_bytes=_FEW)
    with clicks() as graph:
        alone = [_counts(graph.run(image=image).masks) for image in images]

        def differences(thread: int) -> int:
            order = np.random.default_rng(thread).permutation(len(images))
            with using_cache(cache):
                return sum(_counts(graph.run(image=images[i]).masks) != alone[i] for i in order)

        with ThreadPoolExecutor(size.threads) as pool:
            different = sum(pool.map(differences, range(size.threads)))
    figures = f"{size.threads} threads x {len(images)} images: {different} differences"
    return Outcome(different == 0, figures)


def memory_slope(size: Size, folder: Path) -> Outcome:
    """Small images through the embedded model: how resident memory grows once everything is warm."""
    warm_up, every = size.memory_images // 5, max(1, size.memory_images // 50)
    seen: list[tuple[int, float]] = []
    with clicks() as graph, using_cache(EmbeddingCache(max_bytes=_FEW)):
        for index, _ in enumerate(graph.map(random_images(size.memory_images, size.seed))):
            if index >= warm_up and index % every == 0:
                seen.append((index, resident_bytes() / 1e6))
    indices, megabytes = np.array(seen).T
    line, spread = np.polyfit(indices, megabytes, 1, cov=True)
    slope, error = 1000 * line[0], 2000 * np.sqrt(spread[0, 0])  # few images cannot tell a small slope from none
    figures = f"{size.memory_images} images, {megabytes[-1]:.0f} MB in the end: {slope:+.2f} ± {error:.2f} MB per 1,000"
    return Outcome(bool(slope - error < 1.0), figures)


def _counts(masks: Masks) -> list[bytes]:
    return [one.counts for one in masks.best().rle()]
