"""The loop: a run folder that can be loaded and resumed."""

from __future__ import annotations

import copy
import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sampipe.errors import CheckpointError
from sampipe.models import load_model
from sampipe.models.sam import Sam
from sampipe.train.data import CropConfig
from sampipe.train.presets import preset
from sampipe.train.schedule import MovingAverage, cosine
from sampipe.train.trainer import TrainConfig, Trainer, new_network


@pytest.fixture
def config(shapes_folder: Path) -> TrainConfig:
    return TrainConfig(
        folders=((str(shapes_folder), 1.0),),
        steps=20,
        batch_size=2,
        rounds=2,
        crop=CropConfig(size=64, native_size=64, min_area=16),
        workers=0,
        bf16=False,
    )


def quiet(_: str) -> None: ...


def test_a_run_leaves_a_model_a_log_and_its_settings(tiny_network: Sam, config: TrainConfig, tmp_path: Path) -> None:
    path = Trainer(tiny_network, config, tmp_path / "run", say=quiet).run()
    assert load_model(str(path), "cpu").config == tiny_network.config
    assert json.loads((tmp_path / "run" / "config.json").read_text())["train"]["steps"] == 20
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["20"] and float(rows[0]["loss"]) > 0
    assert not list((tmp_path / "run").glob("*.part"))


def test_a_run_goes_on_where_it_stopped(tiny_network: Sam, config: TrainConfig, tmp_path: Path) -> None:
    first = Trainer(tiny_network, replace(config, steps=4), tmp_path, say=quiet)
    first.run()
    resumed = Trainer(new_network_like(tiny_network), replace(config, steps=6), tmp_path, say=quiet)
    assert resumed.step == 4
    for name, value in tiny_network.state_dict().items():
        torch.testing.assert_close(resumed.sam.state_dict()[name], value)
    resumed.run()
    assert resumed.step == 6


def new_network_like(network: Sam) -> Sam:
    with torch.random.fork_rng():
        torch.manual_seed(99)
        return Sam(network.config)


def test_a_run_of_another_shape_is_refused(tiny_network: Sam, config: TrainConfig, tmp_path: Path) -> None:
    Trainer(tiny_network, replace(config, steps=1), tmp_path, say=quiet).run()
    other = Sam(replace(tiny_network.config, everything=replace(tiny_network.config.everything, points_per_side=9)))
    with pytest.raises(CheckpointError, match="another shape"):
        Trainer(other, config, tmp_path, say=quiet)


def test_training_can_start_from_a_checkpoint(tiny_network: Sam, config: TrainConfig, tmp_path: Path) -> None:
    path = Trainer(tiny_network, replace(config, steps=1), tmp_path, say=quiet).save()
    network = new_network("nano", start=str(path), seed=0, device="cpu")
    assert network.config == tiny_network.config and all(p.requires_grad for p in network.parameters())


def test_an_unknown_shape_lists_the_known() -> None:
    with pytest.raises(CheckpointError, match="nano, mobile_sam, vit_b"):
        preset("vit_x")


def test_the_schedule_warms_up_and_comes_down() -> None:
    assert cosine(0.01) == pytest.approx(0.5) and cosine(0.02) == pytest.approx(1.0)
    assert cosine(0.51) == pytest.approx(0.51, abs=0.01) and cosine(1.0) == pytest.approx(0.02)


def test_the_average_lags_behind_the_weights_and_catches_up(tiny_network: Sam) -> None:
    average = MovingAverage(tiny_network, decay=0.5)
    moved = copy.deepcopy(tiny_network)
    with torch.no_grad():
        moved.mask_decoder.iou_token.weight += 1
    name = "mask_decoder.iou_token.weight"
    start = average.state[name].clone()
    average.update(moved)
    assert bool((average.state[name] > start).all())
    for _ in range(40):
        average.update(moved)
    torch.testing.assert_close(average.state[name], moved.state_dict()[name])
