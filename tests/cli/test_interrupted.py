"""Ctrl-C, kill -9 and a full disk in the middle of a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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


def segment_with_small_files(
    photos: Path, model: Path, out: Path, *, save: str, limit: int
) -> tuple[dict[str, Any], str]:
    """What a job prints that may write no file above ``limit`` bytes, as on a disk that fills up."""
    code = (
        "import resource, sys; from sampipe.cli import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "main()"
    )
    words = ["segment", photos, "--model", model, "--out", out, "--box", "5,5,30,30", "--save", save, "--json"]
    command = [sys.executable, "-B", "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    document: dict[str, Any] = json.loads(done.stdout)
    return document, done.stderr


def test_a_disk_too_full_for_the_overlays_fails_each_image(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    document, said = segment_with_small_files(photos, tiny_model, out, save="overlay,coco", limit=2000)
    assert [Path(row["image"]).name for row in document["errors"]] == ["a.png", "b.jpg"]
    assert said.count("File too large") == 2
    assert list(out.iterdir()) == []


def test_a_disk_too_full_for_the_annotations_keeps_what_was_done(
    photos: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    document, said = segment_with_small_files(photos, tiny_model, out, save="png,coco", limit=400)
    assert len(document["images"]) == 2
    assert document["files"] == []
    assert "File too large" in said
    assert sorted(path.name for path in out.iterdir()) == ["a.labels.png", "b.labels.png"]
