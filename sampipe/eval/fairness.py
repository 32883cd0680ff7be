"""Whether masks are as good for one group of people as for another (paper, section 6 and appendix C)."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.points import measure_points
from sampipe.eval.readers.people import People, read_miap, read_people
from sampipe.eval.readers.pictures import drawn
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.results import Progress, Results, Shard, keys
from sampipe.eval.statistics import bootstrap_interval
from sampipe.types.coco import Picture

POINTS = (1, 3)
"""Numbers of clicks that the paper reports."""


def evaluate_fairness(
    model: str,
    data: str | Path,
    *,
    attributes: str | Path | None = None,
    columns: Sequence[str] = (),
    device: str = "auto",
    limit: int | None = None,
    min_area: int = 0,
    seed: int = 0,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Click once and three times on each person, and compare the mean IoU of groups.

    The first click is at the middle of the person, each further one at the middle of the largest error. Intervals
    are those of 95 % by bootstrap over images, so that people of one image are not taken for independent ones.

    Args:
        model: a name or a file, as for ``load_model``.
        data: a COCO folder, with ``attributes``; without, a folder in MIAP's layout.
        attributes: CSV file with ``annotation`` and the attributes, see
            :func:`~sampipe.eval.readers.people.read_people`.
        columns: which attributes make groups; all, where none is named.
        device, limit, min_area, seed, out, shard, progress: as in :func:`~sampipe.eval.points.evaluate_points`.

    Raises:
        DataError: the data, the attributes or a column are not what they should be.
        CheckpointError: the model cannot be loaded.
    """
    from sampipe.eval.sam_competitor import SamCompetitor
    from sampipe.models import load_model

    people = (
        read_miap(data, min_area=min_area) if attributes is None else read_people(data, attributes, min_area=min_area)
    )
    chosen_columns = _columns(people, columns)
    pictures = [people.pictures[index] for index in drawn(len(people.pictures), limit, seed)]
    sam = load_model(model, device)
    made_with = versions(model_digest=sam.key, device=str(sam.device), data_digest=_digest(pictures, people))
    entrants = {"model": SamCompetitor(sam)}

    def measure(picture: Picture) -> Mapping[str, Any]:
        return measure_points(entrants, picture, seed=seed, max_clicks=max(POINTS))

    items = dict(zip(keys([picture.path.name for picture in pictures]), pictures, strict=True))
    fingerprint = {"task": "fairness", "min_area": min_area, "seed": seed, **made_with}
    measured = Results(out, fingerprint, shard or Shard()).collect(items, measure, progress)
    rows = [_row(row, people, chosen_columns) for picture in measured for row in picture["rows"]]
    return Evaluation(
        task="fairness",
        model=model,
        data=str(data),
        n=len(rows),
        summary={
            "min_area": min_area,
            "seed": seed,
            "images": len(pictures),
            "people": len(rows),
            "groups": compare_groups(rows, chosen_columns, seed),
        },
        rows=rows,
        versions=made_with,
    )


def compare_groups(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], seed: int) -> dict[str, Any]:
    """For each column its groups' figures, and which pairs of groups have intervals that do not overlap.

    Args:
        rows: one a person: ``image``, the columns, ``iou_1`` and ``iou_3``.
        columns: of the attributes.
        seed: of the bootstrap.

    Returns:
        For each column ``{"groups": {name: figures}, "apart": {"1": [[one, other], ...], "3": [...]}}``.
    """
    found: dict[str, Any] = {}
    for column in columns:
        names = sorted({row[column] for row in rows})
        groups = {name: _figures([row for row in rows if row[column] == name], seed) for name in names}
        apart = {
            str(points): [
                [one, other]
                for one, other in itertools.combinations(names, 2)
                if not _overlap(groups[one], groups[other], points)
            ]
            for points in POINTS
        }
        found[column] = {"groups": groups, "apart": apart}
    return found


def _figures(rows: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    """Of one group: people, images, and mean IoU with its interval for each number of clicks."""
    by_image: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_image.setdefault(row["image"], []).append(row)
    figures: dict[str, Any] = {"people": len(rows), "images": len(by_image)}
    for points in POINTS:
        ious = [[row[f"iou_{points}"] for row in people] for people in by_image.values()]
        figures[f"mean_iou_{points}"] = float(np.mean([row[f"iou_{points}"] for row in rows]))
        figures[f"mean_iou_{points}_interval"] = list(bootstrap_interval(ious, seed=seed))
    return figures


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any], points: int) -> bool:
    (low, high), (other_low, other_high) = (group[f"mean_iou_{points}_interval"] for group in (one, other))
    return bool(low <= other_high and other_low <= high)


def _row(row: Mapping[str, Any], people: People, columns: Sequence[str]) -> dict[str, Any]:
    sequence = row["click_ious"]
    ious = {f"iou_{points}": sequence[min(points, len(sequence)) - 1] for points in POINTS}
    person = people.attributes[row["annotation"]]
    about = {name: row[name] for name in ("image", "annotation", "area")}
    return {**about, **{column: person[column] for column in columns}, **ious}


def _columns(people: People, wanted: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in wanted if name not in people.columns]
    if unknown:
        raise DataError(f"columns: got {', '.join(unknown)}; there are {', '.join(people.columns)}")
    return tuple(wanted) or people.columns


def _digest(pictures: Sequence[Picture], people: People) -> str:
    found = hashlib.blake2b(digest_size=16)
    for picture in pictures:
        found.update(f"{picture.path.name}:{picture.path.stat().st_size};".encode())
        for one in picture.objects:
            found.update(f"{one.id}{sorted(people.attributes[one.id].items())}".encode() + one.mask.counts)
    return found.hexdigest()
