"""What a node needs besides its inputs, told before anything loads."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A package, a weights file, a device, or a kind of prompt that its model takes: what a node cannot run without.

    Args:
        kind: what it is.
        name: the package's import name, the model or file, the device, the kind of prompt.
        fix: what to do when it is missing, as one line (a command, best of all).
        is_met: looks without loading: no download, no model, no import of the package.
    """

    kind: Literal["package", "weights", "device", "prompts"]
    name: str
    fix: str
    is_met: Callable[[], bool]

    @classmethod
    def package(cls, module: str, *, extra: str | None = None, pip: str | None = None) -> Requirement:
        """A Python package: sampipe's ``extra`` brings it, else ``pip`` says what to install."""
        wanted = f'"sampipe[{extra}]"' if extra else pip or module
        return cls(
            kind="package",
            name=module,
            fix=f"pip install {wanted}",
            is_met=lambda: importlib.util.find_spec(module.partition(".")[0]) is not None,
        )

    @classmethod
    def weights(cls, name: str, *, is_met: Callable[[], bool], fix: str) -> Requirement:
        """Weights that a node knows how to look for."""
        return cls(kind="weights", name=name, fix=fix, is_met=is_met)

    @classmethod
    def file(cls, path: str | os.PathLike[str], *, fix: str | None = None) -> Requirement:
        """A weights file at a path."""
        where = Path(path)
        return cls(kind="weights", name=str(path), fix=fix or f"put the file at {where}", is_met=where.is_file)

    @classmethod
    def device(cls, name: str) -> Requirement:
        """A torch device: ``"cuda"``, ``"cuda:1"``, ``"mps"``; ``"auto"`` and ``"cpu"`` are always met."""
        return cls(
            kind="device",
            name=name,
            fix="use device='auto', or a machine that has it",
            is_met=lambda: _has_device(name),
        )


def _has_device(name: str) -> bool:
    kind, _, index = name.partition(":")
    if kind in ("auto", "cpu"):
        return True
    import torch

    if kind == "cuda":
        return torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count()
    if kind == "mps":
        return bool(torch.backends.mps.is_available())
    return False
