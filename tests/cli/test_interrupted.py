"""Ctrl-C and kill -9 in the middle of a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")


@pytest.fixture
def many_photos(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, size=(300, 400, 3), dtype=np.uint8)
    PilImage.fromarray(pixels).save(folder / "0000.png")
    for index in range(1, 400):
        (folder / f"{index:04}.png").symlink_to(folder / "0000.png")
    return folder


def start_and_signal(photos: Path, model: Path, out: Path, number: signal.Signals) -> subprocess.Popen[str]:
    """Let a job write its third overlay, then signal it."""
    command = [sys.executable, "-m", "sampipe.cli", "segment", f"{photos}/*.png", "--model", str(model)]
    job = subprocess.Popen(
        [*command, "--box", "50,50,300,200", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while job.poll() is None and len(list(out.glob("*.overlay.png"))) < 3:
        time.sleep(0.01)
    job.send_signal(number)
    return job


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_file_under_a_final_name_is_partial(
    many_photos: Path, tiny_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    job = start_and_signal(many_photos, tiny_model, out, number)
    printed, said = job.communicate(timeout=30)
    overlays = list(out.glob("*.overlay.png"))
    assert 3 <= len(overlays) < 400
    for overlay in overlays:
        with PilImage.open(overlay) as picture:
            picture.load()
    if number == signal.SIGINT:
        assert (job.returncode, printed, said) == (130, "", "interrupted\n")
        assert list(out.glob(".*")) == []
        done = json.loads((out / "annotations.json").read_text())["images"]
        assert len(done) == len(overlays)
    else:
        assert not (out / "annotations.json").exists()
