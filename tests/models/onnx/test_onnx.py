"""The decoder as an ONNX file: the same answers as PyTorch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from sampipe.cli import app
from sampipe.errors import DataError
from sampipe.models import Sam, SamConfig, load_model
from sampipe.models.config import MaskDecoderConfig, PromptEncoderConfig
from sampipe.models.encoders import EfficientNetLiteConfig
from sampipe.models.model import SamModel
from sampipe.models.onnx import OnnxDecoder, compare
from sampipe.models.onnx.prompted_decoder import PromptedDecoder
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.types import Image, Prompts


def small_model(*, drawn: bool) -> SamModel:
    encoder = EfficientNetLiteConfig(
        widths=(8, 8, 8, 8, 16, 16, 16),
        depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=16,
        attention_layers=1,
        attention_heads=2,
        out_channels=16,
        fine_channels=(4, 2),
        image_size=128,
    )
    decoder = MaskDecoderConfig(num_heads=2, mlp_dim=32, iou_head_dim=16, mixing_blocks=int(drawn), fine_features=drawn)
    config = SamConfig(image_encoder=encoder, prompt_encoder=PromptEncoderConfig(draw=drawn), mask_decoder=decoder)
    torch.manual_seed(0)
    return SamModel(Sam(config), name="small")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SamModel, Path]:
    """A model and its decoder as ``sampipe export onnx`` writes it; the exporter is slow, so once."""
    folder = tmp_path_factory.mktemp("onnx")
    small = small_model(drawn=True)
    save_checkpoint(small.sam.state_dict(), small.config, folder / "small.safetensors", dtype=torch.float32)
    words = ["export", "onnx", "--model", str(folder / "small.safetensors"), "--out", str(folder / "small.onnx")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "a mask and a point" in done.output
    return load_model(folder / "small.safetensors", "cpu"), folder / "small.onnx"


def test_the_file_answers_as_the_model_does_for_every_kind_of_prompt(exported: tuple[SamModel, Path]) -> None:
    rows = compare(*exported)
    assert len(rows) == 7
    for row in rows:
        assert row.logits < 1e-3, row
        assert row.iou < 1e-3, row


def test_the_file_says_which_model_it_is_and_refuses_others(exported: tuple[SamModel, Path]) -> None:
    model, path = exported
    decoder = OnnxDecoder(path)
    assert decoder.about == {"model": "small", "key": model.key, "image_size": 128, "mask_size": 32}
    image = Image(np.zeros((20, 30, 3), np.uint8))
    other = small_model(drawn=False).encode([image])[0]
    with pytest.raises(DataError, match="another model"):
        decoder.decode(other, Prompts.from_points([[3, 3]]))


def test_another_onnx_file_is_refused(tmp_path: Path) -> None:
    import onnx

    same = onnx.helper.make_node("Identity", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([same], "other", ends[:1], ends[1:])
    other = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(other, tmp_path / "other.onnx")
    with pytest.raises(DataError, match="not written by"):
        OnnxDecoder(tmp_path / "other.onnx")
    (tmp_path / "text.onnx").write_text("no ONNX at all")
    with pytest.raises(DataError, match="cannot be loaded"):
        OnnxDecoder(tmp_path / "text.onnx")


@pytest.mark.parametrize("drawn", [False, True])
def test_the_network_that_is_exported_is_the_models_own(drawn: bool) -> None:
    """Without the exporter, which is slow: the plain tensors say the same as optional prompts do."""
    model = small_model(drawn=drawn)
    embedding = model.encode([Image(np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8))])[0]
    box = np.array([[20.0, 10.0, 110.0, 70.0]], np.float32)
    wanted = model.decode(embedding, Prompts(points=[[[60, 40]]], boxes=box), multimask=True).logits
    points = torch.from_numpy(np.concatenate([[[60, 40]], box.reshape(2, 2)])[None].astype(np.float32))
    with torch.inference_mode():
        maps = [one[None] for one in (embedding.features, *embedding.fine)]
        nothing = torch.zeros(1, 1, 32, 32)
        logits, _ = PromptedDecoder(model.sam)(points, torch.tensor([[1.0, 2, 3]]), nothing, torch.zeros(1), maps)
    assert wanted is not None
    torch.testing.assert_close(logits[:, 1:], wanted, atol=1e-4, rtol=1e-4)


def test_nano_too() -> None:
    model = load_model("nano", "cpu")
    embedding = model.encode([Image.open("sample:coffee")])[0]
    wanted = model.decode(embedding, Prompts.from_points([[300, 200]]), multimask=False).logits
    point = torch.from_numpy(embedding.frame.points_to_input([[[300, 200]]]))
    with torch.inference_mode():
        maps = [one[None] for one in (embedding.features, *embedding.fine)]
        size = model.config.mask_size
        points = torch.cat([point, torch.zeros(1, 1, 2)], dim=1)
        nothing = torch.zeros(1, 1, size, size)
        logits, _ = PromptedDecoder(model.sam)(points, torch.tensor([[1.0, -1]]), nothing, torch.zeros(1), maps)
    assert wanted is not None
    torch.testing.assert_close(logits[:, :1], wanted, atol=1e-3, rtol=1e-3)
