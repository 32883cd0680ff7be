"""``--names segment-anything``: the inputs, outputs and answers of the reference's own ONNX model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from random_sam import SMALL_VIT, random_sam
from typer.testing import CliRunner

from sampipe.cli import app
from sampipe.models.weights.checkpoints import save_checkpoint

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("segment_anything", reason='needs the reference: pip install "sampipe[test]"')
RANDOM = np.random.default_rng(0)


def case(hw: tuple[int, int], points: list[list[float]], labels: list[int], mask: bool) -> dict[str, np.ndarray]:
    return {
        "image_embeddings": RANDOM.normal(size=(1, 64, 20, 20)).astype(np.float32),
        "point_coords": np.array([points], np.float32),
        "point_labels": np.array([labels], np.float32),
        "mask_input": RANDOM.normal(size=(1, 1, 80, 80)).astype(np.float32),
        "has_mask_input": np.array([mask], np.float32),
        "orig_im_size": np.array(hw, np.float32),
    }


CASES = {
    "click": case((240, 320), [[100, 80], [0, 0]], [1, -1], False),
    "box": case((451, 300), [[20, 30], [200, 250]], [2, 3], False),
    "clicks and mask": case((97, 131), [[50, 60], [90, 90], [10, 10], [0, 0]], [1, 1, 0, -1], True),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("official")
    sam = random_sam(SMALL_VIT)
    torch.save(sam.state_dict(), folder / "weights.pth")
    save_checkpoint(sam.state_dict(), SMALL_VIT, folder / "small.safetensors", dtype=torch.float32)
    vit, decoder = SMALL_VIT.image_encoder, SMALL_VIT.mask_decoder
    about = {name: getattr(vit, name) for name in ("embed_dim", "depth", "num_heads", "global_blocks", "image_size")}
    about |= {"dim": vit.out_channels, "mlp_dim": decoder.mlp_dim, "iou_head_dim": decoder.iou_head_dim}
    (folder / "config.json").write_text(json.dumps(about))
    np.savez(folder / "inputs.npz", **{f"{name}.{key}": v for name, one in CASES.items() for key, v in one.items()})
    script = Path(__file__).with_name("official_reference.py")
    done = subprocess.run([sys.executable, "-W", "ignore", str(script), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("single", [False, True])
def test_the_file_answers_as_the_reference_s(folder: Path, single: bool) -> None:
    words = ["export", "onnx", "--model", str(folder / "small.safetensors"), "--names", "segment-anything"]
    file = folder / f"{single}.onnx"
    done = CliRunner().invoke(app, [*words, "--out", str(file), *(["--single-mask"] if single else [])])
    assert done.exit_code == 0, done.output
    session = onnxruntime.InferenceSession(str(file))
    assert [one.name for one in session.get_inputs()] == list(CASES["click"])
    assert [one.name for one in session.get_outputs()] == ["masks", "iou_predictions", "low_res_masks"]
    with np.load(folder / "outputs.npz") as wanted:
        for name, given in CASES.items():
            for i, found in enumerate(session.run(None, given)):
                theirs = wanted[f"{name}.{single}.{i}"]
                assert found.shape == theirs.shape
                np.testing.assert_allclose(found, theirs, atol=1e-3 * np.abs(theirs).max())


def test_a_model_with_finer_maps_says_that_the_names_have_no_place_for_them(tmp_path: Path) -> None:
    words = ["export", "onnx", "--model", "nano", "--names", "segment-anything", "--out", str(tmp_path / "a.onnx")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and "no place for them" in " ".join(done.output.split())
    assert not (tmp_path / "a.onnx").exists()
    done = CliRunner().invoke(app, ["export", "onnx", "--single-mask"])
    assert done.exit_code == 2 and "--single-mask is for" in " ".join(done.output.split())
