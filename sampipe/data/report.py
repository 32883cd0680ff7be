"""What a reader took from foreign rows, and what it left out and why."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_SHOWN = 3  # places of each reason


@dataclass
class Reason:
    """Why rows were left out: how many, where the first of them are, and how many are at these places."""

    count: int = 0
    places: list[str] = field(default_factory=list)
    placed: int = 0

    def add(self, other: Reason) -> None:
        """Take in those of another report."""
        self.count += other.count
        if len(self.places) + len(other.places) <= _SHOWN:
            self.places += other.places
            self.placed += other.placed
        else:
            self.places = [*self.places, *other.places][:_SHOWN]


@dataclass
class ReadReport:
    """Counts of a reader or converter; nothing that was there is missing from them.

    Args:
        images: that were read.
        read: rows (annotated objects) that the files hold.
        kept: of those, the ones that became objects.
        left_out: the others, by reason. Images that are missing are counted here, too.
    """

    images: int = 0
    read: int = 0
    kept: int = 0
    left_out: dict[str, Reason] = field(default_factory=dict)

    def keep(self, count: int = 1) -> None:
        """Rows that were read and kept."""
        self.read += count
        self.kept += count

    def leave_out(self, reason: str, place: str, count: int = 1) -> None:
        """Rows that were read and are not among the objects."""
        self.read += count
        self.note(reason, place, count)

    def drop(self, reason: str, place: str) -> None:
        """An object that was kept by the reader and is left out after all."""
        self.kept -= 1
        self.note(reason, place)

    def note(self, reason: str, place: str, count: int = 1) -> None:
        """Something that is no row, such as an image that is not there; the reason begins with "image"."""
        self.left_out.setdefault(reason, Reason()).add(Reason(count, [place], count))

    @contextmanager
    def whole(self) -> Iterator[None]:
        """What is counted inside counts all together, or, where it raises, not at all."""
        before = copy.deepcopy(vars(self))
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    @property
    def lost(self) -> int:
        """Rows that are neither kept nor told of: 0, always."""
        return self.read - self.kept - sum(one.count for name, one in self.left_out.items() if not _is_note(name))

    def lines(self) -> list[str]:
        """What to tell the user: a line for the sum, one for each reason."""
        told = [f"read {_count(self.read, 'object')} in {_count(self.images, 'image')}, kept {self.kept}"]
        for reason, one in sorted(self.left_out.items()):
            more = ", ..." if one.count > one.placed else ""
            word = "noted" if _is_note(reason) else "left out"
            told.append(f"{word} {one.count}: {reason} ({', '.join(one.places)}{more})")
        return told

    def add(self, others: Iterable[ReadReport]) -> None:
        """Take in the counts of other reports."""
        for other in others:
            self.images += other.images
            self.read += other.read
            self.kept += other.kept
            self.tell(other)

    def tell(self, other: ReadReport) -> None:
        """Take in what another report left out and noted, but not its sums."""
        for reason, one in other.left_out.items():
            self.left_out.setdefault(reason, Reason()).add(one)

    def __str__(self) -> str:
        return "; ".join(self.lines())


def _is_note(reason: str) -> bool:
    return reason.startswith("image")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
