"""What the folder of a job says of its images: ``job.json`` notes where they are, as seen from the folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sampipe.data.schema import read_json
from sampipe.errors import DataError

JOB = "job.json"
MANIFEST = "manifest.parquet"
_PATHS_FROM, _IMAGE_ROOT = "paths_from", "image_root"


def places(folder: Path, root: str) -> dict[str, str]:
    """What to note: where relative paths of the job's rows begin, and where the names of its images do.

    Args:
        folder: of the job.
        root: of its images; may be empty.
    """
    found = {_PATHS_FROM: _seen(Path.cwd(), folder)}
    return found | ({_IMAGE_ROOT: _seen(Path(root), folder)} if root else {})


def paths_from(folder: Path) -> Path:
    """The folder that relative paths in a job's rows begin at."""
    return _noted(folder, _PATHS_FROM) or folder


def image_roots(folder: Path) -> Iterable[Path]:
    """The folder that a job's images lie in, if the folder is a job's and that one is there."""
    root = _noted(folder, _IMAGE_ROOT)
    return (root,) if root is not None and root.is_dir() else ()


def sources_by_stem(folder: Path) -> dict[str, str]:
    """The images of a job by the stems of the files about one image that it saved; none where no manifest is.

    Raises:
        DataError: the manifest cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(folder / MANIFEST) as opened:
            rows = opened.read(columns=["path", "name"]).to_pylist()
        return {str(row["name"]): str(row["path"]) for row in rows}
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise DataError(f"{folder / MANIFEST}: not the manifest of a job: {error}") from error


def _seen(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder.absolute())).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()


def _noted(folder: Path, key: str) -> Path | None:
    try:
        document = read_json(folder / JOB) if (folder / JOB).is_file() else None
    except DataError:  # the job's own reader tells of it
        return None
    noted = document.get(key) if isinstance(document, dict) else None
    return folder / noted if isinstance(noted, str) and "\0" not in noted else None
