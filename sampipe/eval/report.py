"""What an evaluation hands back, and the file it becomes."""

from __future__ import annotations

import json
import platform
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


def versions(*, model_digest: str, device: str) -> dict[str, str]:
    """What the numbers depend on besides the data."""
    packages = {name: version(name) for name in ("sampipe", "torch", "numpy", "pycocotools")}
    return {**packages, "python": platform.python_version(), "device": device, "model_digest": model_digest}
