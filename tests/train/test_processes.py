"""A run in other processes: killed, and shared between two by torchrun."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sampipe.errors import DataError
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.train.world import World

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
OPTIONS = shlex.split("--recipe paper --rounds 2 --log-every 1 --masks 2 --min-area 16 --augment full --device cpu")
OPTIONS += shlex.split("--batch-size 2 --micro-batch 1 --ema 0 --layer-decay 1 --drop-path 0.1 --warmup 2")


@pytest.fixture
def model(tiny_network: Sam, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(tiny_network.state_dict(), tiny_network.config, path)
    return path


def command(model: Path, data: Path, out: Path, *more: str) -> list[str]:
    words = ["train", "sam", "--from", str(model), "--data", str(data), "--out", str(out)]
    return ["-m", "sampipe.cli", *words, *OPTIONS, *more]


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "log.csv").read_text().splitlines()))


def losses(folder: Path) -> list[tuple[str, str]]:
    return [(row["step"], row["loss"]) for row in rows(folder)]


def finish(words: list[str]) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_after_kill_9_a_run_goes_on_with_the_losses_it_would_have_had(
    model: Path, shapes_folder: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    words = command(model, shapes_folder, killed, "--steps", "12", "--workers", "1", "--save-minutes", "0")
    job = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = killed / "log.csv"
    while job.poll() is None and not (log.exists() and log.read_text().count("\n") > 4):
        time.sleep(0.02)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    reached = torch.load(killed / "state.pt")["step"]
    assert 1 <= reached < 12
    assert f"resumes at step {reached}" in finish(words)
    whole = tmp_path / "whole"
    finish(command(model, shapes_folder, whole, "--steps", "12", "--workers", "0"))
    assert losses(killed) == losses(whole) and len(losses(whole)) == 12


def test_two_processes_take_the_steps_that_one_takes(model: Path, shapes_folder: Path, tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    more = "--steps", "3", "--workers", "0", "--drop-path", "0"
    finish(command(model, shapes_folder, alone, *more))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    said = finish([*torchrun, *command(model, shapes_folder, shared, *more)])
    assert said.count("wrote") == 1
    for one, two in zip(rows(alone), rows(shared), strict=True):
        assert float(one["loss"]) == pytest.approx(float(two["loss"]), rel=1e-3)
        assert float(one["grad_norm"]) == pytest.approx(float(two["grad_norm"]), rel=1e-2)
    [session] = json.loads((shared / "run.json").read_text())["sessions"]
    assert session["machine"]["processes"] == 2
    weights, same = (torch.load(folder / "state.pt")["network"] for folder in (alone, shared))
    for name, value in weights.items():
        if "running" not in name and "num_batches" not in name:  # of batch norm, each process sees its half
            torch.testing.assert_close(same[name], value, atol=2e-4, rtol=1e-2, msg=name)


def test_who_is_who_is_read_from_the_environment() -> None:
    assert World.from_environment({}) == World() and World().main
    second = World.from_environment({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"})
    assert second == World(1, 2, 1) and not second.main
    assert World().mean([1.0, 2.0], torch.device("cpu")) == [1.0, 2.0]
    with pytest.raises(DataError, match="sees only"):
        second.device("cuda:7")
