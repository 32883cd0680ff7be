"""LVIS: COCO's document with frequencies of categories and what was looked for in each image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sampipe.data import coco
from sampipe.data.annotated import AnnotatedImage, Dataset
from sampipe.data.format import Format, InFolder
from sampipe.errors import DataError
from sampipe.types import Image


def read(folder: Path) -> Dataset:
    """A folder with one ``lvis*.json``; its images are found by ``file_name`` or the end of ``coco_url``.

    Raises:
        DataError: no such file, several, or one of its rows is not what it should be.
    """
    files = sorted(folder.glob("lvis*.json*"))
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files lvis*.json; wanted one")
    return coco.read_file(files[0], folder, format_name="lvis")


@dataclass(kw_only=True)
class LvisWriter(coco.CocoWriter):
    """``lvis.json``: every image counts as looked through for the categories that are on it, and for no others."""

    file: InFolder = "lvis.json"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._images_with: Counter[str] = Counter()

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        written = super().write(image, stem, pixels)
        with self._lock:
            self._images_with.update({one.category for one in image.objects})
        return written

    def image_row(self, image: AnnotatedImage, key: int, name: str) -> dict[str, Any]:
        row = super().image_row(image, key, name)
        looked_for = {"neg_category_ids": [], "not_exhaustive_category_ids": [], "coco_url": name}
        return {**looked_for, **row}

    def category_rows(self, ids: Sequence[Any]) -> list[dict[str, Any]]:
        """With ``frequency``: rare, common or frequent, by how many images have the category."""
        rows = super().category_rows(ids)
        return [{"frequency": _frequency(self._images_with[row["name"]]), "synonyms": [], **row} for row in rows]


def _frequency(count: int) -> str:
    """Rare, common or frequent (Gupta et al. 2019, section 2.1)."""
    return "r" if count <= 10 else "c" if count <= 100 else "f"


def _recognize(folder: Path) -> bool:
    return any(folder.glob("lvis*.json*"))


FORMAT = Format(
    name="lvis",
    title="LVIS",
    read=read,
    recognize=_recognize,
    writer=LvisWriter,
    index="lvis.json",
    opened_by="lvis 0.5.3",
)
