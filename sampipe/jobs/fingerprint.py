"""What a job's rows depend on: it goes on only with the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic
from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.jobs.manifest import Entry

FINGERPRINT = "job.json"
_FORMAT = 1


def fingerprint(graph: Graph, entries: Sequence[Entry], save: Sequence[str]) -> dict[str, Any]:
    """Graph with parameters, the digest of every node's weights (loads them), the manifest, and the exports."""
    weights = {name: node.weights_digest() for name, node in graph.nodes.items()}
    listed = hashlib.blake2b(digest_size=16)
    for entry in entries:
        listed.update(f"{entry.path}\0{entry.digest}\0{entry.name}\n".encode())
    return {
        "format": _FORMAT,
        "graph": graph.to_yaml(),
        "weights": {name: digest for name, digest in weights.items() if digest is not None},
        "manifest": listed.hexdigest(),
        "save": list(save),
    }


def write_fingerprint(folder: Path, found: Mapping[str, Any]) -> None:
    """Note it in the job's folder, with the version that began the job."""
    document = {**found, "sampipe": version("sampipe")}
    write_atomic(folder / FINGERPRINT, json.dumps(document, indent=1, allow_nan=False).encode())


def check_fingerprint(folder: Path, found: Mapping[str, Any]) -> None:
    """Compare with what the job began with.

    Raises:
        DataError: something differs; the message says what, and how to go on.
    """
    file = folder / FINGERPRINT
    try:
        began = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}), so the job in {folder} cannot go on.") from error
    different = [what for what, value in found.items() if began.get(what) != value]
    if different:
        raise DataError(
            f"The job in {folder} began with another {' and another '.join(different)}"
            f"{_detail(began, found, different)}. Rows of two kinds do not belong into one folder: "
            "go on with what it began with, or choose another --out."
        )


def _detail(began: Mapping[str, Any], found: Mapping[str, Any], different: Sequence[str]) -> str:
    """Which lines of the graph differ, or which node's weights: enough to see the slip."""
    if "graph" in different:
        before, now = (str(one.get("graph", "")).splitlines() for one in (began, found))
        changed = [line.strip() for line in now if line not in before] or ["a line less"]
        return f" (now: {changed[0]})"
    if "weights" in different:
        names = [name for name, digest in found["weights"].items() if began.get("weights", {}).get(name) != digest]
        return f" (of {', '.join(names)})" if names else ""
    return ""
