"""What a job prints: a table, a summary, one JSON document, or events."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sampipe.cli import _screen
from sampipe.cli._words import count, counted_labels

if TYPE_CHECKING:
    from sampipe.cli._job import Files
    from sampipe.jobs import Job, JobState, Progress
    from sampipe.types.polygons import Polygon

Unfound = Sequence[tuple[str, str]]
_SHOWN = 10  # errors, and rows of a table, on the screen; all of them are in the rows


class Report(Protocol):
    """Hears of a job from its beginning to its end."""

    def open(self, state: JobState) -> Any:
        """A context in which the job runs."""

    def row(self, progress: Progress) -> None:
        """One image more."""

    def end(self, job: Job, files: Files, state: JobState, unfound: Unfound) -> None:
        """It is over; ``unfound`` are words that stand for no image, and why."""


class Summary:
    """Progress on stderr, and a few lines at the end."""

    def __init__(self) -> None:
        self._labels: dict[str, int] = {}
        self._notes: list[str] = []
        self._began = time.monotonic()
        self._here = 0

    @contextmanager
    def open(self, state: JobState) -> Iterator[None]:
        with _screen.progress_bar("images") as self._advance:
            if state.done:
                _screen.note(f"{state.done} of {state.total} images were done already")
            yield

    def row(self, progress: Progress) -> None:
        row, state = progress.row, progress.state
        for label, number in labels_of(row).items():
            self._labels[label] = self._labels.get(label, 0) + number
        self._here += 1
        if row["error"] is not None:
            self._notes.append(f"error: {row['error']}")
        for note in row.get("prompt_notes") or ():
            self._notes.append(f"{row['path']}: {note}")
        parts = [f"{progress.images_per_second:.1f} images/s", f"{progress.cache_hits} cache hits"]
        parts += [f"{state.errors} errors"] if state.errors else []
        parts += [f"{progress.device_memory / 2**30:.1f} GiB on the device"] if progress.device_memory else []
        self._advance(state.done, state.total, ", ".join(parts))

    def end(self, job: Job, files: Files, state: JobState, unfound: Unfound) -> None:
        self._print_notes(unfound, state)
        seconds = time.monotonic() - self._began
        rate = f" in {seconds:.1f} s" if self._here else ""
        errors = f", {count(state.errors, 'error')}" if state.errors else ""
        done = f"{state.done} of {count(state.total, 'row')}{errors}"
        print(f"{counted_labels(self._labels)} in {count(self._here, 'image')}{rate}; {done}")
        print(job.rows_folder, *files.about_all, sep="\n")

    def _print_notes(self, unfound: Unfound, state: JobState) -> None:
        for word, why in unfound:
            _screen.note(f"error: {word}: {why}")
        for line in self._notes[:_SHOWN]:
            _screen.note(line)
        if len(self._notes) > _SHOWN:
            _screen.note(f"and {len(self._notes) - _SHOWN} more of these; the rows have them all")
        for line in state.left_out:
            _screen.note(line)


class Table(Summary):
    """A row for each image, while they are few, and the sum.

    Args:
        title: the model, and how it was prompted.
        costly: warn what many images cost, once the first one said how long one takes.
    """

    def __init__(self, title: str, *, costly: bool = False) -> None:
        super().__init__()
        self._title, self._costly = title, costly

    def row(self, progress: Progress) -> None:
        super().row(progress)
        left = progress.state.total - progress.state.done
        seconds = progress.row.get("seconds")
        if self._costly and left >= _SHOWN and seconds is not None:
            self._costly = False
            _screen.note(
                f"everything in one image took {seconds:.1f} s, so the other {left} take about "
                f"{left * seconds / 60:.0f} min; --seconds 1 bounds each, and what Ctrl-C stops resumes with --resume"
            )

    def end(self, job: Job, files: Files, state: JobState, unfound: Unfound) -> None:
        self._print_notes(unfound, state)
        rows = list(good_rows(job))
        if not rows:
            return
        if len(rows) <= _SHOWN:
            self._print_table(rows, job.folder, files)
        labels: dict[str, int] = {}
        for row in rows:
            for label, number in labels_of(row).items():
                labels[label] = labels.get(label, 0) + number
        print(f"{counted_labels(labels)} in {count(len(rows), 'image')}", *files.about_all, sep=", ")

    def _print_table(self, rows: Sequence[dict[str, Any]], folder: Path, files: Files) -> None:
        cells = []
        for row in rows:
            ious = [one["predicted_iou"] for one in objects_of(row) if one["predicted_iou"] is not None]
            own = "\n".join(str(path.relative_to(folder)) for path in files.about_one[row["path"]])
            iou = f"{sum(ious) / len(ious):.2f}" if ious else ""
            objects = counted_labels(labels_of(row), thing="")
            cells.append((row["path"], objects, iou, f"{row['seconds']:.2f}", own))
        devices = sorted({row["device"] for row in rows if row["device"]})
        columns = ("image", "objects", "predicted IoU", "seconds", f"in {folder}")
        title = f"{self._title} on {', '.join(devices)}" if devices else self._title
        _screen.print_table(cells, columns=columns, title=title, right=columns[1:4])
        print()


class Document(Summary):
    """Everything as one JSON document.

    Args:
        shapes: "rle" or "polygon" adds each object's shape.
    """

    def __init__(self, shapes: str | None = None) -> None:
        super().__init__()
        self._shapes = shapes

    def end(self, job: Job, files: Files, state: JobState, unfound: Unfound) -> None:
        self._print_notes(unfound, state)
        rows = [_document_row(row, job.masks, files.about_one[row["path"]], self._shapes) for row in good_rows(job)]
        failed = [{"image": word, "reason": why} for word, why in unfound]
        failed += [{"image": row["path"], "reason": row["error"]} for row in all_rows(job) if row["error"] is not None]
        paths = list(map(str, files.about_all))
        _screen.print_json({"images": rows, "errors": failed, "left_out": list(state.left_out), "files": paths})


class Events:
    """A JSON document a line on what is stdout now."""

    def __init__(self) -> None:
        self._out = sys.stdout

    def _event(self, kind: str, **values: Any) -> None:
        print(json.dumps({"event": kind, **values}, allow_nan=False), file=self._out, flush=True)

    @contextmanager
    def open(self, state: JobState) -> Iterator[None]:
        self._event("begin", total=state.total, done=state.done)
        yield

    def row(self, progress: Progress) -> None:
        row, state = progress.row, progress.state
        self._event(
            "image",
            path=row["path"],
            error=row["error"],
            objects=len(objects_of(row)),
            seconds=row.get("seconds"),
            done=state.done,
            total=state.total,
            errors=state.errors,
            images_per_second=progress.images_per_second,
            seconds_left=progress.seconds_left,
            cache_hits=progress.cache_hits,
            device_memory=progress.device_memory,
        )

    def end(self, job: Job, files: Files, state: JobState, unfound: Unfound) -> None:
        for word, why in unfound:
            _screen.note(f"error: {word}: {why}")
        paths = [str(job.rows_folder), *map(str, files.about_all)]
        counts = {"total": state.total, "done": state.done, "errors": state.errors}
        self._event("end", **counts, left_out=list(state.left_out), files=paths)


def all_rows(job: Job) -> list[dict[str, Any]]:
    """The rows of a job, in the order of its images."""
    from sampipe.jobs import read_rows

    order = {entry.path: index for index, entry in enumerate(job.entries)}
    return sorted(read_rows(job.rows_folder), key=lambda row: order[row["path"]])


def good_rows(job: Job) -> Iterator[dict[str, Any]]:
    """Those without an error."""
    return (row for row in all_rows(job) if row["error"] is None)


def objects_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of a row, of all outputs."""
    from sampipe.jobs.rows import COLUMNS

    outputs = [value for name, value in row.items() if name not in COLUMNS and isinstance(value, list)]
    return [one for value in outputs for one in value]


