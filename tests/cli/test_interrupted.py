"""Ctrl-C, kill -9 and a full disk in the middle of a folder."""

from __future__ import annotations

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
        assert (job.returncode, printed) == (130, "")
        assert " of 400 images are done; --resume --out " in said and said.endswith("interrupted\n")
        assert not (out / "annotations.json").exists()
    else:
        assert not (out / "annotations.json").exists()


@pytest.mark.parametrize("limit", [400, 4000])
def test_a_disk_that_is_full_is_said_and_leaves_no_part_of_a_file(
    photos: Path, tiny_model: Path, tmp_path: Path, limit: int
) -> None:
    """A job that may write no file above ``limit`` bytes, as on a disk that fills up."""
    out = tmp_path / "out"
    code = (
        "import resource, sys; from sampipe.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "main()"
    )
    words = ["segment", photos, "--model", tiny_model, "--out", out, "--box", "5,5,30,30", "--json"]
    done = subprocess.run([sys.executable, "-B", "-c", code, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert not any(path.stat().st_size >= limit for path in out.rglob("*") if path.is_file())
    assert not (out / "annotations.json").exists()
