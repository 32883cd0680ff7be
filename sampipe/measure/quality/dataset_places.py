"""Where images were taken, and what a data set holds by country, region and income (paper, section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sampipe.data.schema import read_table
from sampipe.errors import DataError

COLUMNS = ("country", "region", "income")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Places:
    """What is known of each photo.

    Args:
        columns: those of ``country``, ``region`` and ``income`` that the file has.
        of: by the image's file name without its ending.
    """

    columns: tuple[str, ...]
    of: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: str | Path) -> Places:
        """From a CSV file with a head line: ``image`` and any of ``country``, ``region``, ``income``.

        Raises:
            DataError: the file cannot be read, or lacks these columns.
        """
        names, lines = read_table(Path(path))
        columns = tuple(name for name in COLUMNS if name in names)
        if "image" not in names or not columns:
            found = ", ".join(names) or "nothing"
            raise DataError(f"{path}: its columns are {found}; wanted image and {', '.join(COLUMNS)}")
        rows = {Path(row.text("image")).stem: {name: row.value[name] or UNKNOWN for name in columns} for row in lines}
        return cls(columns, rows)

    def table(self, rows: Sequence[Mapping[str, Any]], column: str) -> list[dict[str, Any]]:
        """Images, masks and masks per image of each value of a column, most images first.

        Args:
            rows: with ``image`` and ``masks``; images that the file lacks count as unknown.
        """
        counts: dict[str, list[int]] = {}
        for row in rows:
            place = self.of.get(Path(row["image"]).stem, {}).get(column, UNKNOWN)
            counts.setdefault(place, []).append(row["masks"])
        table = [
            {
                column: place,
                "images": len(found),
                "share_of_images": len(found) / len(rows),
                "masks": sum(found),
                "masks_per_image": sum(found) / len(found),
            }
            for place, found in counts.items()
        ]
        return sorted(table, key=lambda one: (-int(one["images"]), str(one[column])))
