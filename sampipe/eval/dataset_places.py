"""Where photos were taken, and what a data set holds by country, region and income (paper, section 6)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError

COLUMNS = ("country", "region", "income")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Places:
    """What is known of each photo.

    Args:
        columns: those of ``country``, ``region`` and ``income`` that the file has.
        of: by the photo's file name without its ending.
    """

    columns: tuple[str, ...]
    of: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: str | Path) -> Places:
        """From a CSV file with a head line: ``image`` and any of ``country``, ``region``, ``income``.

        Raises:
            DataError: the file cannot be read, or lacks these columns.
        """
        path = Path(path)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                columns = tuple(name for name in COLUMNS if name in (reader.fieldnames or ()))
                if "image" not in (reader.fieldnames or ()) or not columns:
                    head = ", ".join(reader.fieldnames or ()) or "nothing"
                    raise DataError(f"{path}: its columns are {head}; wanted image and {', '.join(COLUMNS)}")
                rows = {Path(row["image"]).stem: {name: row[name] or UNKNOWN for name in columns} for row in reader}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: cannot be read as CSV: {error}") from error
        return cls(columns, rows)


def by_place(rows: Sequence[Mapping[str, Any]], places: Places) -> dict[str, list[dict[str, Any]]]:
    """For each column a table: images, masks and masks per image of each value, most images first.

    Args:
        rows: with ``image`` and ``masks``.
        places: photos that are not among them count as unknown.
    """
    return {column: _table(rows, places, column) for column in places.columns}


def _table(rows: Sequence[Mapping[str, Any]], places: Places, column: str) -> list[dict[str, Any]]:
    counts: dict[str, list[int]] = {}
    for row in rows:
        place = places.of.get(Path(row["image"]).stem, {}).get(column, UNKNOWN)
        counts.setdefault(place, []).append(row["masks"])
    table = [
        {
            column: place,
            "images": len(found),
            "share_of_images": len(found) / len(rows),
            "masks": int(np.sum(found)),
            "masks_per_image": float(np.mean(found)),
        }
        for place, found in counts.items()
    ]
    return sorted(table, key=lambda one: (-int(one["images"]), str(one[column])))
