"""Encode an image once, whoever asks: a cache of embeddings under (weights digest, image digest).

In memory it is bounded in bytes, least recently used first out. On disk it is opt-in: a folder given to
:func:`configure_cache` or in ``SAMPIPE_CACHE_DIR``. The key holds the bytes of the weights and of the decoded pixels,
never a name or a device, so a stale answer is impossible.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path

from sampipe.errors import DataError
from sampipe.graph.run.events import count
from sampipe.models.segmenters import Segmenter
from sampipe.types import Image, ImageEmbedding

DEFAULT_BYTES = 1 << 30
Key = tuple[str, str]


class EmbeddingCache:
    """Embeddings by (model key, image key); safe to share between threads.

    Args:
        max_bytes: how much memory the embeddings may hold; 0 keeps nothing in memory.
        directory: where embeddings are also kept as safetensors; ``None`` for memory only.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES, directory: str | os.PathLike[str] | None = None) -> None:
        self.max_bytes = max_bytes
        self.directory = None if directory is None else Path(directory)
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, ImageEmbedding] = OrderedDict()
        self._bytes = 0
        self._in_flight: dict[Key, threading.Lock] = {}

    def get_or_encode(self, model: Segmenter, image: Image) -> ImageEmbedding:
        """The embedding of ``image``; when several threads ask at once, one encodes and the others wait."""
        return self.get_or_encode_batch(model, [image])[0]

    def get_or_encode_batch(self, model: Segmenter, images: Sequence[Image]) -> list[ImageEmbedding]:
        """Those of several images; the ones that are not here are encoded in one call."""
        by_key = {(model.key, image.key): image for image in images}
        with self._turns(by_key):
            found = {key: embedding for key in by_key if (embedding := self._lookup(key)) is not None}
            missing = [key for key in by_key if key not in found]
            if len(images) > len(missing):
                count("cache_hits", len(images) - len(missing))
            if missing:
                count("cache_misses", len(missing))
                for key, embedding in zip(missing, model.encode([by_key[key] for key in missing]), strict=True):
                    found[key] = embedding
                    self._keep(key, embedding)
                    self._write(key, embedding)
        return [found[model.key, image.key].to(model.device) for image in images]

    @contextmanager
    def _turns(self, keys: Collection[Key]) -> Iterator[None]:
        """Wait until no other thread encodes one of these; in one order, so that no two wait for each other."""
        with ExitStack() as stack:
            for key in sorted(keys):
                with self._lock:
                    turn = self._in_flight.setdefault(key, threading.Lock())
                stack.enter_context(turn)
            try:
                yield
            finally:
                with self._lock:
                    for key in keys:
                        self._in_flight.pop(key, None)

    def clear(self) -> None:
        """Forget what is in memory; files stay."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        return self._bytes

    def _lookup(self, key: Key) -> ImageEmbedding | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        path = self._path(key)
        if path is None or not path.is_file():
            return None
        try:
            embedding = ImageEmbedding.load(path)
        except DataError:  # a damaged file is as good as none: it is made again and replaced
            count("cache_damaged")
            return None
        self._keep(key, embedding)
        return embedding

    def _keep(self, key: Key, embedding: ImageEmbedding) -> None:
        if embedding.nbytes > self.max_bytes:
            return
        with self._lock:
            replaced = self._entries.pop(key, None)
            self._bytes += embedding.nbytes - (replaced.nbytes if replaced else 0)
            self._entries[key] = embedding
            while self._bytes > self.max_bytes:
                _, oldest = self._entries.popitem(last=False)
                self._bytes -= oldest.nbytes

    def _write(self, key: Key, embedding: ImageEmbedding) -> None:
        if (path := self._path(key)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            embedding.save(path)

    def _path(self, key: Key) -> Path | None:
        return None if self.directory is None else self.directory / key[0] / f"{key[1]}.safetensors"


_here: ContextVar[EmbeddingCache | None] = ContextVar("sampipe_embedding_cache", default=None)
_default = EmbeddingCache(directory=os.environ.get("SAMPIPE_CACHE_DIR") or None)


def default_cache() -> EmbeddingCache:
    """The cache that every node of this process uses, or the block's own (:func:`using_cache`)."""
    return _here.get() or _default


@contextmanager
def using_cache(cache: EmbeddingCache) -> Iterator[None]:
    """Another cache for the block: images that nobody will ask for again leave the process's alone."""
    token = _here.set(cache)
    try:
        yield
    finally:
        _here.reset(token)


def configure_cache(
    *, max_bytes: int = DEFAULT_BYTES, directory: str | os.PathLike[str] | None = None
) -> EmbeddingCache:
    """Replace the process's embedding cache; returns the new one."""
    global _default
    _default = EmbeddingCache(max_bytes, directory)
    return _default
