"""Numbers of an evaluation as words for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation


def interval(low_and_high: Sequence[float], *, signed: bool = False) -> str:
    """``0.6123 to 0.6543``."""
    form = "+.4f" if signed else ".4f"
    return " to ".join(format(value, form) for value in low_and_high)


def versions_line(evaluation: Evaluation) -> str:
    """What the numbers were made with."""
    versions = evaluation.versions
    return f"weights {versions['model_digest'][:16]}, torch {versions['torch']}, {versions['device']}"


def write_json(evaluation: Evaluation, path: Path | None) -> None:
    """Write the JSON file where one is wanted, and say so."""
    if path is not None:
        evaluation.write(path)
        print(f"wrote {path}")
