"""What pages work on is held by a key for a while, whatever it is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from sampipe.errors import DataError
from sampipe.types import Image

T = TypeVar("T")


class Kept(Generic[T]):
    """Things by key; when there are too many, those used longest ago go first. Safe to share between threads.

    Args:
        what: a word for one of them, for messages.
        most: how much is held, in the units of ``size``; the newest stays however large it is.
        size: of one.
        gone: called with the key of one that is not held any more.
    """

    def __init__(
        self,
        what: str,
        most: int,
        *,
        size: Callable[[T], int] = lambda one: 1,
        gone: Callable[[str], None] = lambda key: None,
    ) -> None:
        self._what, self._most, self._size, self._gone = what, most, size, gone
        self._lock = threading.Lock()
        self._held: OrderedDict[str, T] = OrderedDict()

    def put(self, key: str, one: T) -> None:
        """Hold one."""
        with self._lock:
            self._held[key] = one
            self._held.move_to_end(key)
            while len(self._held) > 1 and sum(map(self._size, self._held.values())) > self._most:
                self._gone(self._held.popitem(last=False)[0])

    def get(self, key: object) -> T:
        """The one of a key.

        Raises:
            DataError: there is no key, or it is not held any more.
        """
        if not key:
            raise DataError(f"Choose {'an' if self._what[0] in 'aeiou' else 'a'} {self._what} first.")
        with self._lock:
            if not isinstance(key, str) or key not in self._held:
                raise DataError(f"This {self._what} is no longer held; choose it again.")
            self._held.move_to_end(key)
            return self._held[key]


class ImageStore(Kept[Image]):
    """The images that pages work on, by content.

    A key is a digest of the pixels, so nobody reaches an image without having it.

    Args:
        max_bytes: of pixels held.
    """

    def __init__(self, max_bytes: int = 1 << 30) -> None:
        super().__init__("image", max_bytes, size=lambda one: one.pixels.nbytes)

    def keep(self, image: Image) -> str:
        """Hold an image; gives its key."""
        self.put(image.key, image)
        return image.key
