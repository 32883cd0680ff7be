"""``sampipe doctor``: what is installed, what works, what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from sampipe._cores import cores, visible_cores
from sampipe.cli import _options as options
from sampipe.cli import _screen

_PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "pillow",
    "supervision",
    "scikit-image",
    "pycocotools",
    "open_clip_torch",
)
SLOW_BF16 = "slower than exact: no units for it (AMX, AVX512-BF16, a recent GPU)"
_NOT_FOR_USERS = {"all", "dev", "fuzz", "test"}
_OFFLINE_FLAGS = ("SAMPIPE_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def doctor(json: options.JsonDocument = False) -> None:
    """Say what is installed, what works, and what to do about the rest.

    Exit code 1 if `sampipe segment` with the embedded model cannot run.
    """
    facts = {
        "python": {
            "version": platform.python_version(),
            "executable": sys.executable,
            "system": platform.platform(),
        },
        "sampipe": {"version": metadata.version("sampipe"), "folder": str(Path(__file__).parents[1])},
        "packages": {name: _installed(name) for name in _PACKAGES},
        "devices": _devices(),
        "extras": _extras(),
        "cache": _cache(),
        "embedded_model": _embedded_model(),
        "threads": _threads(),
        "precision": _precision(),
    }
    problems = _problems(facts)
    if json:
        _screen.print_json({**facts, "problems": problems})
    else:
        _show(facts)
    for problem in problems:
        _screen.note(f"error: {problem}")
    if problems:
        raise typer.Exit(1)


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[dict[str, Any]]:
    import torch

    devices: list[dict[str, Any]] = [{"name": "cpu", "what": f"{cores()} of {os.cpu_count()} cores for this process"}]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        memory = f"{properties.total_memory / 2**30:.0f} GiB"
        devices.append({"name": f"cuda:{index}", "what": f"{properties.name}, {memory}"})
    if torch.backends.mps.is_available():
        devices.append({"name": "mps", "what": "Apple GPU"})
    return devices


def _threads() -> dict[str, Any]:
    """Threads of torch, and what a program of one's own sets before it imports torch; commands do so themselves."""
    import torch

    settings = {"OMP_WAIT_POLICY": "PASSIVE"}
    if cores() < visible_cores():  # a quota that OpenMP does not see
        settings["OMP_NUM_THREADS"] = str(cores())
    return {"torch": torch.get_num_threads(), "library_settings": settings}


def _precision() -> dict[str, bool]:
    """Whether ``--precision bf16`` is faster than exact, by device."""
    import torch

    from sampipe.models.device import available_devices
    from sampipe.models.precision import is_fast_here

    return {name: is_fast_here("bf16", torch.device(name)) for name in available_devices()}


def _extras() -> dict[str, dict[str, Any]]:
    """Every extra a user may want: the packages it brings, which of them are missing, and its pip line."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires("sampipe") or ()]
    extras: dict[str, dict[str, Any]] = {}
    for extra in metadata.metadata("sampipe").get_all("Provides-Extra") or ():
        if extra in _NOT_FOR_USERS:
            continue
        names = [
            requirement.name
            for requirement in requirements
            if requirement.marker is not None
            and requirement.marker.evaluate({"extra": extra})
            and not requirement.marker.evaluate({"extra": ""})
        ]
        missing = [name for name in names if _installed(name) is None]
        extras[extra] = {"packages": names, "missing": missing, "install": f'pip install "sampipe[{extra}]"'}
    return extras


def _cache() -> dict[str, Any]:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return {
        "hub_folder": str(folder),
        "writeable": os.access(nearest, os.W_OK),
        "offline_flags": [name for name in _OFFLINE_FLAGS if os.environ.get(name, "0") not in ("", "0")],
        "embedding_folder": os.environ.get("SAMPIPE_CACHE_DIR"),
    }


def _embedded_model() -> dict[str, Any]:
    from sampipe.errors import CheckpointError
    from sampipe.models.weights import hub

    facts: dict[str, Any] = {"name": "nano", "path": None, "sha256": None, "megabytes": None, "problem": None}
    try:
        path = hub.download("nano")
        facts["sha256"] = hub.verify("nano")
    except CheckpointError as error:
        return {**facts, "problem": str(error)}
    return {**facts, "path": str(path), "megabytes": round(path.stat().st_size / 1e6, 1)}


def _problems(facts: dict[str, Any]) -> list[str]:
    """What stands between this machine and the main job."""
    problems = [
        f"{name} is not installed: pip install {name}" for name, found in facts["packages"].items() if not found
    ]
    if facts["embedded_model"]["problem"]:
        problems.append(facts["embedded_model"]["problem"])
    return problems


def _show(facts: dict[str, Any]) -> None:
    python, cache, model = facts["python"], facts["cache"], facts["embedded_model"]
    rows = [
        ("sampipe", f"{facts['sampipe']['version']} in {facts['sampipe']['folder']}"),
        ("python", f"{python['version']} at {python['executable']}"),
        ("system", python["system"]),
        *((name, found or "missing") for name, found in facts["packages"].items()),
        *((f"device {device['name']}", device["what"]) for device in facts["devices"]),
        (
            "embedded model",
            model["problem"] or f"{model['name']}, sha256 {model['sha256'][:16]}, {model['megabytes']} MB",
        ),
        (
            "hub cache",
            f"{cache['hub_folder']} ({'writeable' if cache['writeable'] else 'NOT writeable: set HF_HOME'})",
        ),
        ("offline flags", ", ".join(cache["offline_flags"]) or "none"),
        (
            "threads",
            f"{facts['threads']['torch']}; in a program of your own, beside busy others, set before torch is imported: "
            + " ".join(f"{name}={value}" for name, value in facts["threads"]["library_settings"].items()),
        ),
        *((f"bf16 on {name}", "fast" if fast else SLOW_BF16) for name, fast in facts["precision"].items()),
        ("embeddings on disk", cache["embedding_folder"] or "off; SAMPIPE_CACHE_DIR names a folder"),
    ]
    _screen.print_table(rows, columns=("what", "found"))
    extras = [
        (extra, ", ".join(found["packages"]), "installed" if not found["missing"] else found["install"])
        for extra, found in facts["extras"].items()
    ]
    _screen.print_table(extras, columns=("extra", "brings", "state"))
