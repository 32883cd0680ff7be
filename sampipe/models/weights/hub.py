"""Where weights are on this machine, and how they get here.

Files of the Hugging Face hub live in its cache; the others where ``torch.hub`` keeps its checkpoints. With
``SAMPIPE_OFFLINE`` or ``HF_HUB_OFFLINE`` set nothing is asked of the network.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

from sampipe.errors import CheckpointError
from sampipe.models.weights.checkpoints import read_checkpoint
from sampipe.models.weights.digests import check_digest, check_download, pinned_digest
from sampipe.models.weights.download import Progress, fetch
from sampipe.models.weights.known import KNOWN_MODELS, KnownModel, known_model

_EMBEDDED = Path(__file__).parent
_YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One line of ``sampipe models``.

    Attributes:
        digest: "embedded", "published prefix", "recorded" or "pinned on first download".
        sha256: what the file is compared with; ``None`` before the first download where none is known.
        path: where it is, ``None`` when it is not here.
    """

    name: str
    parameters: int
    licence: str
    source: str
    digest: str
    sha256: str | None
    path: Path | None


def models_table() -> list[ModelRow]:
    """Every known model; nothing is downloaded."""
    rows = []
    for known in KNOWN_MODELS:
        path = installed_path(known)
        rows.append(
            ModelRow(
                name=known.name,
                parameters=known.parameters or (_count_parameters(path) if path else 0),
                licence=known.licence,
                source=known.url or "inside the package",
                digest=_digest_state(known),
                sha256=known.sha256 or (None if known.embedded else pinned_digest(known)),
                path=path,
            )
        )
    return rows


def download(name: str, *, progress: bool = True) -> Path:
    """Make sure that a known model's file is on this machine; returns where.

    Args:
        name: one of :func:`models_table`.
        progress: show a bar, if somebody looks at the terminal (the Hugging Face client has its own).

    Raises:
        CheckpointError: an unknown name; offline; the network fails; or another file came than it should be.
    """
    known = known_model(name)
    path = installed_path(known)
    if path is not None:
        return path
    if known.embedded:
        raise CheckpointError(f"{_target(known)}: missing, so the installation is damaged. Install sampipe again.")
    if is_offline():
        raise CheckpointError(f"{name}: {known.file} is not here, and this process is offline. {_by_hand(known)}")
    if known.repository is not None:
        return _download_from_hub(known, known.repository)
    target = _target(known)
    with _bar(known.file, show=progress and sys.stderr.isatty()) as report:
        fetch(known.url, target, check=lambda whole: check_download(known, whole), progress=report)
    return target


def verify(name: str) -> str:
    """Check an installed model's file against its digest; returns the SHA-256.

    Raises:
        CheckpointError: not installed, or another file than it should be.
    """
    known = known_model(name)
    path = installed_path(known)
    if path is None:
        raise CheckpointError(f"{name}: not installed. {_by_hand(known)}")
    return check_download(known, path)


def installed_path(known: KnownModel) -> Path | None:
    """Where a known model's file is on this machine."""
    if known.repository is not None:
        found = try_to_load_from_cache(known.repository, known.file)
        return Path(found) if isinstance(found, str) else None
    path = _target(known)
    return path if path.is_file() else None


def _target(known: KnownModel) -> Path:
    """Where the file of a model that is not on the Hugging Face hub belongs."""
    folder = _EMBEDDED if known.embedded else Path(torch.hub.get_dir()) / "checkpoints"
    return folder / known.file


def is_offline() -> bool:
    """Whether the network is off limits."""
    return any(os.environ.get(name, "").lower() in _YES for name in ("SAMPIPE_OFFLINE", "HF_HUB_OFFLINE"))


def _download_from_hub(known: KnownModel, repository: str, endpoint: str | None = None) -> Path:
    try:
        path = Path(hf_hub_download(repository, known.file, endpoint=endpoint))
    except Exception as error:  # the hub's client changes its HTTP library, and their errors, between versions
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{known.name}: {known.file} could not be downloaded: {reason} {_by_hand(known)}"
        ) from error
    check_digest(known, path)
    return path


def _by_hand(known: KnownModel) -> str:
    if known.repository is None:
        size = f" ({known.size / 1e6:,.0f} MB)" if known.size else ""
        return f"Download {known.url}{size} where there is a connection and put it at {_target(known)}."
    folder = Path(constants.HF_HUB_CACHE) / f"models--{known.repository.replace('/', '--')}"
    return (
        f"Run `hf download {known.repository} {known.file}` where there is a connection ({known.url}) and "
        f"copy the folder {folder} from there, or give the path of that file instead of the model's name."
    )


def _digest_state(known: KnownModel) -> str:
    if known.embedded:
        return "embedded"
    if known.md5_prefix is not None:
        return "published prefix"
    return "recorded" if known.sha256 is not None else "pinned on first download"


def _count_parameters(path: Path) -> int:
    statistics = ("running_mean", "running_var", "num_batches_tracked", "gaussian_matrix")
    tensors = read_checkpoint(path).tensors
    return sum(value.numel() for name, value in tensors.items() if not name.endswith(statistics))


@contextmanager
def _bar(label: str, *, show: bool) -> Iterator[Progress | None]:
    """A progress bar on stderr."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)
        yield lambda have, total: bar.update(task, completed=have, total=total)
