"""Zero-shot edge detection on BSDS500 (paper, section 7.2 and appendix D.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import write_atomic
from sampipe.data.bsds import BsdsImage, read_bsds
from sampipe.errors import DataError
from sampipe.measure.quality import plots
from sampipe.measure.quality.bsds import EdgeCounts, count_edges, score_edges
from sampipe.measure.quality.comparison import timed
from sampipe.measure.quality.edges_classical import DETECTORS, Detector, detectors
from sampipe.measure.quality.report import MODEL, Evaluation, Scored, Table, number, prefix, versions
from sampipe.measure.quality.task import Prepared, Request, Task, made_with
from sampipe.types import EdgeMap, Image

POINTS_PER_SIDE = 16
"""The paper's grid: 256 points, 768 masks."""
_COUNTS = ("matched_truth", "truth", "matched_edges", "edges")
_COLUMNS = {"ods": "ODS", "ois": "OIS", "ap": "AP", "r50": "R50", "seconds_per_image": "s per image"}
Detected = Mapping[str, tuple[EdgeMap, float]]
"""Each method's edges of an image, and its seconds."""


@dataclass
class Edges(Task[BsdsImage, Detected]):
    """Edges of BSDS500's images, compared with what people drew.

    ``model`` is a Segment Anything model, or ``sobel`` or ``canny``, or a folder with one grey image for each image
    (``<name>.png``, white for the strongest edge), whoever made them; ``data`` is BSDS500's folder. With ``out``, the
    edges are kept as PNG (``edges/<method>/<name>.png``). Points whose best mask has
    less than ``min_area`` px² draw no edge.

    Args:
        split: ``train``, ``val`` or ``test``.
        points_per_side: of the grid of points that masks are asked from.
    """

    split: str = "val"
    points_per_side: int = POINTS_PER_SIDE
    name = "edges"
    competitors = ("sobel", "canny")

    def prepare(self, request: Request) -> Prepared[BsdsImage]:
        """List the images and load the model."""
        images = read_bsds(request.data, self.split, limit=request.limit, seed=request.seed)
        own, made = self._edges_of(request)
        self._detectors: dict[str, Detector] = {MODEL: own, **detectors(list(request.competitors or ()))}
        self._out = request.out
        made["data_digest"] = _digest(file for image in images for file in (image.path, image.truth))
        return Prepared(
            items={image.path.name: image for image in images},
            versions=made,
            parameters={"split": self.split, "points_per_side": self.points_per_side},
        )

    def _edges_of(self, request: Request) -> tuple[Detector, dict[str, str]]:
        """What makes edges of an image, and the versions of it."""
        model = request.model
        if model in DETECTORS:
            digest = f"{model} of scikit-image {version('scikit-image')}"
            return DETECTORS[model], versions(model_digest=digest, device="cpu")
        if Path(model).is_dir():
            digest = _digest(sorted(Path(model).glob("*.png")))
            return partial(_from_folder, Path(model)), versions(model_digest=digest, device="none")
        from sampipe.models import load_segmenter
        from sampipe.nodes import FilterMasks, MaskEdges, PointGrid, Segment, ThinEdges

        sam = load_segmenter(model, request.device)
        masks = PointGrid(per_side=self.points_per_side) | Segment(
            model=model, device=request.device, multimask="always"
        )
        large = masks | FilterMasks(min_area=request.min_area) if request.min_area else masks
        recipe = large | MaskEdges() | ThinEdges()

        def edges(image: Image) -> EdgeMap:
            found: EdgeMap = recipe.run(image=image).edges
            return found

        return edges, made_with(sam)

    def answer(self, item: BsdsImage) -> Detected:
        """Everybody's edges of one image."""
        image = Image.open(item.path)
        return {name: timed(partial(detector, image)) for name, detector in self._detectors.items()}

    def score(self, item: BsdsImage, answer: Detected) -> Scored:
        """What everybody's edges got right at each threshold."""
        from sampipe.nodes.masks.edges import edges_png

        boundaries = item.boundaries()
        scored: dict[str, Any] = {"image": item.path.name, "annotators": len(boundaries)}
        for name, (edges, seconds) in answer.items():
            if edges.hw != (shape := boundaries[0].shape):
                raise DataError(f"{item.path}: its annotations are {shape}, its edges by {name} {edges.hw}")
            if self._out is not None:
                write_atomic(self._out / "edges" / name / f"{item.path.stem}.png", edges_png(edges))
            counts = count_edges(edges.strength, boundaries)
            scored[name] = {"seconds": seconds, **{key: getattr(counts, key).tolist() for key in _COUNTS}}
        return scored

    def rows(self, scored: Sequence[Scored]) -> list[dict[str, Any]]:
        """An image's name and, for each method, its best F-measure and the threshold of it."""
        found = []
        for one in scored:
            row = {"image": one["image"], "annotators": one["annotators"]}
            for name in self._detectors:
                scores = score_edges([_counts(one, name)])
                row |= {f"{prefix(name)}f": scores.ods, f"{prefix(name)}threshold": scores.ods_threshold}
            found.append(row)
        return found

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """ODS, OIS, AP, R50, and precision and recall at each threshold."""
        summary: dict[str, Any] = {"images": len(scored)}
        for name in self._detectors:
            start = prefix(name)
            counts = [_counts(one, name) for one in scored]
            total = sum(counts[1:], start=counts[0])
            summary |= {f"{start}{key}": value for key, value in asdict(score_edges(counts)).items()}
            summary[f"{start}precision"] = total.precision.tolist()
            summary[f"{start}recall"] = total.recall.tolist()
            summary[f"{start}seconds_per_image"] = float(np.mean([one[name]["seconds"] for one in scored]))
        return summary

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """Everybody's figures."""
        summary = evaluation.summary
        rows = [
            (name, *(number(summary[f"{start}{key}"]) for key in _COLUMNS))
            for name, start in evaluation.methods.items()
        ]
        yield Table(("edges by", *_COLUMNS.values()), rows, f"{summary['images']} images of BSDS500 {summary['split']}")

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """Precision over recall: a line a method, its best point marked, over lines of equal F-measure."""
        summary = evaluation.summary
        with plots.figure(path, 1) as (axes,):
            grid = np.linspace(0.01, 1, 100)
            recall, precision = np.meshgrid(grid, grid)
            f = 2 * recall * precision / (recall + precision)
            axes.contour(recall, precision, f, levels=np.arange(1, 10) / 10, colors="0.85", linewidths=0.8)
            for name, start in evaluation.methods.items():
                label = f"{name}, ODS {summary[f'{start}ods']:.3f}"
                [line] = axes.plot(summary[f"{start}recall"], summary[f"{start}precision"], label=label)
                best = summary[f"{start}ods_recall"], summary[f"{start}ods_precision"]
                axes.plot(*best, marker="o", color=line.get_color())
            axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
            axes.legend(frameon=False, loc="lower left")

    def smoke(self, request: Request, folder: Path) -> tuple[Edges, Request]:
        """A grid of 4 × 4 points on two made-up images."""
        from sampipe.measure.quality.smoke import smoke_model, write_edges

        small = replace(request, model=smoke_model(request.model, folder), data=write_edges(folder))
        return Edges(points_per_side=4), small


def _from_folder(folder: Path, image: Image) -> EdgeMap:
    return EdgeMap(Image.open(folder / f"{image.name}.png").pixels[..., 0] / np.float32(255))


def _counts(scored: Scored, name: str) -> EdgeCounts:
    return EdgeCounts(*(np.array(scored[name][key], dtype=np.int64) for key in _COUNTS))


def _digest(files: Iterable[Path]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for file in files:
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()
