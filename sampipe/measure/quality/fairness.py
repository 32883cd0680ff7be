"""Whether masks are as good for one group of people as for another (paper, section 6 and appendix C)."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.formats import drawn
from sampipe.data.people import People, read_miap, read_people
from sampipe.errors import DataError
from sampipe.measure.quality import plots
from sampipe.measure.quality.comparison import Comparison
from sampipe.measure.quality.figures import mean_summary
from sampipe.measure.quality.points import Points
from sampipe.measure.quality.report import Evaluation, Scored, Table, interval, number, prefix
from sampipe.measure.quality.results import keyed
from sampipe.measure.quality.task import Prepared, Request, made_with

POINTS = (1, 3)
"""Numbers of clicks that the paper reports."""
_COLUMNS = ("group", "people", "images", "1 point", "95 % interval", "3 points", "95 % interval ")


@dataclass
class Fairness(Points):
    """Click once and three times on each person, and compare the mean IoU of groups.

    The first click is at the middle of the person, each further one at the middle of the largest error. Intervals
    are those of 95 % by bootstrap over images, so that people of one image are not taken for independent ones.
    ``data`` is a COCO folder, with ``attributes``; without, a folder in MIAP's layout.

    Args:
        attributes: CSV file with ``annotation`` and the attributes, see :func:`~sampipe.data.people.read_people`.
        columns: which attributes make groups; all, where none is named.
    """

    max_clicks: int = field(default=max(POINTS), init=False)
    attributes: str | Path | None = None
    columns: Sequence[str] = ()
    name = "fairness"
    min_area = 0
    competitors: ClassVar[tuple[str, ...]] = ()  # type: ignore[assignment]

    def prepare(self, request: Request) -> Prepared[AnnotatedImage]:
        """Read images and people, and load everybody."""
        from sampipe.models import load_segmenter

        least = request.min_area or 0
        if self.attributes is None:
            self._people = read_miap(request.data, min_area=least)
        else:
            self._people = read_people(request.data, self.attributes, min_area=least)
        self._columns = _known(self._people, self.columns)
        images = [self._people.images[i] for i in drawn(len(self._people.images), request.limit, request.seed)]
        sam = load_segmenter(request.model, request.device)
        self._comparison, self._seed = Comparison.of(sam, request, "points"), request.seed
        return Prepared(
            items=keyed([image.path.name for image in images], images),
            versions=made_with(sam, data_digest=_digest(images, self._people), **self._comparison.digests),
            reports={"": self._people.report},
        )

    def rows(self, scored: Sequence[Scored]) -> list[dict[str, Any]]:
        """One row a person: the attributes, and each method's IoU after 1 and 3 clicks."""
        return [self._row(row) for one in scored for row in one["rows"]]

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        person = self._people.attributes[row["annotation"]]
        found = {name: row[name] for name in ("image", "annotation", "area")}
        found |= {column: person[column] for column in self._columns}
        for start in map(prefix, self._comparison.methods):
            sequence = row[f"{start}click_ious"]
            found |= {f"{start}iou_{points}": sequence[min(points, len(sequence)) - 1] for points in POINTS}
        return found

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """Figures of each group of each attribute, and which groups differ; for each method."""
        rows = self.rows(scored)
        groups = {
            f"{start}groups": compare_groups(rows, self._columns, self._seed, start)
            for start in map(prefix, self._comparison.methods)
        }
        return {"images": len(scored), "people": len(rows), **groups}

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """A table for each attribute and method, and below it which intervals do not overlap."""
        for name, start in evaluation.methods.items():
            for column, found in evaluation.summary[f"{start}groups"].items():
                rows = [_cells(group, figures) for group, figures in found["groups"].items()]
                yield Table(_COLUMNS, rows, f"{column}, by {name}" if start else column)
                for points, pairs in found["apart"].items():
                    clicks = f"{points} point{'' if points == '1' else 's'}"
                    apart = "; ".join(" and ".join(pair) for pair in pairs)
                    yield f"{clicks}: " + (f"intervals do not overlap: {apart}" if pairs else "all intervals overlap")
                yield ""
        yield f"{evaluation.n} people in {evaluation.summary['images']} images"

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """The model's mean IoU and interval of every group, one plot for each number of clicks."""
        columns = evaluation.summary["groups"]
        names = [(column, name) for column, found in columns.items() for name in found["groups"]]
        with plots.figure(path, len(POINTS)) as every:
            for axes, points in zip(every, POINTS, strict=True):
                for place, (column, name) in enumerate(names):
                    group = columns[column]["groups"][name]
                    mean, (low, high) = group[f"mean_iou_{points}"], group[f"mean_iou_{points}_interval"]
                    color = f"C{list(columns).index(column)}"
                    axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], marker="o", capsize=3, color=color)
                axes.set(xlabel=f"mean IoU after {points} click{'s' if points > 1 else ''}", yticks=range(len(names)))
                counts = (columns[column]["groups"][name]["people"] for column, name in names)
                axes.set_yticklabels([f"{name} ({n})" for (_, name), n in zip(names, counts, strict=True)])
                axes.invert_yaxis()

    def smoke(self, request: Request, folder: Path) -> tuple[Fairness, Request]:
        """Two made-up images, whose objects are on the left or on the right."""
        rows = [f"{key},{'left' if key % 2 else 'right'}" for key in range(1, 7)]
        table = folder / "attributes.csv"
        table.write_text("\n".join(("annotation,side", *rows)), encoding="utf-8")
        return Fairness(attributes=table), super().smoke(request, folder)[1]


