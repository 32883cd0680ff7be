"""Images read ahead by a few threads, in order, a bounded number of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from sampipe.errors import DataError
from sampipe.jobs.manifest import Entry, digest
from sampipe.types import Image
from sampipe.types.sources import read_source


def read_image(entry: Entry) -> Image:
    """The image of an entry.

    Raises:
        DataError: it cannot be read or decoded, or is not what it was when the manifest was written.
    """
    content = read_source(entry.path)
    if entry.digest is not None and digest(content) != entry.digest:
        raise DataError(f"{entry.path}: the file changed since the manifest was written. Begin a new job with it.")
    return Image.from_bytes(content, source=entry.path)


def read_ahead(entries: Iterable[Entry], *, readers: int) -> Iterator[tuple[Entry, Image | Exception]]:
    """Each entry with its image, or with why there is none; at most ``2 * readers`` wait to be taken."""
    waiting: deque[tuple[Entry, Future[Image]]] = deque()
    remaining = iter(entries)
    with ThreadPoolExecutor(readers, thread_name_prefix="sampipe-read") as pool:
        try:
            while True:
                while len(waiting) < 2 * readers and (entry := next(remaining, None)) is not None:
                    waiting.append((entry, pool.submit(read_image, entry)))
                if not waiting:
                    return
                entry, future = waiting.popleft()
                yield entry, _outcome(future)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _outcome(future: Future[Image]) -> Image | Exception:
    try:
        return future.result()
    except Exception as error:  # becomes this image's row
        return error
