"""Distillation: the teacher's embeddings are learnt, its decoder is copied, and what cannot fit is told."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sampipe.errors import CheckpointError, DataError
from sampipe.models import load_model
from sampipe.models.config import MaskDecoderConfig, SamConfig
from sampipe.models.encoders import ViTConfig
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.train.config import LoopConfig, OptimizerConfig, RunOptions
from sampipe.train.data import Example, collate
from sampipe.train.presets import PRESETS
from sampipe.train.sources import ImageFolder
from sampipe.train.tasks.distill import DistillObjective, ImageExamples, distill_task, new_student, student_config
from sampipe.train.trainer import Trainer

CPU = torch.device("cpu")
TEACHER = SamConfig(
    image_encoder=ViTConfig(embed_dim=16, depth=2, num_heads=2, global_blocks=(1,), out_channels=16, image_size=64),
    mask_decoder=MaskDecoderConfig(num_heads=2, mlp_dim=32, iou_head_dim=16),
)


@pytest.fixture
def teacher() -> Sam:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return Sam(TEACHER).eval()


@pytest.mark.parametrize("shape", ["nano", "mobile_sam", "vit_b"])
def test_every_shape_is_made_to_fit_the_teacher(shape: str) -> None:
    official = SamConfig()
    config = student_config(shape, official)
    assert (config.embed_dim, config.grid, config.image_size) == (256, 64, 1024)
    assert type(config.image_encoder) is type(PRESETS[shape].image_encoder)
    assert config.mask_decoder == official.mask_decoder


def test_a_student_of_nano_gives_its_finer_maps_too(tiny_network: Sam) -> None:
    config = student_config("nano", PRESETS["nano"])
    assert config == replace(PRESETS["nano"], image_encoder=config.image_encoder)
    with pytest.raises(CheckpointError, match="finer maps, which only a nano encoder gives"):
        new_student("mobile_sam", tiny_network, seed=0, device=CPU)


def test_embeddings_are_learnt_and_the_decoder_is_copied(
    teacher: Sam, tiny_network: Sam, shapes_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS, "nano", tiny_network.config)
    student, began = new_student("nano", teacher, seed=0, device=CPU)
    before = copy.deepcopy(teacher.state_dict())
    optimizer = OptimizerConfig(
        learning_rate=5e-3, warmup=1, drop_path=0.0, layer_decay=1.0, ema=0.0, schedule="cosine", weight_decay=0.0
    )
    loop = LoopConfig(steps=30, batch_size=4, micro_batch=4, optimizer=optimizer)
    options = RunOptions(workers=0, log_every=1)
    task = distill_task(student, teacher, shapes_folder, start=began)
    path = Trainer(task, loop, tmp_path / "run", options=options, log=lambda _: None).run()
    lines = (tmp_path / "run" / "log.csv").read_text().splitlines()
    header = lines[0].split(",")
    losses = [float(line.split(",")[header.index("loss")]) for line in lines[1:]]
    assert losses[-1] < 0.5 * losses[0]
    made = load_model(str(path), "cpu").sam.state_dict()
    for name, value in before.items():
        if not name.startswith("image_encoder."):
            torch.testing.assert_close(made[name], value, atol=1e-3, rtol=1e-3)  # stored as float16
        assert torch.equal(teacher.state_dict()[name], value)


def test_the_loss_is_the_mean_squared_difference(teacher: Sam, shapes_folder: Path) -> None:
    student = copy.deepcopy(teacher)
    objective = DistillObjective(student, teacher, feature_bytes=1 << 20).train()
    examples = ImageExamples(ImageFolder(shapes_folder), 64, 0)
    batch = collate([examples[0], examples[1]])
    assert objective(batch)["loss"].item() == pytest.approx(0, abs=1e-10)
    with torch.no_grad():
        student.image_encoder.neck[3].bias += 0.5
    assert objective(batch)["loss"].item() == pytest.approx(0.25, abs=1e-5)


def test_photos_are_whole_and_every_other_is_mirrored(shapes_folder: Path) -> None:
    examples = ImageExamples(ImageFolder(shapes_folder), 64, 0)
    found = [example for index in range(12) if isinstance(example := examples[index], Example)]
    assert len(found) == 12 and {example.content for example in found} == {(51, 64)}
    assert 4 < len({example.key for example in found}) <= 8
    assert torch.equal(examples[3].pixels, ImageExamples(ImageFolder(shapes_folder), 64, 0)[3].pixels)


def test_a_student_whose_embeddings_differ_is_told(teacher: Sam, tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_checkpoint(tiny_network.state_dict(), tiny_network.config, path)
    with pytest.raises(CheckpointError, match=r"embedding is 32 x 4 x 4 at 64 pixels and the teacher's 16 x 4 x 4"):
        new_student(str(path), teacher, seed=0, device=CPU)
    with pytest.raises(DataError, match="no such folder"):
        ImageFolder(tmp_path / "nowhere")
