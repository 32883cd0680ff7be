"""What a job's rows depend on: it resumes only with the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic
from sampipe.data.job_folder import JOB, places
from sampipe.data.names import common_root
from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.jobs.manifest import Entry

FINGERPRINT = JOB
_FORMAT = 2
_OTHER = {"weights": "other weights", "inputs": "other inputs", "files": "other contents of a file that a node reads"}


def fingerprint(
    graph: Graph, entries: Sequence[Entry], save: Sequence[str], inputs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Graph, parameters and what nodes read, the digest of every node's weights (loads them), manifest, exports,
    and what goes into the graph beside the image."""
    weights = {name: node.weights_digest() for name, node in graph.nodes.items()}
    listed = hashlib.blake2b(digest_size=16)
    for entry in entries:
        listed.update(f"{entry.path}\0{entry.digest}\0{entry.name}\n".encode())
    return {
        "format": _FORMAT,
        "graph": graph.to_yaml(),
        "files": {name: node.digest() for name, node in graph.nodes.items()},
        "weights": {name: digest for name, digest in weights.items() if digest is not None},
        "manifest": listed.hexdigest(),
        "save": list(save),
        "inputs": {name: _input_digest(value) for name, value in (inputs or {}).items()},
    }


def _input_digest(value: Any) -> str:
    """Of a value's fields: arrays by their bytes."""
    found = hashlib.blake2b(type(value).__name__.encode(), digest_size=16)
    for field in fields(value):
        part = getattr(value, field.name)
        found.update(f"{field.name}:{getattr(part, 'shape', part)};".encode())
        found.update(part.tobytes() if hasattr(part, "tobytes") else b"")
    return found.hexdigest()


def write_fingerprint(folder: Path, found: Mapping[str, Any], entries: Sequence[Entry]) -> None:
    """Note it in the job's folder, with the version that began the job and where its images are."""
    where = places(folder, common_root(entry.path for entry in entries))
    document = {**found, "sampipe": version("sampipe"), **where}
    write_atomic(folder / FINGERPRINT, json.dumps(document, indent=1, allow_nan=False).encode())


def check_fingerprint(folder: Path, found: Mapping[str, Any]) -> None:
    """Compare with what the job began with.

    Raises:
        DataError: something differs; the message says what, and how to resume.
    """
    file = folder / FINGERPRINT
    try:
        began = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}), so the job in {folder} cannot resume.") from error
    different = [what for what, value in found.items() if began.get(what) != value]
    if "graph" in different and "files" in different:
        different.remove("files")  # a node's digest has its parameters, too
    if different:
        raise DataError(
            f"The job in {folder} began with {' and '.join(_OTHER.get(what, f'another {what}') for what in different)}"
            f"{_detail(began, found, different)}. Rows of two kinds do not belong in one folder: "
            "resume with what it began with, or choose another --out."
        )


def _detail(began: Mapping[str, Any], found: Mapping[str, Any], different: Sequence[str]) -> str:
    """Which lines of the graph differ, or which node's weights: enough to see the slip."""
    if "graph" in different:
        before, now = (str(one.get("graph", "")).splitlines() for one in (began, found))
        changed = [line.strip() for line in now if line not in before] or ["a line less"]
        return f" (now: {changed[0]})"
    for what in ("weights", "files"):
        if what in different:
            names = [name for name, digest in found[what].items() if began.get(what, {}).get(name) != digest]
            return f" (of {', '.join(names)})" if names else ""
    return ""
