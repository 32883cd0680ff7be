"""``nodes``, ``models`` and ``doctor``: what there is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Sampipe = Callable[..., Result]
Printed = Callable[[Result], Any]


def test_nodes_lists_every_node_with_its_ports(sampipe: Sampipe, printed: Printed) -> None:
    rows = {row["type"]: row for row in printed(sampipe("nodes", "--json"))}
    segment = rows["sampipe.Segment@1"]
    assert [port["name"] for port in segment["inputs"]] == ["image", "prompts"]
    assert segment["outputs"] == [{"name": "masks", "type": "Masks"}]
    parameters = {one["name"]: one for one in segment["parameters"]}
    assert (parameters["model"]["required"], parameters["model"]["default"]) == (False, "nano")
    assert parameters["multimask"]["choices"] == ["auto", "always", "never"]
    everything = {one["name"]: one for one in rows["sampipe.SegmentEverything@1"]["parameters"]}
    assert everything["crop_nms"]["limits"] == {"ge": 0, "le": 1}
    assert "skimage.FaceDetector@1" in rows
    assert all(row["summary"] for type_id, row in rows.items() if type_id.startswith("sampipe."))
    table = sampipe("nodes").stdout
    assert all(type_id.partition("@")[0] in table.replace("\n", "") for type_id in ("sampipe.Boxes@1",))


def test_nodes_shows_a_broken_node_among_the_others() -> None:
    code = (
        "import sampipe as sp; from sampipe.cli import app\n"
        "@sp.register('mine')\n"
        "class Broken(sp.Node):\n"
        "    weight: object = float('nan')\n"
        "    def run(self, image): ...\n"
        "app(['nodes', '--json'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    rows = {row["type"]: row for row in json.loads(done.stdout)}
    assert "does not say the type of 'image'" in rows["mine.Broken@1"]["problem"]
    assert rows["mine.Broken@1"]["parameters"][0]["default"] == "nan"
    assert rows["sampipe.Segment@1"]["problem"] is None


@pytest.mark.parametrize("name", ["Segment", "sampipe.Segment", "sampipe.Segment@1"])
def test_nodes_tells_all_about_one(sampipe: Sampipe, name: str) -> None:
    text = sampipe("nodes", name).stdout
    assert text.startswith("sampipe.Segment@1\n")
    assert "model = 'nano': a model's name such as 'nano' or 'vit_b', or a checkpoint file" in text
    assert "multimask = 'auto': one of 'auto', 'always', 'never'\n      " in text and "see " not in text.lower()
    assert "takes       image, prompts" in text


def test_nodes_suggests_a_close_name(sampipe: Sampipe) -> None:
    result = sampipe("nodes", "Segmnt", ok=False)
    assert result.exit_code == 1
    assert "Did you mean 'Segment' or 'SegmentText'?" in result.stderr


def test_models_lists_what_is_known(sampipe: Sampipe, printed: Printed) -> None:
    rows = {row["name"]: row for row in printed(sampipe("models", "--json"))}
    assert rows["vit_b"]["digest"] == "published prefix"
    assert len(rows["vit_b"]["sha256"]) == 64
    assert rows["nano"]["source"] == "inside the package"
    assert "mobile_sam" in sampipe("models").stdout


def test_models_verify_and_download_end_in_one_line(
    sampipe: Sampipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for command, name, message in (
        ("verify", "vit_b", "not installed"),
        ("verify", "vit_x", "Did you mean 'vit_"),
        ("download", "vit_b", "offline"),
    ):
        result = sampipe("models", command, name, ok=False)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ")
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_models_verify_finds_a_damaged_file(sampipe: Sampipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "mobile_sam.pt").write_bytes(b"damaged")
    result = sampipe("models", "verify", "mobile_sam", ok=False)
    assert result.exit_code == 1
    assert "SHA-256" in result.stderr


def test_doctor_says_what_is_there(
    sampipe: Sampipe, printed: Printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("SAMPIPE_CACHE_DIR", str(tmp_path))
    facts = printed(sampipe("doctor", "--json"))
    assert facts["problems"] == []
    assert facts["packages"]["torch"]
    assert facts["devices"][0]["name"] == "cpu"
    assert facts["extras"]["onnx"]["packages"] == ["onnx", "onnxruntime", "onnxscript"]
    assert facts["extras"]["ray"]["install"] == 'pip install "sampipe[ray]"'
    assert "test" not in facts["extras"]
    assert facts["cache"]["offline_flags"] == ["HF_HUB_OFFLINE"]
    assert facts["cache"]["embedding_folder"] == str(tmp_path)
    assert len(facts["embedded_model"]["sha256"]) == 64
    text = sampipe("doctor").stdout
    assert facts["embedded_model"]["sha256"][:16] in text
    assert "HF_HUB_OFFLINE" in text


def test_doctor_fails_where_the_main_job_cannot_run(
    sampipe: Sampipe, printed: Printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from sampipe.models.weights import hub

    monkeypatch.setattr(hub, "_EMBEDDED", tmp_path)
    result = sampipe("doctor", "--json", ok=False)
    assert result.exit_code == 1
    [problem] = printed(result)["problems"]
    assert "nano.safetensors" in problem
    assert result.stderr == f"error: {problem}\n"
