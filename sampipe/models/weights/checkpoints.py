"""Reading and writing files of weights. Nothing in a file is ever run.

safetensors is read as such; anything else goes through ``torch.load(weights_only=True)`` after its container
has been looked at. What comes out is a flat state dict of plain tensors, or a CheckpointError in words.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from sampipe._files import atomic_file
from sampipe.errors import CheckpointError
from sampipe.models.config import SamConfig

CONFIG_KEY = "sampipe_config"  # where our own files keep their configuration, as JSON
_WRAPPERS = ("model", "state_dict")
_MAX_HEADER = 16 << 20  # bytes; the header of ViT-H takes 80 kB
_SLACK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a file of weights holds: tensors by name, and text about them."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a file of weights onto the CPU.

    Args:
        path: a safetensors file, or a ``.pth`` / ``.pt`` state dict, bare or under ``"model"`` or
            ``"state_dict"``.

    Raises:
        CheckpointError: no such file; empty, cut off, a web page, not a file of weights; or one that wants to
            run code.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"PK\x03\x04"):
        _check_archive(path)
    elif start[8:9] == b"{" and b"\0" in start[:8]:  # a length, then JSON; text has no zero bytes
        return _read_safetensors(path, size, header=int.from_bytes(start[:8], "little"))
    elif not start.startswith(b"\x80"):
        raise CheckpointError(f"{path}: not a file of weights: {_looks_like(start)}")
    return Checkpoint(path=path, tensors=_read_pickle(path, size))


def save_checkpoint(
    tensors: Mapping[str, Tensor],
    config: SamConfig,
    path: str | os.PathLike[str],
    *,
    notes: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write weights with their configuration as safetensors, whole or not at all.

    Args:
        tensors: a state dict in official names.
        config: the model they belong to; :func:`sampipe.models.load_model` reads it back.
        path: where; replaced if it is there.
        notes: more text for the file's header (data, licence, command).
        dtype: what floating-point tensors are stored as.

    Raises:
        CheckpointError: a value does not fit ``dtype``.
    """
    path = Path(path)
    stored = {
        name: value.detach().cpu().to(dtype if value.is_floating_point() else value.dtype).contiguous()
        for name, value in tensors.items()
    }
    for name, value in stored.items():
        if not bool(value.isfinite().all()):
            raise CheckpointError(f"{path}: {name} holds values that are not finite as {dtype}; nothing was written.")
    with atomic_file(path) as partial:
        save_file(stored, partial, metadata={**(notes or {}), CONFIG_KEY: json.dumps(config.to_dict())})


def file_digest(path: str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _looks_like(start: bytes) -> str:
    if not start:
        return "it is empty. Delete it and download it again."
    if start.lstrip().startswith(b"<"):
        return "it is a web page: the server sent an error or a login. Delete it and download it again."
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself. Run `git lfs pull`, or download the file."
    return f"it begins with {start[:8]!r}. Wanted safetensors, or a .pth / .pt file written by torch.save."


def _read_safetensors(path: Path, size: int, header: int) -> Checkpoint:
    if header > min(size - 8, _MAX_HEADER):
        raise CheckpointError(
            f"{path}: not a whole safetensors file: its header claims {header:,} bytes and the file has "
            f"{size:,}. Download it again."
        )
    try:
        with safe_open(path, framework="pt") as file:
            # copies: safetensors' own tensors would change with the file under them
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            return Checkpoint(path=path, tensors=tensors, metadata=file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: a damaged safetensors file ({error}). Download it again.") from error


def _check_archive(path: Path) -> None:
    """A file by ``torch.save`` is a zip whose entries are stored as they are; others could be bombs."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path}: cut off or damaged ({error}). Delete it and download it again.") from error
    names = [entry.filename for entry in entries]
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(f"{path}: refused: a compressed archive, which torch.save does not write.")
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError(f"{path}: refused: a TorchScript program, not a state dict.")
    if not any(name.endswith("/data.pkl") for name in names):
        raise CheckpointError(f"{path}: not a file of weights: a zip archive without the data.pkl of torch.save.")


def _read_pickle(path: Path, size: int) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a hostile or broken pickle makes the restricted reader raise
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{path}: refused: not a plain state dict. Nothing in it was run; the reader of tensors stopped "
            f"with {type(error).__name__}: {reason[:300]}"
        ) from error
    tensors = _unwrap(path, content)
    claimed = sum(value.numel() * value.element_size() for value in tensors.values())
    if claimed > 2 * size + _SLACK:  # views of few bytes as many; twice leaves room for shared tensors
        raise CheckpointError(f"{path}: refused: its tensors claim {claimed:,} bytes, and the file has {size:,}.")
    return tensors


def _unwrap(path: Path, content: Any) -> dict[str, Tensor]:
    """The state dict itself, where it lies under ``"model"`` or ``"state_dict"``."""
    for name in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{path}: holds {_kind(content)}, wanted a state dict: tensors by name.")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
            raise CheckpointError(f"{path}: {name!r} is {_kind(value)}, wanted a tensor under a name (a state dict).")
    return {name: value.detach() for name, value in content.items()}


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an empty mapping" if not value else f"a mapping with {', '.join(map(repr, list(value)[:3]))}"
    return f"a {type(value).__name__}"
