"""The one way through ``sampipe eval``: what is asked, the four steps of a task, and the loop over the images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from sampipe.data.report import ReadReport
from sampipe.measure.quality.answers import Competitors
from sampipe.measure.quality.report import Evaluation, Scored, Table, lines, mean_over, versions
from sampipe.measure.quality.results import Progress, Results, Shard

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a task; the options that every command of ``sampipe eval`` has.

    Args:
        data: the data's folder, or what else the task reads.
        model: a name or a file, as for ``load_segmenter``.
        device: where the model runs.
        limit: at most so many images, drawn with ``seed``.
        min_area: smallest object that counts, in px² of its mask; None for the task's own.
        seed: of every random draw.
        competitors: who answers beside the model, by name; None for the task's own.
        out: folder for the results of each image; one that holds a part of this run is resumed.
        shard: this process's share of a folder that several processes fill.
        progress: called with (images done, images in all).
        say: told what was read of the data, and what was left out and why, a line at a time.
    """

    data: str | Path
    model: str = "nano"
    device: str = "auto"
    limit: int | None = None
    min_area: int | None = None
    seed: int = 0
    competitors: Competitors | None = None
    out: Path | None = None
    shard: Shard = field(default_factory=Shard)
    progress: Progress | None = None
    say: Callable[[str], object] = lambda line: None


class DataPart(NamedTuple):
    """The next ``count`` items are those of a data set, whose objects have ``min_area`` px² or more."""

    name: str
    count: int  # type: ignore[assignment]  # the tuple's own method is not needed
    min_area: int


@dataclass(frozen=True, kw_only=True)
class Prepared(Generic[Item]):
    """What a task is going to measure.

    Args:
        items: by keys that are the same in every run, in order.
        versions: digests of weights, data and whatever else the figures depend on; see :func:`made_with`.
        parameters: what else they depend on, JSON values; part of the summary.
        data_sets: which of the items belong to which data set, where data have names.
        reports: what their readers took and left out, by the data set's name; may grow as items are measured.
    """

    items: Mapping[str, Item]
    versions: Mapping[str, str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    data_sets: Sequence[DataPart] = ()
    reports: Mapping[str, ReadReport] = field(default_factory=dict)


class Task(ABC, Generic[Item, Answer]):
    """A measurement. Its parameters are the fields of a dataclass; one object measures one request at a time.

    Attributes:
        name: in ``sampipe eval NAME``.
        min_area: smallest object, where a request names none.
        competitors: who answers beside the model, where a request names nobody.
    """

    name: ClassVar[str]
    min_area: ClassVar[int] = 0
    competitors: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def prepare(self, request: Request) -> Prepared[Item]:
        """Read the data and load the models.

        Raises:
            DataError: the data, a competitor or a parameter are not what they should be.
            CheckpointError: a model cannot be loaded.
            MissingDependencyError: a package that is needed is not installed.
        """

    @abstractmethod
    def answer(self, item: Item) -> Answer:
        """What the model and its competitors say about one image, with the seconds it took them."""

    @abstractmethod
    def score(self, item: Item, answer: Answer) -> Scored:
        """The answers compared with the truth: JSON values, among them ``rows``, one an object."""

    @abstractmethod
    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """The figures of all images of a data set, by plain-word keys."""

    def rows(self, scored: Sequence[Scored]) -> list[dict[str, Any]]:
        """The rows of the evaluation, one an object."""
        return [row for one in scored for row in one["rows"]]

    def count(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """How many objects the rows are about."""
        return len(rows)

    @abstractmethod
    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """What is shown of an evaluation: tables, and lines of text between them."""

    @abstractmethod
    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """Draw an evaluation into a file (needs matplotlib)."""

    def smoke(self, request: Request, folder: Path) -> tuple[Task[Item, Answer], Request]:
        """This task made small, and the request with a random model and made-up data in an empty folder."""
        from sampipe.measure.quality.smoke import smoke_model, write_images

        return self, replace(request, model=smoke_model(request.model, folder), data=write_images(folder))


def evaluate(task: Task[Any, Any], request: Request) -> Evaluation:
    """Measure ``request`` by ``task``, image by image.

    Raises:
        DataError: the data, a competitor or the folder of results are not what they should be.
        CheckpointError: a model cannot be loaded.
        MissingDependencyError: a package that is needed is not installed.
        Unfinished: this process did its share, and others have not done theirs.
    """
    asked = replace(
        request,
        min_area=task.min_area if request.min_area is None else request.min_area,
        competitors=task.competitors if request.competitors is None else request.competitors,
    )
    prepared = task.prepare(asked)
    competitors = list(asked.competitors or ())
    fingerprint = {"task": task.name, "competitors": competitors, "min_area": asked.min_area, "seed": asked.seed}
    fingerprint |= {**prepared.parameters, **prepared.versions}
    scored = Results(asked.out, fingerprint, asked.shard).collect(
        prepared.items, lambda item: task.score(item, task.answer(item)), asked.progress
    )
    for name, report in prepared.reports.items():
        for line in lines(name if len(prepared.reports) > 1 else "", report.lines()):
            asked.say(line)
    rows, summaries, start = [], {}, 0
    for name, count, min_area in prepared.data_sets or [DataPart("", len(scored), asked.min_area or 0)]:
        part = scored[start : start + count]
        start += count
        summaries[name] = {"min_area": min_area, **task.summarise(part)}
        rows += [{"data": name, **row} if name else row for row in task.rows(part)]
    several = {**mean_over(list(summaries.values())), "data_sets": summaries}
    return Evaluation(
        task=task.name,
        model=asked.model if prepared.versions["model_digest"] else "",
        data=str(asked.data),
        n=task.count(rows),
        summary={
            "seed": asked.seed,
            "competitors": competitors,
            **prepared.parameters,
            **(several if len(summaries) > 1 else next(iter(summaries.values()))),
        },
        rows=rows,
        versions=dict(prepared.versions),
    )


def made_with(sam: Any, **digests: str) -> dict[str, str]:
    """The versions behind figures of a loaded model: packages, device, and digests of its weights and of the data."""
    return versions(model_digest=sam.key, device=str(sam.device), **digests)
