"""BSDS500 as it was released: images, and what several people drew on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sampipe.data._matlab import read_variables
from sampipe.data.annotated import AnnotatedImage, Dataset, GroundTruth, Reads
from sampipe.data.format import Format
from sampipe.data.report import ReadReport
from sampipe.data.schema import read_bytes
from sampipe.errors import DataError
from sampipe.types import RLE

T = TypeVar("T", bound=np.generic)
_PLACES = ("", "data", "BSDS500/data", "BSR/BSDS500/data")


@dataclass(frozen=True)
class BsdsImage:
    """One image and its annotations, which are read when they are asked for."""

    path: Path
    truth: Path

    def boundaries(self) -> list[NDArray[np.bool_]]:
        """What each annotator drew, bool (h, w), one pixel wide.

        Raises:
            DataError: the file is damaged or something else.
        """
        return [one > 0 for one in self._field("Boundaries", np.float64)]

    def regions(self) -> list[NDArray[np.int64]]:
        """Each annotator's regions, (h, w), numbered from 1.

        Raises:
            DataError: the file is damaged or something else.
        """
        return self._field("Segmentation", np.int64)

    def _field(self, name: str, dtype: type[T]) -> list[NDArray[T]]:
        place = f"{self.truth}: not BSDS's ground truth"
        cells = read_variables(read_bytes(self.truth), place).get("groundTruth")
        found: list[NDArray[Any]] = []
        for one in cells if isinstance(cells, list) else ():
            fields = one[0] if isinstance(one, list) and one else None
            drawn = fields.get(name) if isinstance(fields, dict) else None
            if not isinstance(drawn, np.ndarray) or drawn.ndim != 2 or not np.isfinite(drawn).all():
                raise DataError(f"{place}: annotator {len(found) + 1} has no map {name} of finite numbers")
            found.append(drawn)
        shapes = {one.shape for one in found}
        if len(shapes) != 1 or not found[0].size:
            raise DataError(f"{place}: wanted annotations of one size, got {sorted(shapes)}")
        return [one.astype(dtype) for one in found]


def read_bsds(folder: str | Path, split: str = "val", *, limit: int | None = None, seed: int = 0) -> list[BsdsImage]:
    """The images of one split that have ground truth, by name.

    Args:
        folder: the release's folder, or any below it down to the one that holds ``images/`` and ``groundTruth/``.
        split: ``train``, ``val`` or ``test``.
        limit: at most so many, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: no such folder or split, or an image's ground truth is missing.
    """
    base = _base(Path(folder))
    truths = base / "groundTruth" / split
    images = sorted((base / "images" / split).glob("*.jpg"))
    if not images:
        splits = ", ".join(sorted(path.name for path in (base / "images").iterdir() if path.is_dir())) or "none"
        raise DataError(f"{base}: no images in images/{split}; there are the splits {splits}")
    found = [BsdsImage(image, truths / f"{image.stem}.mat") for image in images]
    lacking = [one.truth.name for one in found if not one.truth.is_file()]
    if lacking:
        raise DataError(f"{truths}: {len(lacking)} files are missing, {lacking[0]} among them")
    if limit is None or limit >= len(found):
        return found
    if limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more images")
    chosen = np.random.default_rng(seed).choice(len(found), size=limit, replace=False)
    return [found[index] for index in sorted(chosen)]


def _base(folder: Path) -> Path:
    for place in _PLACES:
        if (folder / place / "images").is_dir() and (folder / place / "groundTruth").is_dir():
            return folder / place
    there = "is not BSDS500's folder" if folder.is_dir() else "is no folder"
    raise DataError(f"{folder} {there}; wanted images/ and groundTruth/ in it, or in data/ below")


def write_bsds(folder: Path, split: str, name: str, pixels: NDArray[np.uint8], regions: Sequence[NDArray[Any]]) -> None:
    """Add an image, uint8 (h, w, 3), and annotators' regions, (h, w) each, to a folder in BSDS500's layout.

    Boundaries are the pixels whose right or lower neighbour is of another region.
    """
    from PIL import Image as Pillow
    from scipy.io import savemat

    for part in ("images", "groundTruth"):
        (folder / part / split).mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(folder / "images" / split / f"{name}.jpg", quality=95)
    cells = np.empty((1, len(regions)), dtype=object)
    for number, one in enumerate(regions):
        cells[0, number] = {"Segmentation": one.astype(np.uint16), "Boundaries": _boundaries(one).astype(np.uint8)}
    savemat(folder / "groundTruth" / split / f"{name}.mat", {"groundTruth": cells})


def read(folder: Path) -> Dataset:
    """The regions of the first annotator on the images of all splits.

    Raises:
        DataError: no such folder, or the ground truth of an image is missing. It is read with its image.
    """
    base, report = _base(folder), ReadReport()
    there = [split for split in ("train", "val", "test") if (base / "groundTruth" / split).is_dir()]
    readers: list[Reads] = [partial(_regions, one, base, report) for split in there for one in read_bsds(base, split)]
    return Dataset(folder, "bsds", readers, (), report)


def _regions(image: BsdsImage, base: Path, report: ReadReport) -> AnnotatedImage:
    annotators = image.regions()
    regions = annotators[0]
    objects = [GroundTruth.of_mask(int(key), "region", RLE.from_mask(regions == key)) for key in np.unique(regions)]
    report.images += 1
    report.keep(len(objects))
    for number, other in enumerate(annotators[1:], start=2):
        place = f"{image.truth}: annotator {number}"
        report.leave_out("a region of another annotator than the first", place, len(np.unique(other)))
    return AnnotatedImage(image.path, tuple(objects), regions.shape, image.path.relative_to(base / "images").as_posix())


def _boundaries(regions: NDArray[Any]) -> NDArray[np.bool_]:
    found = np.zeros(regions.shape, dtype=np.bool_)
    found[:-1] |= regions[:-1] != regions[1:]
    found[:, :-1] |= regions[:, :-1] != regions[:, 1:]
    return found


def _recognize(folder: Path) -> bool:
    return any((folder / place / "groundTruth").is_dir() for place in _PLACES)


FORMAT = Format(
    name="bsds",
    title="BSDS500",
    read=read,
    recognize=_recognize,
)
