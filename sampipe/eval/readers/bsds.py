"""BSDS500 as it was released: photos, and what several people drew on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError

_PLACES = ("", "data", "BSDS500/data", "BSR/BSDS500/data")


@dataclass(frozen=True)
class BsdsPicture:
    """One photo and its annotations, which are read when they are asked for."""

    path: Path
    truth: Path

    def boundaries(self) -> list[NDArray[np.bool_]]:
        """What each annotator drew, bool (h, w), one pixel wide.

        Raises:
            DataError: the file is damaged or something else.
        """
        return [np.asarray(one, dtype=np.float64) > 0 for one in self._field("Boundaries")]

    def regions(self) -> list[NDArray[np.int64]]:
        """Each annotator's regions, (h, w), numbered from 1.

        Raises:
            DataError: the file is damaged or something else.
        """
        return [np.asarray(one, dtype=np.int64) for one in self._field("Segmentation")]

    def _field(self, name: str) -> Iterator[Any]:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError

        try:
            cells = loadmat(self.truth)["groundTruth"].reshape(-1)
            found = [cell[name][0, 0] for cell in cells]
        except (OSError, ValueError, KeyError, IndexError, TypeError, NotImplementedError, MatReadError) as error:
            raise DataError(f"{self.truth}: not BSDS's ground truth: {error}") from error
        shapes = {one.shape for one in found}
        if len(shapes) != 1 or len(found[0].shape) != 2:
            raise DataError(f"{self.truth}: wanted annotations of one size, got {sorted(shapes)}")
        yield from found


def read_bsds(folder: str | Path, split: str = "val", *, limit: int | None = None, seed: int = 0) -> list[BsdsPicture]:
    """The photos of one split that have ground truth, by name.

    Args:
        folder: the release's folder, or any below it down to the one that holds ``images/`` and ``groundTruth/``.
        split: ``train``, ``val`` or ``test``.
        limit: at most so many, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: no such folder or split, or a photo's ground truth is missing.
    """
    base = _base(Path(folder))
    truths = base / "groundTruth" / split
    photos = sorted((base / "images" / split).glob("*.jpg"))
    if not photos:
        splits = ", ".join(sorted(path.name for path in (base / "images").iterdir() if path.is_dir())) or "none"
        raise DataError(f"{base}: no photos in images/{split}; there are the splits {splits}")
    pictures = [BsdsPicture(photo, truths / f"{photo.stem}.mat") for photo in photos]
    lacking = [picture.truth.name for picture in pictures if not picture.truth.is_file()]
    if lacking:
        raise DataError(f"{truths}: {len(lacking)} files are missing, {lacking[0]} among them")
    if limit is None or limit >= len(pictures):
        return pictures
    if limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more pictures")
    chosen = np.random.default_rng(seed).choice(len(pictures), size=limit, replace=False)
    return [pictures[index] for index in sorted(chosen)]


def _base(folder: Path) -> Path:
    for place in _PLACES:
        if (folder / place / "images").is_dir() and (folder / place / "groundTruth").is_dir():
            return folder / place
    there = "is not BSDS500's folder" if folder.is_dir() else "is no folder"
    raise DataError(f"{folder} {there}; wanted images/ and groundTruth/ in it, or in data/ below")


def write_bsds(folder: Path, split: str, name: str, pixels: NDArray[np.uint8], regions: Sequence[NDArray[Any]]) -> None:
    """Add a photo, uint8 (h, w, 3), and annotators' regions, (h, w) each, to a folder in BSDS500's layout.

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


def _boundaries(regions: NDArray[Any]) -> NDArray[np.bool_]:
    found = np.zeros(regions.shape, dtype=np.bool_)
    found[:-1] |= regions[:-1] != regions[1:]
    found[:, :-1] |= regions[:, :-1] != regions[:, 1:]
    return found
