"""The manifest: which images a job is about, as a Parquet file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

from sampipe._files import atomic_file
from sampipe.errors import DataError
from sampipe.types.samples import PREFIX
from sampipe.types.sources import read_source


@dataclass(frozen=True)
class Entry:
    """One image of a job.

    Args:
        path: a file, ``sample:NAME``, or a URL that fsspec can open.
        digest: BLAKE2b of its bytes (32 hexadecimal digits) when the manifest was written; None: not looked at.
        name: the stem of its files among the exports; no two entries share one.
    """

    path: str
    digest: str | None
    name: str


def write_manifest(paths: Iterable[str], file: Path, *, digests: bool = True) -> list[Entry]:
    """Write a manifest of ``paths``, each once, in their order.

    Args:
        paths: files, samples or URLs.
        file: the Parquet file; written whole or not at all.
        digests: read every image once to note its digest. One that cannot be read has none; the job says why.
    """
    unique = list(dict.fromkeys(paths))
    names = distinct_names(unique)
    entries = [
        Entry(path, _digest_or_none(path) if digests else None, name) for path, name in zip(unique, names, strict=True)
    ]
    write_entries(entries, file)
    return entries


def read_manifest(file: str | Path) -> list[Entry]:
    """The entries of a Parquet file with a column ``path``, and ``digest`` and ``name`` where it has them.

    Raises:
        DataError: it is no Parquet file, has no column ``path``, or lists a path or a name twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: not a manifest that can be read: {error}") from error
    if "path" not in table.column_names:
        raise DataError(f"{file}: a manifest has a column `path`; this one has {', '.join(table.column_names)}.")
    paths = [str(path) for path in table["path"].to_pylist()]
    digests = table["digest"].to_pylist() if "digest" in table.column_names else [None] * len(paths)
    names = table["name"].to_pylist() if "name" in table.column_names else distinct_names(paths)
    for what, values in (("path", paths), ("name", [name.casefold() for name in names])):
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise DataError(f"{file}: the {what} {twice!r} is there twice; a row of a manifest is one image.")
    return [Entry(*row) for row in zip(paths, digests, names, strict=True)]


def write_entries(entries: Sequence[Entry], file: Path) -> None:
    """Write entries that are known already; the file is whole or not there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [field.name for field in fields(Entry)]
    columns = {name: pa.array([getattr(entry, name) for entry in entries], pa.string()) for name in names}
    with atomic_file(file) as partial:
        pq.write_table(pa.table(columns), partial)


def digest(data: bytes) -> str:
    """32 hexadecimal digits that stand for a file's bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest_or_none(path: str) -> str | None:
    try:
        return digest(read_source(path))
    except DataError:
        return None  # its row will hold the reason


def distinct_names(paths: Sequence[str]) -> list[str]:
    """File stems that stay apart also on file systems that ignore case; the second ``a`` becomes ``a-2``."""
    from sampipe.data.names import clean_stem

    taken: set[str] = set()
    names = []
    for path in paths:
        stem = clean_stem(_stem(path)) or "image"
        name, number = stem, 2
        while name.casefold() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def _stem(path: str) -> str:
    return path.removeprefix(PREFIX) if path.startswith(PREFIX) else PurePosixPath(path.replace("\\", "/")).stem
