"""What a data set of masks is like: the paper's figures of SA-1B, for any data set (section 5, appendices C and E)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.data.annotated import AnnotatedImage, Reads
from sampipe.data.formats import drawn, format_of, read_dataset, with_masks
from sampipe.errors import DataError
from sampipe.measure.quality import plots
from sampipe.measure.quality.dataset_places import Places
from sampipe.measure.quality.dataset_shapes import center, concavity, relative_size
from sampipe.measure.quality.figures import mean_summary
from sampipe.measure.quality.report import Evaluation, Scored, Table, versions
from sampipe.measure.quality.task import Prepared, Request, Task

MASKS_PER_IMAGE = (0, 1, 10, 50, 100, 200)
"""Where the bins of masks per image begin; the last has no end."""
AREAS = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, None)}
"""COCO's sizes, px²: from, and up to but without."""
BINS = 20
HEAT_MAP = 32
_DIGITS = 5
_MOST_PLACES = 20


@dataclass
class Dataset(Task[Reads, AnnotatedImage]):
    """Masks per image, relative mask size, concavity, centres and, where it is known, the country of each image.

    No model takes part, so there are no competitors.

    Args:
        kind: of data set, see :func:`~sampipe.data.formats.read_dataset`.
        places: a CSV file that says where images were taken, see :mod:`~sampipe.measure.quality.dataset_places`.
    """

    kind: str = "auto"
    places: Path | None = None
    name = "dataset"

    def prepare(self, request: Request) -> Prepared[Reads]:
        """List the images."""
        if request.competitors:
            raise DataError(f"competitors: got {', '.join(request.competitors)}; a data set is compared with none")
        folder = Path(request.data)
        kind = format_of(folder) if self.kind == "auto" else self.kind
        data = read_dataset(folder, kind)
        readers, self._report = data.images, data.report
        self._known = None if self.places is None else Places.read(self.places)
        self._min_area, self._seed, self._folder = request.min_area or 0, request.seed, folder
        return Prepared(
            items={str(index): readers[index] for index in drawn(len(readers), request.limit, request.seed)},
            versions=versions(model_digest="", device="cpu", data_digest=_digest(folder, len(readers))),
            parameters={"kind": kind, "limit": request.limit},
            reports={folder.name: self._report},
        )

    def answer(self, item: Reads) -> AnnotatedImage:
        """One image's masks, read."""
        return with_masks(item(), self._min_area, self._report)

    def score(self, item: Reads, answer: AnnotatedImage) -> Scored:
        """Area, relative size, concavity and centre of each mask."""
        masks = [one.mask for one in answer.objects]
        return {
            "image": answer.name,
            "masks": len(masks),
            "areas": [mask.area for mask in masks],
            "relative_sizes": [round(relative_size(mask), _DIGITS) for mask in masks],
            "concavities": [round(concavity(mask), _DIGITS) for mask in masks],
            "centers": [[round(value, _DIGITS) for value in center(mask)] for mask in masks],
        }

    def rows(self, scored: Sequence[Scored]) -> list[dict[str, Any]]:
        """One an image."""
        return [dict(one) for one in scored]

    def count(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """How many masks the images have."""
        return sum(row["masks"] for row in rows)

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """Distributions over images and over masks, and tables of places."""
        counts = np.array([one["masks"] for one in scored])
        if not counts.sum():
            raise DataError(f"{self._folder}: no mask of at least {self._min_area} px² in {len(scored)} images")
        areas, sizes, concavities = (_all(scored, key) for key in ("areas", "relative_sizes", "concavities"))
        x, y = _all(scored, "centers").T
        heat_map, _, _ = np.histogram2d(y, x, bins=HEAT_MAP, range=[[0, 1], [0, 1]])
        known = self._known
        places = {} if known is None else {"places": {name: known.table(scored, name) for name in known.columns}}
        return {
            "images": len(scored),
            "masks": int(counts.sum()),
            **mean_summary("masks_per_image", [[float(count)] for count in counts], self._seed),
            "masks_per_image_bins": _binned(counts),
            "mean_relative_size": float(sizes.mean()),
            "relative_size_bins": _shares(sizes),
            **{f"share_{name}": float(_between(areas, *bounds).mean()) for name, bounds in AREAS.items()},
            "mean_concavity": float(concavities.mean()),
            "concavity_bins": _shares(concavities),
            "mean_center": [float(x.mean()), float(y.mean())],
            "center_heat_map": (heat_map / heat_map.sum()).tolist(),
            **places,
        }

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """The figures, the bins of masks per image, and the places with most images."""
        summary = evaluation.summary
        yield Table(("figure", "value"), _figures(summary), f"{evaluation.data} ({summary['kind']})")
        bins = [(name, f"{share:.1%}") for name, share in summary["masks_per_image_bins"].items()]
        yield Table(("masks per image", "images"), bins)
        for column, rows in summary.get("places", {}).items():
            heads = (column, "images", "share", "masks", "masks per image")
            first = f"the {_MOST_PLACES} of {len(rows)} with most images" if len(rows) > _MOST_PLACES else None
            yield Table(heads, [_place_cells(column, row) for row in rows[:_MOST_PLACES]], first)

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """Masks per image, relative size, concavity, and where the centres of masks lie."""
        summary = evaluation.summary
        with plots.figure(path, 4) as (count, size, concave, centers):
            bins = summary["masks_per_image_bins"]
            count.bar(range(len(bins)), list(bins.values()), color="C0")
            count.set(xlabel="masks per image", ylabel="share of images", xticks=range(len(bins)))
            count.set_xticklabels([name.replace(" to ", "-").replace(" or more", "+") for name in bins])
            for axes, key, label in (
                (size, "relative_size_bins", "relative mask size"),
                (concave, "concavity_bins", "concavity"),
            ):
                axes.stairs(summary[key], np.linspace(0, 1, BINS + 1), fill=True, color="C0")
                axes.set(xlabel=label, ylabel="share of masks", xlim=(0, 1))
            drawn_map = centers.imshow(summary["center_heat_map"], extent=(0, 1, 1, 0), cmap="magma", vmin=0)
            centers.figure.colorbar(drawn_map, ax=centers, label="share of masks", shrink=0.8)
            centers.set(xlabel="x of mask centres", ylabel="y", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))


