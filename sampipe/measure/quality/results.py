"""Results image by image, kept in a folder, so that a long measurement is resumed where it stopped.

The folder holds ``run.json``, which says what is measured of what, and ``images/``, one JSON file an image. A folder
of another run is refused. Several processes may share a folder: each takes every n-th image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sampipe._files import write_atomic
from sampipe.errors import DataError

T = TypeVar("T")
Progress = Callable[[int, int], None]


class Unfinished(DataError):
    """A process did its share of the images, and others are not done yet."""


@dataclass(frozen=True)
class Shard:
    """Every ``count``-th image, from number ``index`` (1 to ``count``)."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/8``.

        Raises:
            DataError: anything else.
        """
        first, _, second = text.partition("/")
        if not (first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second)):
            raise DataError(f"shard: got {text!r}, wanted such as 2/8: the second of eight")
        return cls(int(first), int(second))

    def takes(self, position: int) -> bool:
        """Whether the image at this position (from 0) is this process's."""
        return position % self.count == self.index - 1


@dataclass(frozen=True)
class Results:
    """Where the results of images are kept.

    Args:
        folder: of this run; None keeps nothing.
        fingerprint: all that the results depend on, JSON values only.
        shard: this process's share.
    """

    folder: Path | None
    fingerprint: Mapping[str, Any]
    shard: Shard = Shard()

    def collect(
        self,
        items: Mapping[str, T],
        measure: Callable[[T], Mapping[str, Any]],
        progress: Progress | None = None,
    ) -> list[dict[str, Any]]:
        """What ``measure`` says of each item, in their order; items with a file in the folder are not measured.

        Args:
            items: by keys that are the same in every run (a data set and a file name).
            measure: to a JSON mapping.
            progress: called with (items done, items in all).

        Raises:
            DataError: the folder holds another run, or a damaged file.
            Unfinished: with a shard, when items of others are not there yet.
        """
        self._claim()
        found: list[dict[str, Any] | None] = [self._read(key) for key in items]
        done = sum(one is not None for one in found)
        for position, (key, item) in enumerate(items.items()):
            if found[position] is None and self.shard.takes(position):
                found[position] = self._keep(key, measure(item))
                done += 1
                if progress is not None:
                    progress(done, len(items))
        complete = [one for one in found if one is not None]
        if len(complete) < len(items):
            raise Unfinished(
                f"{self.folder}: {len(complete)} of {len(items)} images are measured; the figures come from the "
                "process that finds them all there: run the command once more when the other shards are through"
            )
        return complete

    def _claim(self) -> None:
        if self.folder is None:
            if self.shard.count > 1:
                raise DataError("a shard needs a folder that all processes share: give --out")
            return
        file, wanted = self.folder / "run.json", json.loads(json.dumps(self.fingerprint))
        if file.is_file():
            _check_same(self.folder, _read_json(file), wanted)
        else:
            write_atomic(file, (json.dumps(wanted, indent=1, allow_nan=False) + "\n").encode())

    def _file(self, key: str) -> Path | None:
        if self.folder is None:
            return None
        readable = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in key)[-80:]
        return self.folder / "images" / f"{readable}.{hashlib.blake2b(key.encode(), digest_size=4).hexdigest()}.json"

    def _read(self, key: str) -> dict[str, Any] | None:
        file = self._file(key)
        return _read_json(file) if file is not None and file.is_file() else None

    def _keep(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        text = json.dumps(result, allow_nan=False)
        if (file := self._file(key)) is not None:
            write_atomic(file, text.encode())
        kept: dict[str, Any] = json.loads(text)  # the same values whether measured now or read again
        return kept


def _check_same(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    different = [
        f"{name} was {_short(found.get(name))} and is {_short(wanted.get(name))}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]
    if different:
        raise DataError(f"{folder} holds another run: {'; '.join(different)}. Give another folder, or delete this one.")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file}: damaged ({error}); delete it, and it will be made again") from error
    if not isinstance(content, dict):
        raise DataError(f"{file}: damaged (no JSON object); delete it, and it will be made again")
    return content


def keyed(names: Sequence[str], items: Sequence[T]) -> dict[str, T]:
    """Items by distinct keys, made of their names: what occurs twice is numbered."""
    found: dict[str, T] = {}
    for name, item in zip(names, items, strict=True):
        key, count = name, 1
        while key in found:
            count += 1
            key = f"{name}#{count}"
        found[key] = item
    return found
