"""What a data set of masks is like: the paper's figures of SA-1B, for any data set (section 5, appendices C and E)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.dataset_places import Places, by_place
from sampipe.eval.dataset_shapes import center, concavity, relative_size
from sampipe.eval.readers.pictures import Reads, drawn, kind_of, list_pictures
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.results import Progress, Results, Shard
from sampipe.eval.statistics import bootstrap_interval

MASKS_PER_IMAGE = (0, 1, 10, 50, 100, 200)
"""Where the bins of masks per image begin; the last has no end."""
AREAS = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, None)}
"""COCO's sizes, px²: from, and up to but without."""
BINS = 20
HEAT_MAP = 32
_DIGITS = 5


def evaluate_dataset(
    data: str | Path,
    *,
    kind: str = "auto",
    places: Path | None = None,
    min_area: int = 0,
    limit: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Masks per image, relative mask size, concavity, centres and, where it is known, the country of each image.

    Args:
        data: the data set's folder.
        kind: see :func:`~sampipe.eval.readers.pictures.read_pictures`.
        places: a CSV file that says where photos were taken, see :mod:`~sampipe.eval.dataset_places`.
        min_area: smallest mask that counts, in px².
        limit: at most so many pictures, drawn with ``seed``.
        seed: of that draw and of the bootstrap.
        out: folder of results picture by picture, which goes on where it stopped.
        shard: of a folder that several processes share.
        progress: told (pictures done, pictures in all).

    Raises:
        DataError: the folder or one of its files is not what it should be.
    """
    folder = Path(data)
    found_kind = kind_of(folder) if kind == "auto" else kind
    readers = list_pictures(folder, found_kind)
    chosen = drawn(len(readers), limit, seed)
    items = {str(index): readers[index] for index in chosen}
    parameters = {"kind": found_kind, "min_area": min_area, "seed": seed}
    made_with = versions(model_digest="", device="cpu", data_digest=_digest(folder, len(readers)))
    fingerprint = {"task": "dataset", "limit": limit, **parameters, **made_with}
    rows = Results(out, fingerprint, shard or Shard()).collect(items, partial(_measure, min_area=min_area), progress)
    known = None if places is None else Places.read(places)
    masks = sum(row["masks"] for row in rows)
    if not masks:
        raise DataError(f"{folder}: no mask of at least {min_area} px² in {len(rows)} pictures")
    tables = {} if known is None else {"places": by_place(rows, known)}
    return Evaluation(
        task="dataset",
        model="",
        data=str(data),
        n=masks,
        summary={**parameters, **_summary(rows, seed), **tables},
        rows=rows,
        versions=made_with,
    )


def _measure(reads: Reads, min_area: int) -> dict[str, Any]:
    picture = reads()
    masks = [one.mask for one in picture.objects if one.mask.area >= max(min_area, 1)]
    return {
        "image": picture.path.name,
        "masks": len(masks),
        "areas": [mask.area for mask in masks],
        "relative_sizes": [round(relative_size(mask), _DIGITS) for mask in masks],
        "concavities": [round(concavity(mask), _DIGITS) for mask in masks],
        "centers": [[round(value, _DIGITS) for value in center(mask)] for mask in masks],
    }


def _summary(rows: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    counts = np.array([row["masks"] for row in rows])
    areas, sizes, concavities = (_all(rows, key) for key in ("areas", "relative_sizes", "concavities"))
    x, y = np.array([center for row in rows for center in row["centers"]]).T
    heat, _, _ = np.histogram2d(y, x, bins=HEAT_MAP, range=[[0, 1], [0, 1]])
    low, high = bootstrap_interval([[float(count)] for count in counts], seed=seed)
    return {
        "images": len(rows),
        "masks": int(counts.sum()),
        "masks_per_image": float(counts.mean()),
        "masks_per_image_interval": [low, high],
        "masks_per_image_bins": _binned(counts),
        "mean_relative_size": float(sizes.mean()),
        "relative_size_bins": _shares(sizes),
        **{f"share_{name}": float(_between(areas, *bounds).mean()) for name, bounds in AREAS.items()},
        "mean_concavity": float(concavities.mean()),
        "concavity_bins": _shares(concavities),
        "mean_center": [float(x.mean()), float(y.mean())],
        "center_heat_map": (heat / heat.sum()).tolist(),
    }


def _all(rows: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([value for row in rows for value in row[key]])


def _binned(counts: np.ndarray) -> dict[str, float]:
    """The share of images in each bin of masks per image."""
    ends = [*(start - 1 for start in MASKS_PER_IMAGE[1:]), None]
    found = {}
    for start, end in zip(MASKS_PER_IMAGE, ends, strict=True):
        name = str(start) if end == start else f"{start} or more" if end is None else f"{start} to {end}"
        found[name] = float(_between(counts, start, None if end is None else end + 1).mean())
    return found


def _between(values: np.ndarray, low: float, high: float | None) -> np.ndarray:
    return np.asarray((values >= low) & (values < (np.inf if high is None else high)))


def _shares(values: np.ndarray) -> list[float]:
    """The share of the values in each of 20 bins from 0 to 1."""
    found, _ = np.histogram(values, bins=BINS, range=(0, 1))
    return (found / len(values)).tolist()


def _digest(folder: Path, count: int) -> str:
    """Of the annotation files' names, sizes and times: their content may be a terabyte."""
    found = hashlib.blake2b(f"{count};".encode(), digest_size=16)
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".gz", ".mat", ".txt", ".png")):
        about = file.stat()
        found.update(f"{file.relative_to(folder)}:{about.st_size}:{about.st_mtime_ns};".encode())
    return found.hexdigest()
