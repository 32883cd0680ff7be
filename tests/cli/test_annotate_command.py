"""``sampipe annotate`` as typed, without a browser."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Sampipe = Callable[..., Result]


def told(result: Result) -> str:
    assert result.exit_code == 1 and result.stderr.count("\n") == 1, result.output
    return result.stderr


def test_a_folder_without_images_gets_one_clear_line(sampipe: Sampipe, tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    assert "holds no images; looked for files that end in" in told(sampipe("annotate", tmp_path, ok=False))
    assert "is not a folder" in told(sampipe("annotate", tmp_path / "nowhere", ok=False))
    assert list(tmp_path.iterdir()) == []


def test_without_gradio_the_extra_is_named(sampipe: Sampipe, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert 'pip install "sampipe[demo]"' in told(sampipe("annotate", photos, ok=False))


def test_a_detector_that_is_not_there_is_told_before_a_page_opens(sampipe: Sampipe, photos: Path) -> None:
    pytest.importorskip("gradio")
    words = "--detector", "fcae", "--no-browser"
    assert "fcae cannot run here: No detector 'fcae' is installed" in told_last(
        sampipe("annotate", photos, *words, ok=False)
    )
    words = "--learn", "--no-browser"
    assert "nothing to learn from yet" in told_last(sampipe("annotate", photos, *words, ok=False))


def told_last(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


def test_the_rest_is_pre_filled_without_a_page_and_a_person_decides(
    sampipe: Sampipe, photos: Path, tiny_model: Path
) -> None:
    pytest.importorskip("gradio")
    (photos / "broken.jpg").write_bytes(b"junk")
    result = sampipe("annotate", photos, "--automatic", "--model", tiny_model, "--device", "cpu", "--labels", "cat,dog")
    assert result.stdout.startswith("3 images: 0 masks on 0 images, 0 waiting for a person\n")
    assert "on 2 images. Left out: " in result.stdout and "broken.jpg is not an image" in result.stdout
    document = json.loads((photos / "annotations" / "a.png.json").read_text())
    assert document["annotations"] == [] and len(document["proposals"]) > 0
    coco = json.loads((photos / "instances.json").read_text())
    assert coco["annotations"] == [] and [row["name"] for row in coco["categories"]] == ["cat", "dog"]
    again = sampipe("annotate", photos, "--automatic", "--model", tiny_model, "--device", "cpu")
    assert "0 proposals on 0 images" in again.stdout


def test_the_page_is_served_here_only_until_ctrl_c(photos: Path) -> None:
    pytest.importorskip("gradio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sampipe.cli", "annotate", photos, "--no-browser", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as served:
        assert served.stdout is not None
        lines = [served.stdout.readline(), served.stdout.readline()]
        assert lines == [
            "2 images: 0 masks on 0 images, 0 waiting for a person\n",
            f"http://127.0.0.1:{port}/ (Ctrl-C ends it)\n",
        ]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120) as page:
            assert b"sampipe.AnnotatePage" in page.read()
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=120)
    assert served.returncode in (0, 130)
    assert json.loads((photos / "instances.json").read_text())["images"] == []


def test_what_was_annotated_trains_a_model_that_segments(
    sampipe: Sampipe, photos: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from sampipe.pages.label.instances import Instances
    from sampipe.pages.label.merge import Put
    from sampipe.pages.label.project import Project
    from sampipe.pages.label.record import MaskRecord
    from sampipe.types import RLE

    mask = np.zeros((48, 64), bool)
    mask[8:40, 12:50] = True
    project = Project(photos)
    for file in project.images:
        project.change(file, (48, 64), Put(MaskRecord(rle=RLE.from_mask(mask), label="thing")))
    Instances(project).write()
    monkeypatch.chdir(tmp_path)
    line = f"train sam --from {tiny_model} --data {photos} --steps 2 --rounds 1 --batch-size 2 --workers 0 --device cpu"
    assert "wrote run/model.safetensors" in sampipe(*shlex.split(line)).stdout
    sampipe("segment", photos / "a.png", "--box", "5,5,40,40", "--model", "run/model.safetensors", "--out", "out")
    assert (tmp_path / "out" / "a.overlay.png").is_file()
