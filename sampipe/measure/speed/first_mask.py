"""From a command to an overlay file: a fresh process that imports, loads, encodes, decodes and draws."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

import sampipe as sp
from sampipe.errors import DataError
from sampipe.measure.speed.cases import Case
from sampipe.measure.speed.inputs import noisy_image
from sampipe.measure.speed.measure import Row
from sampipe.measure.speed.worker import contestant_type

CASE = Case("first-mask", "first_mask", "command to overlay file", "first_mask")
_BOX = (200, 100, 400, 300)
OFFLINE = {"HF_HUB_OFFLINE": "1", "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}


def measure_first_mask(
    names: Sequence[str],
    *,
    model: str,
    checkpoint: Path,
    rounds: int,
    environment: Mapping[str, str],
    log: Callable[[str], None],
) -> list[Row]:
    """A row for each contestant of ``names`` that has such a command, in alternation; every run is a cold process."""
    rows: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.png"
        sp.Image(noisy_image((400, 600), np.random.default_rng(0))).to_pil().save(image)
        commands = {}
        for name in names:
            make = getattr(contestant_type(name), CASE.task, None)
            if make is not None:
                rows[name] = Row(CASE, name)
                try:
                    commands[name] = make(checkpoint, model, image, _BOX, Path(folder) / name)
                except (DataError, ImportError) as error:
                    rows[name].problem = str(error)
        for turn in range(rounds):
            for name, command in commands.items():
                if rows[name].problem is None:
                    log(f"{CASE.title}: {name}, run {turn + 1} of {rounds}")
                    _run(rows[name], command, Path(folder) / name, environment)
    return list(rows.values())


def _run(row: Row, command: Sequence[str], out: Path, environment: Mapping[str, str]) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    start = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **OFFLINE, **environment}, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode or not any(out.iterdir()):
        row.problem = f"no overlay: {(done.stderr or done.stdout)[-200:].strip()}"
    else:
        row.runs.append(seconds)
