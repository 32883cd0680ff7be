"""Boxes and key points that are already in files. Nothing to install."""

from __future__ import annotations

from sampipe_integrations.files.coco import CocoBoxes
from sampipe_integrations.files.table import CsvBoxes

__all__ = ["CocoBoxes", "CsvBoxes", "coco", "table"]


def coco(argument: str | None = None, **params: object) -> CocoBoxes:
    """``--detector coco_boxes:FILE.json``."""
    return CocoBoxes(path=argument or "", **params)  # type: ignore[arg-type]


def table(argument: str | None = None, **params: object) -> CsvBoxes:
    """``--detector csv_boxes:FILE.csv``."""
    return CsvBoxes(path=argument or "", **params)  # type: ignore[arg-type]