def labels_of(row: dict[str, Any]) -> dict[str, int]:
    """How many objects of each name; "" for those that have none."""
    found: dict[str, int] = {}
    for one in objects_of(row):
        label = one.get("label") or ""
        found[label] = found.get(label, 0) + 1
    return found


def _document_row(
    row: dict[str, Any], outputs: Sequence[str], files: Sequence[Path], shapes: str | None
) -> dict[str, Any]:
    from sampipe.jobs import masks_of_row

    objects = []
    for output in outputs:
        masks = masks_of_row(row, output)
        for i, one in enumerate(row[output]):
            known = {name: value for name, value in one.items() if name != "counts"}
            if len(outputs) > 1:
                known["output"] = output
            if shapes == "rle":
                known["rle"] = masks.rle()[i].to_coco()
            if shapes == "polygon":
                known["polygons"] = [_rings(part) for part in masks.select([i]).polygons()[0]]
            objects.append(known)
    return {
        "image": row["path"],
        **{name: row[name] for name in ("width", "height", "seconds", "device", "prompts_dropped", "prompt_notes")},
        "counts": labels_of(row),
        "objects": objects,
        "files": list(map(str, files)),
    }


def _rings(polygon: Polygon) -> dict[str, Any]:
    """An outline and the holes in it, as corners x, y."""
    return {"outline": polygon.exterior.tolist(), "holes": [hole.tolist() for hole in polygon.holes]}
