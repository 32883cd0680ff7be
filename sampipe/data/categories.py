"""Categories: as COCO's documents declare them, and the ids that those of a written document get."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from sampipe.data.annotated import Category, GroundTruth, Id
from sampipe.data.extras import extra_fields
from sampipe.data.schema import Row, unique


def declared_categories(document: Row) -> tuple[Category, ...]:
    """The categories of a document.

    Raises:
        DataError: one lacks its id or name, or an id is there twice.
    """
    rows = document.rows("categories", optional=True)
    unique(((row.id("id"), row.place) for row in rows), "a category")
    return tuple(Category(row.id("id"), row.text("name"), extra_fields(row, ("id", "name"))) for row in rows)


class CategoryTable:
    """The categories of a document: those that are declared keep their ids, and so does a detector's class id.

    Names without an id get the lowest that is free, from 1; objects with neither are an "object".

    Args:
        declared: categories with their ids, used or not.
    """

    def __init__(self, declared: Sequence[Category] = ()) -> None:
        self._declared = {str(one.id): number for number, one in enumerate(declared)}
        self._entries: list[Category | None] = list(declared)
        self._names = [one.name for one in declared]
        self._wanted: list[Id | None] = [one.id for one in declared]
        self._by_name: dict[str, int] = {one.name: number for number, one in reversed([*enumerate(declared)])}

    def slot(self, one: GroundTruth) -> int:
        """The place of an object's category in :meth:`ids`."""
        if one.category_id is not None:
            found = self._declared.get(str(one.category_id))
            if found is not None and self._names[found] == one.category:
                return found
        if one.category not in self._by_name:
            self._by_name[one.category] = len(self._names)
            self._names.append(one.category)
            self._entries.append(None)
            self._wanted.append(one.category_id)
        slot = self._by_name[one.category]
        before = self._wanted[slot]
        if self._entries[slot] is None and one.category_id is not None:
            numbers = isinstance(before, int) and isinstance(one.category_id, int)
            lower = numbers and one.category_id < before  # type: ignore[operator]
            self._wanted[slot] = one.category_id if before is None or lower else before
        return slot

    def ids(self) -> list[Id]:
        """The id of each slot, whatever the order in which they came."""
        order = sorted(range(len(self._names)), key=self._turn)
        taken = {str(one) for one in self._wanted if one is not None}
        free = (number for number in itertools.count(1) if str(number) not in taken)
        given: set[str] = set()
        ids: dict[int, Id] = {}
        for slot in order:
            wanted = self._wanted[slot]
            ids[slot] = next(free) if wanted is None or str(wanted) in given else wanted
            given.add(str(ids[slot]))
        return [ids[slot] for slot in range(len(self._names))]

    def _turn(self, slot: int) -> tuple[bool, bool, tuple[bool, int, str], str]:
        """Declared categories choose their ids first, then those that want one."""
        wanted = self._wanted[slot]
        return self._entries[slot] is None, wanted is None, id_order(wanted), self._names[slot]

    def rows(self, ids: Sequence[Id]) -> list[dict[str, Any]]:
        """The rows of ``categories``, by id."""
        rows: list[dict[str, Any]] = []
        for entry, name, key in zip(self._entries, self._names, ids, strict=True):
            rows.append({"id": key, "name": name, **(entry.extra if entry else {})})
        return sorted(rows, key=lambda row: id_order(row["id"]))


def id_order(key: Id | None) -> tuple[bool, int, str]:
    """A key for sorting ids: numbers by size, then text."""
    return isinstance(key, str), key if isinstance(key, int) else 0, str(key)
