"""What a job tells at its end: a table or a JSON document, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sampipe.cli import _screen


@dataclass(frozen=True)
class Row:
    """What became of one image; ``predicted_iou`` is the mean over its objects, None without any."""

    image: str
    width: int
    height: int
    objects: int
    predicted_iou: float | None
    prompts_dropped: int
    seconds: float
    device: str | None
    files: list[str]


@dataclass(frozen=True)
class Failure:
    """An image that could not be done, and why."""

    image: str
    reason: str


def print_document(rows: Sequence[Row], failures: Sequence[Failure], shared_files: Sequence[Path]) -> None:
    """Everything as one JSON document."""
    _screen.print_json(
        {
            "images": [asdict(row) for row in rows],
            "errors": [asdict(failure) for failure in failures],
            "files": [str(path) for path in shared_files],
        }
    )


def print_rows(rows: Sequence[Row], shared_files: Sequence[Path], *, folder: Path, title: str) -> None:
    """A table with a row for each image, its files told from ``folder``, and the sum below."""
    cells = [
        (
            row.image,
            str(row.objects),
            "" if row.predicted_iou is None else f"{row.predicted_iou:.2f}",
            f"{row.seconds:.2f}",
            "\n".join(str(Path(file).relative_to(folder)) for file in row.files),
        )
        for row in rows
    ]
    devices = sorted({row.device for row in rows if row.device})
    columns = ("image", "objects", "predicted IoU", "seconds", f"in {folder}")
    title = f"{title} on {', '.join(devices)}" if devices else title
    _screen.print_table(cells, columns=columns, title=title, right=columns[1:4])
    objects = _count(sum(row.objects for row in rows), "object")
    print(f"\n{objects} in {_count(len(rows), 'image')}", *shared_files, sep=", ")


def print_notes(rows: Sequence[Row], failures: Sequence[Failure]) -> None:
    """On stderr: prompts that counted for nothing, and the images that failed."""
    for row in rows:
        if row.prompts_dropped:
            dropped = _count(row.prompts_dropped, "prompt")
            _screen.note(f"{row.image}: {dropped} dropped, with nothing inside the image")
    for failure in failures:
        says_which = failure.image in failure.reason
        _screen.note(f"error: {failure.reason if says_which else f'{failure.image}: {failure.reason}'}")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
