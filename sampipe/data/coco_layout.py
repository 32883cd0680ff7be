"""Where COCO folders have their documents and images: one document beside ``images/``, or one for each split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sampipe.data.schema import read_json
from sampipe.errors import DataError

ANNOTATION_FILES = ("instances.json", "instances.json.gz", "annotations.json", "_annotations.coco.json")
_OF_SPLITS = ("annotations/instances_*.json", "annotations/instances_*.json.gz", "*/_annotations.coco.json")

_LOOKED_AT = 8  # files of other names


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
    datumaro and CVAT write them too, or ``SPLIT/_annotations.coco.json`` beside its images. A document of any other
    name, in the folder or in ``annotations/``, is told by what is in it, if it is the only one.

    Raises:
        DataError: there is none, or there are several of other names.
    """
    found = _of_known_names(folder)
    others = [] if found else _of_other_names(folder)
    if len(others) > 1:
        names = ", ".join(str(file.relative_to(folder)) for file in others)
        raise DataError(f"{folder}: {len(others)} COCO documents: {names}; call the one that is meant instances.json")
    for file in others:
        stem = file.name.split(".")[0]
        places = (folder / "images" / stem, folder / stem, folder / "images", folder / "data", folder)
        found.append(Part(file, "", tuple(one for one in places if one.is_dir())))
    if not found:
        raise DataError(
            f"{folder}: not a COCO folder; wanted images/ and {', '.join(ANNOTATION_FILES)}, or {_OF_SPLITS[0]}"
            + ("" if folder.is_dir() else ", but there is no such folder")
        )
    return found


def is_coco(folder: Path) -> bool:
    """Whether the folder has such a document, or several."""
    return bool(_of_known_names(folder) or _of_other_names(folder))


def _of_other_names(folder: Path) -> list[Path]:
    files = sorted(file for pattern in ("*.json", "annotations/*.json") for file in folder.glob(pattern))
    return [file for file in files if _is_document(file)] if len(files) <= _LOOKED_AT else []


def _is_document(file: Path) -> bool:
    """Whether a file has COCO's lists of images and objects: no detections, segments of a map, or LVIS."""
    if file.name.startswith(("lvis", "panoptic")):
        return False
    try:
        document = read_json(file)
    except DataError:
        return False
    rows = document.get("annotations") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not isinstance(document.get("images"), list):
        return False
    return not any(isinstance(row, dict) and "segments_info" in row for row in rows[:1])


def _of_known_names(folder: Path) -> list[Part]:
    for name in ANNOTATION_FILES:
        if (folder / name).is_file():
            return [Part(folder / name, "", (image_folder(folder), folder))]
    found = []
    for file in sorted(file for pattern in _OF_SPLITS for file in folder.glob(pattern) if file.is_file()):
        split = file.name.removeprefix("instances_").split(".json")[0]
        split = file.parent.name if file.name.startswith("_") else split
        places = (folder / "images" / split, folder / split, folder / "images", folder)
        found.append(Part(file, split, tuple(one for one in places if one.is_dir())))
    return found
