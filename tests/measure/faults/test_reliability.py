"""The trials of ``sampipe selftest``, small; each must find what it is there to find."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sampipe as sp
from sampipe.cli import app
from sampipe.jobs.shards import read_shard, shard_files
from sampipe.measure.faults import QUICK, TRIALS, Size, run_trials
from sampipe.measure.faults.checkpoints import hostile_files
from sampipe.measure.faults.images import write_images
from sampipe.measure.faults.jobs import count, prepare
from sampipe.measure.faults.properties import boxes, graph, image, mask, points, rle, strategies
from sampipe.measure.faults.worker import job_of

SMALL = Size(
    job_images=40,
    kills=3,
    ray_images=0,
    ray_kills=0,
    inputs=100,
    threads=8,
    images_per_thread=3,
    memory_images=40,
    clients=50,
    cases=80,
)
ELSEWHERE = {
    "ray",  # tests/jobs/ray kills actors and a driver on the cluster that it has
    "slope",  # a slope needs thousands of images
}


@pytest.mark.parametrize("name", sorted({trial.name for trial in TRIALS} - ELSEWHERE))
@pytest.mark.filterwarnings("default::UserWarning")
def test_a_trial_keeps_all_promises(name: str) -> None:
    (done,) = run_trials(SMALL, [name])
    assert done.outcome is not None, done.why
    assert done.outcome.ok, done.figures


def test_memory_slope_measures(tmp_path: Path) -> None:
    from sampipe.measure.faults.strain import memory_slope

    assert "12 images" in memory_slope(replace(SMALL, memory_images=12), tmp_path).figures


def test_a_lost_a_doubled_and_a_cut_row_are_counted(tmp_path: Path) -> None:
    """What the trials of kills look for is found when it is there."""
    folder = prepare(tmp_path / "job", write_images(tmp_path / "pictures", 12))
    job_of(folder).run()
    assert count(folder) == (0, 0, 0)
    first, second, third = shard_files(folder / "rows")
    (folder / "rows" / "part-00009.parquet").write_bytes(first.read_bytes())
    assert count(folder) == (0, len(read_shard(first)), 0)
    third.write_bytes(third.read_bytes()[:100])
    assert count(folder) == (4, 4, 1)
    second.unlink()
    assert count(folder)[0] == 8


def test_hostile_files_do_run_where_pickle_is_let_loose(tmp_path: Path) -> None:
    """The corpus is hostile: plain unpickling leaves the mark."""
    import pickle

    mark = tmp_path / "it ran"
    ran = 0
    for name, content in hostile_files(mark):
        if name.startswith(("pickle 0", "opcodes GLOBAL", "opcode STACK_GLOBAL")) and not {"import", "open"} & {
            *name.split()
        }:
            pickle.loads(content)
            ran += mark.exists()
            if mark.exists():
                mark.rmdir() if mark.is_dir() else mark.unlink()
    assert ran == 6


def test_properties_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sp.RLE, "decode", lambda self: 1 / 0)
    (done,) = run_trials(SMALL, ["properties"])
    assert done.word == "FAILED"
    assert "RLE: ZeroDivisionError" in done.figures


def test_properties_see_good_and_bad_values() -> None:
    assert set(strategies()) == {"boxes", "points", "RLE", "masks", "YAML", "images"}
    boxes([(0, 0, 5, 5), (float("nan"), 0, 1, 1)], (10, 10))
    points([[(1, 2, 1)]], (10, 10))
    rle((b"d0", (10, 10)))
    graph("sampipe: 1\n")
    image(b"")
    assert mask is not None


def test_the_command_prints_a_table_and_writes_figures(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    words = ["selftest", "--quick", "--only", "yaml, memory", "--set", "inputs=40", "--json", str(file)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "12 of 12 refused" in done.stdout and "0 masks differ" in done.stdout
    document = json.loads(file.read_text())
    assert (document["task"], document["size"]["inputs"]) == ("selftest", 40)
    assert [row["result"] for row in document["rows"]] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--only", "nothing"], "no trial is called nothing"), (["--set", "inputs=0"], "a number above 0")],
)
def test_what_it_is_asked_is_checked(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["selftest", *words])
    assert done.exit_code != 0
    assert message in str(done.exception) + " ".join(done.output.split())


def test_sizes_are_those_that_were_promised() -> None:
    from sampipe.measure.faults import FULL

    assert (FULL.job_images, FULL.kills, FULL.ray_kills, FULL.inputs) == (500, 20, 5, 1000)
    assert (FULL.threads, FULL.images_per_thread, FULL.memory_images) == (8, 200, 10_000)
    assert (FULL.clients, FULL.cases) == (50, 10_000)
    assert QUICK.kills < FULL.kills