def _all(scored: Sequence[Scored], key: str) -> np.ndarray:
    return np.array([value for one in scored for value in one[key]])


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


def _figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    low, high = summary["masks_per_image_interval"]
    x, y = summary["mean_center"]
    return [
        ("images", f"{summary['images']:,}"),
        ("masks", f"{summary['masks']:,}"),
        ("masks per image", f"{summary['masks_per_image']:.1f} (95 %: {low:.1f} to {high:.1f})"),
        ("mean relative size", f"{summary['mean_relative_size']:.4f}"),
        ("small, medium, large", ", ".join(f"{summary[f'share_{key}']:.1%}" for key in AREAS)),
        ("mean concavity", f"{summary['mean_concavity']:.4f}"),
        ("mean centre, x and y", f"{x:.3f}, {y:.3f}"),
    ]


def _place_cells(column: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    shares = f"{row['images']:,}", f"{row['share_of_images']:.1%}", f"{row['masks']:,}"
    return (str(row[column]), *shares, f"{row['masks_per_image']:.1f}")


def _digest(folder: Path, count: int) -> str:
    """Of the annotation files' names, sizes and times: their content may be a terabyte."""
    found = hashlib.blake2b(f"{count};".encode(), digest_size=16)
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".gz", ".mat", ".txt", ".png")):
        about = file.stat()
        found.update(f"{file.relative_to(folder)}:{about.st_size}:{about.st_mtime_ns};".encode())
    return found.hexdigest()
