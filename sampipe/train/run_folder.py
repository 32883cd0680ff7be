"""The folder of a run: what it takes to repeat and to resume it, and its results.

``run.json`` (configuration, data with digests, start, and for each session its command, versions and machine),
``log.csv``, ``validation.csv``, ``state.pt`` (to resume), ``model.safetensors`` (for ``load_model``) and, where the
run is validated, ``best.safetensors``.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from sampipe._files import atomic_file, write_atomic
from sampipe.errors import CheckpointError, DataError
from sampipe.train.config import differences

_MAY_DIFFER = ("steps", "minutes")  # a run may be made longer
_PACKAGES = ("sampipe", "torch", "numpy", "pillow", "pycocotools")
_SPARE = 1.1


class RunFolder:
    """The files of a run.

    Args:
        path: the folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state_file = path / "state.pt"
        self.model_file = path / "model.safetensors"
        self.run_file = path / "run.json"

    def check(self, configuration: Mapping[str, Any], *, needs: int) -> None:
        """Is this the place for such a run?

        Args:
            configuration: what decides the run's result, as JSON.
            needs: bytes of one set of checkpoints.

        Raises:
            CheckpointError: a run of another configuration lies here.
            DataError: it cannot be written to, or there is no room for the checkpoints.
        """
        if self.state_file.exists() and self.run_file.exists():
            before = json.loads(self.run_file.read_text(encoding="utf-8"))["configuration"]
            changed = differences(_fixed(before), _fixed(configuration))
            if changed:
                raise CheckpointError(
                    f"{self.path} holds a run of another configuration: {'; '.join(changed[:5])}. Choose another "
                    "folder with --out, or give the options it began with to resume it."
                )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.path}: the run's folder cannot be made: {error.strerror}.") from error
        free = shutil.disk_usage(self.path).free
        if free < needs * _SPARE:
            raise DataError(
                f"{self.path}: {free / 1e6:,.0f} MB are free, and the checkpoints of this run need about "
                f"{needs * _SPARE / 1e6:,.0f} MB. Make room, or choose a folder on another disk with --out."
            )

    def describe(self, configuration: Mapping[str, Any], inputs: Mapping[str, Any], session: Mapping[str, Any]) -> None:
        """Write ``run.json``; sessions before this one are kept."""
        sessions = []
        if self.run_file.exists():
            sessions = json.loads(self.run_file.read_text(encoding="utf-8"))["sessions"]
        document = {"configuration": configuration, **inputs, "sessions": [*sessions, session]}
        write_atomic(self.run_file, json.dumps(document, indent=1, allow_nan=False).encode())

    def load_state(self, device: torch.device) -> dict[str, Any] | None:
        """What :meth:`save` wrote last, if anything.

        Raises:
            CheckpointError: the file cannot be read.
        """
        if not self.state_file.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.state_file, weights_only=True, map_location=device)
        except Exception as error:  # whatever a damaged file makes the reader raise
            raise CheckpointError(f"{self.state_file}: damaged ({error}). Delete it to start the run again.") from error
        return state

    def save(self, state: Mapping[str, Any], write_model: Callable[[Path], None]) -> Path:
        """Write ``state.pt`` and ``model.safetensors``, each whole or not at all; returns the latter.

        Args:
            state: all that the run needs to resume.
            write_model: writes the model to the file that it is given.

        Raises:
            DataError: a file could not be written; those before it are as they were.
        """
        try:
            with atomic_file(self.state_file) as partial:
                torch.save(dict(state), partial)
            write_model(self.model_file)
        except (OSError, RuntimeError) as error:  # torch tells of a full disk by a RuntimeError
            free = shutil.disk_usage(self.path).free
            raise DataError(
                f"{self.path}: step {state['step']} could not be saved ({free / 1e6:,.0f} MB free: {error}). The files "
                "of the last save are whole: make room, and the same command resumes from there."
            ) from error
        return self.model_file

    def keep_best(self) -> None:
        """Copy ``model.safetensors`` to ``best.safetensors``."""
        with atomic_file(self.path / "best.safetensors") as partial:
            shutil.copyfile(self.model_file, partial)


def session(*, device: torch.device, processes: int, step: int) -> dict[str, Any]:
    """One start of a run: when, by which command, with which versions, where, and from which step."""
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "folder": os.getcwd(),  # noqa: PTH109 - a string
        "source": source(),
        "versions": {name: metadata.version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "machine": {"device": _device_name(device), "processes": processes, "system": platform.platform()},
        "from_step": step,
    }


def source() -> str:
    """Which sampipe runs: the commit of a checkout, or a wheel with a digest of what it installed."""
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists() and shutil.which("git"):
        commit = _git(root, "rev-parse", "HEAD")
        if commit:
            changed = " with changes" if _git(root, "status", "--porcelain", "--", "sampipe") else ""
            return f"git {commit}{changed}"
    record = metadata.distribution("sampipe").read_text("RECORD") or ""
    return f"wheel {metadata.version('sampipe')}, RECORD {hashlib.blake2b(record.encode(), digest_size=16).hexdigest()}"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type}, {platform.machine()}"


def _fixed(configuration: Mapping[str, Any]) -> dict[str, Any]:
    loop = {key: value for key, value in configuration["loop"].items() if key not in _MAY_DIFFER}
    return {**configuration, "loop": loop}