def compare_groups(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], seed: int, start: str = ""
) -> dict[str, Any]:
    """For each column its groups' figures, and which pairs of groups have intervals that do not overlap.

    Args:
        rows: one a person: ``image``, the columns, ``iou_1`` and ``iou_3``.
        columns: of the attributes.
        seed: of the bootstrap.
        start: prefix of the method whose IoUs count.

    Returns:
        For each column ``{"groups": {name: figures}, "apart": {"1": [[one, other], ...], "3": [...]}}``.
    """
    found: dict[str, Any] = {}
    for column in columns:
        names = sorted({row[column] for row in rows})
        groups = {name: _figures([row for row in rows if row[column] == name], seed, start) for name in names}
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


def _figures(rows: Sequence[Mapping[str, Any]], seed: int, start: str) -> dict[str, Any]:
    """Of one group: people, images, and mean IoU with its interval for each number of clicks."""
    by_image: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_image.setdefault(row["image"], []).append(row)
    figures: dict[str, Any] = {"people": len(rows), "images": len(by_image)}
    for points in POINTS:
        ious = [[row[f"{start}iou_{points}"] for row in people] for people in by_image.values()]
        figures |= mean_summary(f"mean_iou_{points}", ious, seed)
    return figures


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any], points: int) -> bool:
    (low, high), (other_low, other_high) = (group[f"mean_iou_{points}_interval"] for group in (one, other))
    return bool(low <= other_high and other_low <= high)


def _cells(name: str, group: Mapping[str, Any]) -> tuple[str, ...]:
    figures = (
        cell
        for points in POINTS
        for cell in (number(group[f"mean_iou_{points}"]), interval(group[f"mean_iou_{points}_interval"]))
    )
    return (name, str(group["people"]), str(group["images"]), *figures)


def _known(people: People, wanted: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in wanted if name not in people.columns]
    if unknown:
        raise DataError(f"columns: got {', '.join(unknown)}; there are {', '.join(people.columns)}")
    return tuple(wanted) or people.columns


def _digest(images: Sequence[AnnotatedImage], people: People) -> str:
    found = hashlib.blake2b(digest_size=16)
    for image in images:
        found.update(f"{image.path.name}:{image.path.stat().st_size};".encode())
        for one in image.objects:
            found.update(f"{one.id}{sorted(people.attributes[int(one.id)].items())}".encode() + one.mask.counts)
    return found.hexdigest()
