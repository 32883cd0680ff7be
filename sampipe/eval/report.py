"""What an evaluation hands back, and the file it becomes."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The numbers of one task; the table on screen and the JSON file are both made from it.

    Attributes:
        task: the name in ``sampipe eval TASK``.
        model: the model that was asked for.
        data: the folder that was read.
        n: how many objects were measured.
        summary: plain-word keys (``mean_iou``, ``seconds_per_image``).
        rows: one mapping an object.
        versions: packages, device and the digest of the weights.
    """

    task: str
    model: str
    data: str
    n: int
    summary: dict[str, Any]
    rows: list[dict[str, Any]]
    versions: dict[str, str]

    def to_json(self) -> str:
        """One JSON document; a number that is not finite is an error, never ``NaN``."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    def write(self, path: str | Path) -> None:
        """Write the JSON file whole or not at all."""
        write_atomic(Path(path), f"{self.to_json()}\n".encode())


def versions(*, model_digest: str, device: str, **digests: str) -> dict[str, str]:
    """What the numbers depend on: packages, device, and digests of weights, data and whatever else is named."""
    packages = {name: version(name) for name in ("sampipe", "torch", "numpy", "pycocotools")}
    python = platform.python_version()
    return {**packages, "python": python, "device": device, "model_digest": model_digest, **digests}


def mean_over(summaries: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean over data sets of every number that all of them have; each data set counts alike."""
    first, *others = summaries
    shared = [
        key
        for key, value in first.items()
        if isinstance(value, float) and all(isinstance(other.get(key), float) for other in others)
    ]
    return {key: sum(summary[key] for summary in summaries) / len(summaries) for key in shared}
