"""Rows of prompts in files and data sets, found by the names of their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import sampipe as sp
from sampipe.data.names import Names
from sampipe.data.report import ReadReport

T = TypeVar("T")


def existing(path: str, what: str) -> Path:
    """The file at ``path``.

    Raises:
        DataError: there is none.
    """
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise sp.DataError(f"path: {path!r} is no file; wanted {what}")
    return file


class PromptRows(Generic[T]):
    """Rows of prompts by the names of their images.

    Whatever of them becomes no prompt is said: what is left out of an image's rows by notes of its prompts, rows that
    meet no image of a job by :meth:`left_out`, when it ends.

    Args:
        rows: by name.
        where: the file or data set, for messages.
        skipped: by name, what each row is that is not among ``rows``, such as "a crowd".
        report: what became of rows that name no image at all.
    """

    def __init__(
        self,
        rows: Mapping[str, Sequence[T]],
        where: str,
        *,
        skipped: Mapping[str, Sequence[str]] | None = None,
        report: ReadReport | None = None,
    ) -> None:
        self._rows, self._where, self._skipped = rows, where, skipped or {}
        self._report = ReadReport() if report is None else report
        self._names = Names(rows, where)

    def find(self, source: str | None) -> tuple[Sequence[T], tuple[str, ...]]:
        """The rows of an image by where it comes from, and notes for its prompts.

        Raises:
            DataError: the image comes from nowhere and the rows are about several, or two names fit equally well.
        """
        name, file = self._names.find(source), Path(self._where).name
        if name is None:  # which may be another in the file
            return (), (f"{file} has no row for this image",)
        counts = Counter(self._skipped.get(name, ()))
        return self._rows[name], tuple(f"{file}: left out {count}: {what}" for what, count in counts.items())

    def left_out(self, sources: Iterable[str]) -> list[str]:
        """Sentences about the rows that meet none of a job's images."""
        met = {self._met(source) for source in sources}
        report = ReadReport()
        report.add([self._report])
        for name, rows in self._rows.items():
            count = len(rows) + len(self._skipped.get(name, ()))
            if name not in met and count:
                report.leave_out("a row of an image that this job does not have", name, count)
            elif name not in met:
                report.note("image without rows that this job does not have", name)
        return [f"{self._where}: {line}" for line in report.lines()[1:]]

    def _met(self, source: str) -> str | None:
        try:
            return self._names.find(source)
        except sp.DataError:  # two names fit: the image's own row in the job says so
            return None
