"""Zero-shot edge detection on BSDS500 (paper, section 7.2 and appendix D.2)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import write_atomic
from sampipe.errors import DataError
from sampipe.eval.bsds import EdgeCounts, count_edges, score_edges
from sampipe.eval.edges_classical import DETECTORS, Detector, detectors
from sampipe.eval.readers.bsds import BsdsPicture, read_bsds
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.results import Progress, Results, Shard
from sampipe.types import EdgeMap, Image

POINTS_PER_SIDE = 16
"""The paper's grid: 256 points, 768 masks."""
_COUNTS = ("matched_truth", "truth", "matched_edges", "edges")


def evaluate_edges(
    model: str,
    data: str | Path,
    *,
    split: str = "val",
    device: str = "auto",
    limit: int | None = None,
    seed: int = 0,
    competitors: Sequence[str] = ("sobel", "canny"),
    points_per_side: int = POINTS_PER_SIDE,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Edges of BSDS500's photos by ``model``, compared with what people drew.

    Args:
        model: a name or a file, as for ``load_model``; or ``sobel`` or ``canny``; or a folder with one grey picture
            for each photo (``<name>.png``, white for the strongest edge), whoever made them.
        data: BSDS500's folder.
        split: ``train``, ``val`` or ``test``.
        limit: at most so many photos, drawn with ``seed``.
        seed: of that draw.
        competitors: classical methods beside the model, see :mod:`~sampipe.eval.edges_classical`.
        points_per_side: of the grid of points that asks for masks.
        out: folder of results picture by picture, and of the edges as PNG (``edges/<entrant>/<name>.png``).
        shard: of a folder that several processes share.
        progress: told (pictures done, pictures in all).

    Raises:
        DataError: the data, a competitor or the folder are not what they should be.
        CheckpointError: the model cannot be loaded.
    """
    pictures = read_bsds(data, split, limit=limit, seed=seed)
    own, found_versions = _edges_of(model, device, points_per_side)
    entrants: dict[str, Detector] = {"model": own, **detectors(tuple(competitors))}
    found_versions["data_digest"] = _digest(pictures)
    parameters = {"split": split, "seed": seed, "points_per_side": points_per_side}
    fingerprint = {"task": "edges", "competitors": list(competitors), **parameters, **found_versions}
    rows = Results(out, fingerprint, shard or Shard()).collect(
        {picture.path.name: picture for picture in pictures},
        lambda picture: _measure(picture, entrants, out),
        progress,
    )
    return Evaluation(
        task="edges",
        model=model,
        data=str(data),
        n=len(rows),
        summary={**parameters, "images": len(rows), **_summary(rows, list(entrants))},
        rows=[_row(row, list(entrants)) for row in rows],
        versions=found_versions,
    )


def _edges_of(model: str, device: str, points_per_side: int) -> tuple[Detector, dict[str, str]]:
    """What makes edges of an image, and the versions of it."""
    if model in DETECTORS:
        return DETECTORS[model], versions(
            model_digest=f"{model} of scikit-image {version('scikit-image')}", device="cpu"
        )
    if Path(model).is_dir():
        return _from_folder(Path(model)), versions(model_digest=_folder_digest(Path(model)), device="none")
    from sampipe.models import load_model
    from sampipe.nodes import MaskEdges, PointGrid, Segment, ThinEdges

    sam = load_model(model, device)
    recipe = (
        PointGrid(per_side=points_per_side)
        | Segment(model=model, device=device, multimask="always")
        | MaskEdges()
        | ThinEdges()
    )

    def edges(image: Image) -> EdgeMap:
        found: EdgeMap = recipe.run(image=image).edges
        return found

    return edges, versions(model_digest=sam.key, device=str(sam.device))


def _from_folder(folder: Path) -> Callable[[Image], EdgeMap]:
    def edges(image: Image) -> EdgeMap:
        return EdgeMap(Image.open(folder / f"{image.name}.png").pixels[..., 0] / np.float32(255))

    return edges


def _measure(picture: BsdsPicture, entrants: Mapping[str, Detector], out: Path | None) -> dict[str, Any]:
    from sampipe.nodes.edges import edges_png

    image, boundaries = Image.open(picture.path), picture.boundaries()
    if boundaries[0].shape != image.hw:
        raise DataError(f"{picture.path}: the photo is {image.hw}, its annotations {boundaries[0].shape}")
    measured: dict[str, Any] = {"image": picture.path.name, "annotators": len(boundaries)}
    for name, entrant in entrants.items():
        start = time.perf_counter()
        edges = entrant(image)
        seconds = time.perf_counter() - start
        if edges.hw != image.hw:
            raise DataError(f"{picture.path}: the photo is {image.hw}, its edges by {name} {edges.hw}")
        if out is not None:
            write_atomic(out / "edges" / name / f"{picture.path.stem}.png", edges_png(edges))
        counts = count_edges(edges.strength, boundaries)
        measured[name] = {"seconds": seconds, **{key: getattr(counts, key).tolist() for key in _COUNTS}}
    return measured


def _counts(row: Mapping[str, Any], name: str) -> EdgeCounts:
    return EdgeCounts(*(np.array(row[name][key], dtype=np.int64) for key in _COUNTS))


def _summary(rows: Sequence[Mapping[str, Any]], entrants: Sequence[str]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name in entrants:
        prefix = "" if name == "model" else f"{name}_"
        counts = [_counts(row, name) for row in rows]
        total = sum(counts[1:], start=counts[0])
        summary |= {f"{prefix}{key}": value for key, value in asdict(score_edges(counts)).items()}
        summary[f"{prefix}precision"] = total.precision.tolist()
        summary[f"{prefix}recall"] = total.recall.tolist()
        summary[f"{prefix}seconds_per_image"] = float(np.mean([row[name]["seconds"] for row in rows]))
    return summary


def _row(row: Mapping[str, Any], entrants: Sequence[str]) -> dict[str, Any]:
    """A photo's name and, for each entrant, its best F-measure and the threshold of it."""
    found = {"image": row["image"], "annotators": row["annotators"]}
    for name in entrants:
        prefix, scores = "" if name == "model" else f"{name}_", score_edges([_counts(row, name)])
        found |= {f"{prefix}f": scores.ods, f"{prefix}threshold": scores.ods_threshold}
    return found


def _digest(pictures: Sequence[BsdsPicture]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for picture in pictures:
        found.update(picture.path.name.encode() + picture.path.read_bytes() + picture.truth.read_bytes())
    return found.hexdigest()


def _folder_digest(folder: Path) -> str:
    found = hashlib.blake2b(digest_size=16)
    for file in sorted(folder.glob("*.png")):
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()
