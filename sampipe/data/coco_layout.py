"""Where COCO folders have their documents and images: one document beside ``images/``, or one for each split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sampipe.errors import DataError

ANNOTATION_FILES = ("instances.json", "instances.json.gz", "annotations.json", "_annotations.coco.json")
_OF_SPLITS = ("annotations/instances_*.json", "annotations/instances_*.json.gz", "*/_annotations.coco.json")


@dataclass(frozen=True)
class Part:
    """A document of a COCO folder.

    Args:
        file: the document.
        split: its name, such as ``train2017``; empty for the one document of a folder.
        folders: where its images may be, the likeliest first.
    """

    file: Path
    split: str
    folders: tuple[Path, ...]


def image_folder(folder: Path) -> Path:
    """Where the images of a COCO folder are: in ``images/`` if there is one, else in the folder itself."""
    inner = folder / "images"
    return inner if inner.is_dir() else folder


def parts(folder: Path) -> list[Part]:
    """The documents of a folder: ``instances.json`` (or another name of it) at its top, else those of its splits.

    Splits are COCO's own ``annotations/instances_SPLIT.json`` with the images in ``SPLIT/`` or ``images/SPLIT/``, as
    datumaro and CVAT write them too, or ``SPLIT/_annotations.coco.json`` beside its images.

    Raises:
        DataError: there is none.
    """
    for name in ANNOTATION_FILES:
        if (folder / name).is_file():
            return [Part(folder / name, "", (image_folder(folder), folder))]
    found = []
    for file in sorted(file for pattern in _OF_SPLITS for file in folder.glob(pattern) if file.is_file()):
        split = file.name.removeprefix("instances_").split(".json")[0]
        split = file.parent.name if file.name.startswith("_") else split
        places = (folder / "images" / split, folder / split, folder / "images", folder)
        found.append(Part(file, split, tuple(one for one in places if one.is_dir())))
    if not found:
        raise DataError(
            f"{folder}: not a COCO folder; wanted images/ and {', '.join(ANNOTATION_FILES)}, or {_OF_SPLITS[0]}"
            + ("" if folder.is_dir() else ", but there is no such folder")
        )
    return found


def is_coco(folder: Path) -> bool:
    """Whether the folder has such a document."""
    try:
        return bool(parts(folder))
    except DataError:
        return False
