"""Files about one image each, beside it or with a link to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sampipe.data.annotated import AnnotatedImage, GroundTruth
from sampipe.data.images import is_image_file
from sampipe.data.job_folder import JOB
from sampipe.data.names import RESERVED, Places, plain
from sampipe.data.report import ReadReport

_OF_JOBS = (JOB, *(f"{stem}.json" for stem in RESERVED))


def ours(
    folder: Path, is_ours: Callable[[Path], bool], whose: str, report: ReadReport, besides: str = "\0"
) -> list[Path]:
    """The JSON files of a format in a folder and below; others are told of, because they may be damaged ones.

    Args:
        folder: of the data set.
        is_ours: whether a file is in the format.
        whose: the format is, for the report.
        report: gets the count.
        besides: how files end that are known to be of another format.
    """
    found = []
    for file in sorted(folder.rglob("*.json")):
        if is_ours(file):
            found.append(file)
        elif file.name not in _OF_JOBS and not file.name.endswith(besides):
            report.note(f"image may lack its annotations: a JSON file that is not {whose}", str(file))
    return found


def note_bare(root: Path, files: Sequence[Path], end: str, report: ReadReport) -> None:
    """Tell of the images of a folder that no file of annotations is named after, as some that nobody has looked at.

    Args:
        root: of the data set.
        files: of annotations.
        end: what they have behind an image's stem.
        report: gets the count.
    """
    stems = {file.name.removesuffix(end) for file in files}
    for image in sorted(path for path in root.rglob("*") if is_image_file(path)):
        if image.stem not in stems:
            report.note("image that no file of annotations is named after", str(image))


def linked_image(file: Path, link: str, places: Places) -> Path | None:
    """The image that a file links, seen from itself, else the one of the file's own stem; None without either."""
    return (Places(file.parent).beside(link) if link else None) or places.find_stem(file.stem)


def about(
    path: Path | None,
    file: Path,
    link: str,
    root: Path,
    objects: Sequence[GroundTruth],
    hw: tuple[int, int] | None,
    report: ReadReport,
) -> AnnotatedImage:
    """The image at the path with its objects; one that is not there is counted, and called what the file links.

    Args:
        path: of the image, or None.
        file: of the annotations.
        link: what it says of its image.
        root: of the data set, from which the image is named.
        objects: of the image.
        hw: its height and width.
        report: gets the counts.
    """
    report.images += 1
    if path is None:
        report.note("image file is not there", f"{file}: {link or file.stem}")
        path = file.parent / plain(link or file.stem)
    return AnnotatedImage(path, tuple(objects), hw, name_below(path, root))


def name_below(path: Path, root: Path) -> str:
    """The name of an image in a data set; of one outside of it, by the folders from where the two paths part."""
    seen = Path(os.path.relpath(path.absolute(), root.absolute())).as_posix()
    return plain("/".join(part for part in seen.split("/") if part != ".."))
