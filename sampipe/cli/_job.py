"""A graph over many images, as a job: what ``segment`` and ``run`` have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sampipe.cli import _saving, _screen
from sampipe.cli._root import FAILED

if TYPE_CHECKING:
    from sampipe.cli._reports import Report
    from sampipe.cli._saving import Saving
    from sampipe.graph import Graph
    from sampipe.jobs import Job, JobEngine


@dataclass(frozen=True, kw_only=True)
class Request:
    """A job as it was asked for.

    Args:
        graph: its input ``image`` gets the images.
        words: files, folders, globs, ``sample:NAME``, URLs, ``-``, or one manifest.
        folder: of the job.
        kinds: what to save beside the rows.
        inputs: the graph's other inputs, the same for every image.
        resume: only what is not done yet, of the images that the job has already.
        replace_finished: whether a job in the folder that is done makes room.
        recursive: folders with all that is below them.
        place: whether image files are linked or copied beside what is saved; None: as the format needs them.
        batch_size, readers, engine: see :class:`~sampipe.jobs.Job`.
    """

    graph: Graph
    words: Sequence[str]
    folder: Path
    kinds: Sequence[str]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    replace_finished: bool = False
    recursive: bool = False
    place: str | None = None
    batch_size: int = 1
    readers: int = 2
    engine: JobEngine | None = None


@dataclass
class Files:
    """What a job wrote beside its rows: files about all its images, and by its path those about one."""

    about_all: list[Path] = field(default_factory=list)
    about_one: dict[str, list[Path]] = field(default_factory=dict)

    def add(self, path: str, files: Sequence[Path]) -> None:
        """More about one image."""
        known = self.about_one.setdefault(path, [])
        known += [file for file in files if file not in known]


def run_job(request: Request, report: Report) -> None:
    """Run it; ``report`` says how far it is and what came of it. One bad image does not stop the others.

    Raises:
        typer.Exit: with code 1, if an image failed; the reasons were printed.
        DataError: no image, or the folder holds a job and ``resume`` is not asked for, or the other way round.
    """
    from sampipe.jobs import Job

    folder = request.folder
    unfound = _begin(request)
    saving = _saving.with_saving(request.graph, request.kinds, folder)
    job = Job(
        folder,
        request.graph,
        inputs=request.inputs,
        running=saving.graph,
        save=request.kinds,
        after=saving.save_images,
        settle=saving.settle,
        batch_size=request.batch_size,
        readers=request.readers,
    )
    with _interruptible(job, folder), report.open(job.state()):
        with redirect_stdout(sys.stderr):  # Ray prints its complaints to stdout
            state = job.run(report.row, engine=request.engine)
        files = _export(job, request, saving) if state.done > state.errors else Files()
    report.end(job, files, state, unfound)
    if state.errors or unfound:
        raise typer.Exit(FAILED)


def _begin(request: Request) -> list[tuple[str, str]]:
    """See to it that the folder has its manifest; what could not be found, and why."""
    from sampipe.cli._sources import expand, read_stdin
    from sampipe.data.job_folder import MANIFEST
    from sampipe.errors import DataError
    from sampipe.jobs import begin, read_manifest, write_manifest
    from sampipe.jobs.manifest import write_entries

    folder, words = request.folder, list(request.words)
    if request.resume:
        if words:
            raise typer.BadParameter("--resume takes the job's own images; leave IMAGE... out")
        if not (folder / MANIFEST).exists():
            raise DataError(f"{folder} holds no job to resume: there is no {MANIFEST}. Begin without --resume.")
        return []
    if len(words) == 1 and words[0].endswith(".parquet"):
        entries = read_manifest(words[0])
        begin(folder, lambda file: write_entries(entries, file), replace_finished=request.replace_finished)
        return []
    found = expand([word for word in words if word != "-"], recursive=request.recursive)
    for remark in found.remarks:
        _screen.note(remark)
    if "-" in words:
        found.sources.append(read_stdin(folder))
    if not found.sources:
        raise DataError("; ".join(f"{word}: {why}" for word, why in found.unfound))
    begin(folder, lambda file: write_manifest(found.sources, file), replace_finished=request.replace_finished)
    return found.unfound


def _export(job: Job, request: Request, saving: Saving) -> Files:
    """Everything but images is made of the rows at the end: those of earlier runs are in them."""
    from sampipe.data.formats import FORMATS
    from sampipe.data.names import common_root
    from sampipe.jobs.exports import write_rows

    found = Files(about_one={entry.path: saving.files_of(entry.name) for entry in job.entries})
    root = common_root(entry.path for entry in job.entries)
    replaces = request.replace_finished and not request.resume
    earlier = _saving.earlier_files(job.folder) if replaces else set()
    for output in job.masks:
        inside = _saving.folder_of(job.graph, output, job.folder)
        for kind in (kind for kind in request.kinds if kind in FORMATS):
            images = request.place or FORMATS[kind].placing
            fresh = any(_saving.seen_from(inside / name, job.folder) in earlier for name in FORMATS[kind].shared)
            written, report = write_rows(
                job.rows_folder, output, inside, kind, root=root, images=images, fresh=fresh, each=found.add
            )
            found.about_all += written
            for line in report.lines()[1:]:
                _screen.note(f"{kind}: {line}")
    if replaces:
        written = [*found.about_all, *(file for files in found.about_one.values() for file in files)]
        replaced = _saving.replace_earlier(job.folder, written)
        if replaced:
            _screen.note(f"{replaced} files of an earlier run in {job.folder} were replaced")
    return found


@contextmanager
def _interruptible(job: Job, folder: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        state = job.state()
        _screen.note(f"{state.done} of {state.total} images are done; --resume --out {folder} does the rest")
        raise
