"""The loop: a run folder that says all, can be loaded, and goes on as if it had never stopped."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sampipe.errors import CheckpointError, DataError, MissingDependencyError
from sampipe.models import load_model
from sampipe.models.config import MaskDecoderConfig, SamConfig
from sampipe.models.encoders import ViTConfig
from sampipe.models.sam import Sam
from sampipe.train.config import LoopConfig, OptimizerConfig, RunOptions
from sampipe.train.examples import CropConfig
from sampipe.train.interaction import InteractionConfig
from sampipe.train.presets import preset
from sampipe.train.recipes import SamSettings, augmented, recipe
from sampipe.train.tasks.sam import sam_task
from sampipe.train.trainer import Trainer

SETTINGS = SamSettings(
    crop=CropConfig(size=64, native_size=64, min_area=16, masks=2, flip=True, jitter=True, compose=0.5),
    interaction=InteractionConfig(rounds=2),
)
LOOP = LoopConfig(
    steps=4,
    batch_size=2,
    micro_batch=1,
    optimizer=OptimizerConfig(learning_rate=1e-3, warmup=2, drop_path=0.2, ema=0.9, clip=1.0),
)
OFTEN = RunOptions(device="cpu", workers=0, log_every=1)


@pytest.fixture
def train(tiny_network: Sam, shapes_folder: Path, tmp_path: Path) -> Any:
    """``train(out, loop=..., options=...)``: a trainer of the same network on the same data."""
    weights = {name: value.clone() for name, value in tiny_network.state_dict().items()}

    def make(out: str = "run", loop: LoopConfig = LOOP, options: RunOptions = OFTEN, **more: Any) -> Trainer:
        network = Sam(tiny_network.config)
        network.load_state_dict(weights)
        settings, start = more.pop("settings", SETTINGS), more.pop("start", None)
        task = sam_task(network, [(shapes_folder, 1.0)], settings, seed=loop.seed, start=start)
        log = more.pop("log", lambda _: None)
        return Trainer(task, loop, tmp_path / out, options=options, log=log, **more)

    return make


def rows(folder: Path, name: str = "log") -> list[dict[str, str]]:
    return list(csv.DictReader((folder / f"{name}.csv").read_text().splitlines()))


def losses(folder: Path) -> list[tuple[str, str, str]]:
    return [(row["step"], row["loss"], row["grad_norm"]) for row in rows(folder)]


def test_a_run_leaves_a_model_a_log_and_what_it_takes_to_repeat_it(train: Any, tmp_path: Path) -> None:
    path = train(start={"model": "nano", "sha256": "12"}).run()
    folder = tmp_path / "run"
    assert path == folder / "model.safetensors" and load_model(str(path), "cpu").config.image_size == 64
    assert [row["step"] for row in rows(folder)] == list("1234") and float(rows(folder)[0]["loss"]) > 0
    run = json.loads((folder / "run.json").read_text())
    assert run["configuration"]["loop"]["optimizer"]["learning_rate"] == 1e-3
    assert run["configuration"]["task"]["interaction"]["rounds"] == 2 and run["configuration"]["model"]["stride"] == 16
    assert run["data"][0]["layout"] == "coco" and len(run["data"][0]["digest"]) == 32
    assert run["start"] == {"model": "nano", "sha256": "12"}
    [session] = run["sessions"]
    assert session["versions"]["torch"] == torch.__version__.partition("+")[0] and session["command"]
    assert session["source"].startswith(("git ", "wheel ")) and session["machine"]["device"].startswith("cpu")
    assert not list(folder.glob("*.part"))


def test_sa1b_folders_train_as_well(tiny_network: Sam, sa1b_folder: Path, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=2)
    task = sam_task(tiny_network, [(sa1b_folder, 1.0)], SETTINGS, seed=loop.seed)
    Trainer(task, loop, tmp_path / "run", options=OFTEN).run()
    assert [float(row["loss"]) > 0 for row in rows(tmp_path / "run")] == [True, True]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"][0]["layout"] == "sa1b"


def test_a_resumed_run_has_the_losses_of_one_that_was_not_interrupted(train: Any, tmp_path: Path) -> None:
    train("whole").run()
    stopping, watch = train("parts", options=replace(OFTEN, workers=1)), Trainer._watch

    def watch_and_stop(figures: Any, progress: float) -> None:
        watch(stopping, figures, progress)
        if stopping.step == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    stopping._watch = watch_and_stop
    said: list[str] = []
    stopping._print = said.append
    stopping.run()
    assert stopping.step == 2 and any("stopping after this step" in line for line in said)
    resumed = train("parts", log=said.append)
    assert resumed.step == 2 and "resumes at step 2" in said[-1]
    resumed.run()
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    one, other = (torch.load(tmp_path / run / "state.pt")["network"] for run in ("whole", "parts"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert len(json.loads((tmp_path / "parts" / "run.json").read_text())["sessions"]) == 2


def test_lines_after_the_last_save_are_dropped_when_a_run_goes_on(train: Any, tmp_path: Path) -> None:
    train(loop=replace(LOOP, steps=2)).run()
    with (tmp_path / "run" / "log.csv").open("a") as file:
        file.write("3,9,9,9,9,9,9\n")
    train(loop=replace(LOOP, steps=3)).run()
    assert [row["step"] for row in rows(tmp_path / "run")] == ["1", "2", "3"]
    assert float(rows(tmp_path / "run")[2]["loss"]) != 9


def test_parts_of_a_batch_make_the_step_of_the_batch(train: Any) -> None:
    crop = replace(SETTINGS.crop, jitter=False, compose=0.0)
    still = replace(SETTINGS, crop=crop, interaction=InteractionConfig(rounds=1))
    trainer = train(settings=still, loop=replace(LOOP, optimizer=OptimizerConfig(drop_path=0.0, ema=0.0, warmup=0)))
    parts = [iter(trainer._batches()) for _ in range(2)]
    model = trainer._wrapped()
    trainer._step(model, parts[0], 0.0)
    found = {name: p.grad.clone() for name, p in trainer.task.network.named_parameters() if p.grad is not None}
    twin = train("twin", settings=still, loop=trainer.config)
    twin._wrapped()
    for part in range(2):
        (twin._forward(twin.task.objective, next(parts[1]), part)["loss"] / 2).backward()
    for name, parameter in twin.task.network.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name], parameter.grad, msg=name)


def test_a_folder_with_another_run_is_refused_and_says_what_differs(train: Any) -> None:
    train(loop=replace(LOOP, steps=1)).run()
    with pytest.raises(CheckpointError, match=r"another configuration: batch_size was 2, is 4.*--out"):
        train(loop=replace(LOOP, batch_size=4))
    with pytest.raises(CheckpointError, match="freeze was"):
        train(settings=replace(SETTINGS, freeze=("encoder",)))
    assert train(options=replace(OFTEN, log_every=7)).step == 1  # how it is carried out may change


def test_a_finished_run_is_not_trained_on(train: Any, tmp_path: Path) -> None:
    train(loop=replace(LOOP, steps=1)).run()
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").glob("[lms]*.*")}
    said: list[str] = []
    train(loop=replace(LOOP, steps=1), log=said.append).run()
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").glob("[lms]*.*")} == before
    assert "is finished, at step 1" in said[-1]


def test_a_damaged_state_is_told(train: Any, tmp_path: Path) -> None:
    train(loop=replace(LOOP, steps=1)).run()
    (tmp_path / "run" / "state.pt").write_bytes(b"half of it")
    with pytest.raises(CheckpointError, match=r"state.pt: damaged .* to start the run again"):
        train(loop=replace(LOOP, steps=1))


def test_too_little_room_is_told_before_the_training(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr("sampipe.train.run_folder.shutil.disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"0 MB are free, and the checkpoints of this run need about \d+ MB"):
        train()


def test_a_disk_that_fills_up_leaves_the_last_save_whole(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = train()
    trainer.save()
    before = (tmp_path / "run" / "state.pt").read_bytes()

    def full(state: Any, path: Path) -> None:
        path.write_bytes(b"some")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr("sampipe.train.run_folder.torch.save", full)
    with pytest.raises(DataError, match=r"step 0 could not be saved .*make room, and the same command resumes"):
        trainer.run()
    assert (tmp_path / "run" / "state.pt").read_bytes() == before
    assert not list((tmp_path / "run").glob(".*.part"))


def test_a_loss_that_is_no_number_ends_the_run(train: Any) -> None:
    trainer = train(loop=replace(LOOP, optimizer=replace(LOOP.optimizer, learning_rate=1e30, warmup=0, clip=None)))
    with pytest.raises(DataError, match=r"no longer a number.*lower learning rate"):
        trainer.run()


def test_a_batch_that_the_parts_do_not_make_up_is_told(train: Any) -> None:
    with pytest.raises(DataError, match=r"got 3, wanted a multiple .* 2 x 1 = 2"):
        train(loop=replace(LOOP, batch_size=3, micro_batch=2))


def test_the_best_model_is_kept_beside_the_last(train: Any, tmp_path: Path) -> None:
    answers = iter([0.5, 0.7, 0.6])
    measured: list[Path] = []

    def validate(path: Path) -> dict[str, float]:
        measured.append(path)
        return {"mean_iou": next(answers)}

    train(loop=replace(LOOP, steps=2), options=replace(OFTEN, validate_every=1), validate=validate).run()
    folder = tmp_path / "run"
    assert [(row["step"], row["mean_iou"]) for row in rows(folder, "validation")] == [
        ("0", "0.5"),
        ("1", "0.7"),
        ("2", "0.6"),
    ]
    best, last = (load_model(str(folder / f"{name}.safetensors"), "cpu") for name in ("best", "model"))
    assert best.key != last.key and set(measured) == {folder / "model.safetensors"}


def test_tensorboard_holds_the_same_figures(train: Any, tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(loop=replace(LOOP, steps=2), options=replace(OFTEN, tensorboard=True)).run()
    events = event_accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    written = [(str(event.step), event.value) for event in events.Scalars("log/loss")]
    expected = [(row["step"], pytest.approx(float(row["loss"]), abs=1e-5)) for row in rows(tmp_path / "run")]
    assert written == expected


def test_without_tensorboard_the_extra_is_named(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    with pytest.raises(MissingDependencyError, match=r"sampipe\[train\]"):
        train(options=replace(OFTEN, tensorboard=True))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # the compiler's own looking around
def test_a_compiled_encoder_trains_and_saves_under_the_same_names(shapes_folder: Path, tmp_path: Path) -> None:
    vit = ViTConfig(embed_dim=8, depth=1, num_heads=2, global_blocks=(0,), out_channels=16, image_size=64)
    decoder = MaskDecoderConfig(depth=1, num_heads=2, mlp_dim=16, iou_head_dim=16)
    loop = replace(LOOP, steps=1, batch_size=1, optimizer=replace(LOOP.optimizer, drop_path=0.0))
    made = []
    for backend in (None, "eager"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = Sam(SamConfig(image_encoder=vit, mask_decoder=decoder))
        options, out = replace(OFTEN, compile=backend), tmp_path / str(backend)
        trainer = Trainer(sam_task(network, [(shapes_folder, 1.0)], SETTINGS), loop, out, options=options)
        made.append(load_model(str(trainer.run()), "cpu").sam.state_dict())
    plain, compiled = made
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, atol=1e-3, rtol=1e-2)


def test_bfloat16_computes_another_loss_close_by(train: Any, tmp_path: Path) -> None:
    train("full", loop=replace(LOOP, steps=1)).run()
    train("half", loop=replace(LOOP, steps=1, bf16=True)).run()
    full, half = (float(rows(tmp_path / name)[0]["loss"]) for name in ("full", "half"))
    assert full != half and full == pytest.approx(half, rel=0.1)


def test_the_clock_ends_a_run(train: Any) -> None:
    trainer = train(loop=replace(LOOP, steps=10_000, minutes=0.5 / 60))
    trainer.run()
    assert 1 <= trainer.step < 10_000 and trainer.seconds >= 0.5


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(CheckpointError, match="nano, mobile_sam, vit_b"):
        preset("vit_x")
    with pytest.raises(DataError, match="paper, scratch, finetune"):
        recipe("soup")
    with pytest.raises(DataError, match="none, flip, full"):
        augmented(CropConfig(), "some")


def test_the_paper_recipe_is_the_papers() -> None:
    paper = recipe("paper")
    crop, loop, optimizer = paper.settings.crop, paper.loop, paper.loop.optimizer
    assert (crop.masks, crop.zoom, crop.stretch, crop.flip, crop.jitter, crop.compose) == (
        64,
        (1, 1),
        0,
        False,
        False,
        0,
    )
    assert (paper.settings.affinity_weight, paper.settings.freeze, paper.settings.mask_loss.every_iou) == (0, (), False)
    assert (loop.steps, loop.batch_size, optimizer.learning_rate, optimizer.weight_decay) == (90_000, 256, 8e-4, 0.1)
    assert (optimizer.warmup, optimizer.layer_decay, optimizer.drop_path) == (250, 0.8, 0.4)
    assert (optimizer.schedule, optimizer.clip, optimizer.ema) == ("step", None, 0)
    assert paper.settings.interaction == InteractionConfig()
    small = recipe("paper", shape="vit_b").loop
    assert (small.steps, small.batch_size, small.optimizer.layer_decay, small.optimizer.drop_path) == (
        180_000,
        128,
        0.6,
        0.6,
    )
