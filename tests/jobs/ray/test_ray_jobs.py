"""Jobs on a Ray cluster: the same rows as here, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray_graphs
from typer.testing import CliRunner

import sampipe as sp
import sampipe.jobs.ray
from sampipe.cli import app
from sampipe.graph.engines import load_engine
from sampipe.jobs import Job, read_rows, write_manifest
from sampipe.jobs.crash_log import CrashLog
from sampipe.jobs.ray import Pool, RayEngine

pytestmark = [
    pytest.mark.xdist_group("ray"),  # one cluster for all of them
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # it warns of its own settings
]


def made(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows by path, without what differs from run to run; each path once."""
    rows = list(read_rows(folder / "rows"))
    assert len({row["path"] for row in rows}) == len(rows)
    return {row["path"]: {**row, "seconds": None} for row in rows}


def job(folder: Path, paths: list[str], graph: sp.Graph, **options: Any) -> Job:
    write_manifest(paths, folder / "manifest.parquet")
    return Job(folder, graph, **options)


def test_the_command_gives_the_rows_that_this_process_would_give(
    cluster: None, hundred: list[str], tmp_path: Path
) -> None:
    """A hundred images, two actors, bad files, and a killer that is named and left out alone."""
    killer, file = hundred[20], tmp_path / "graph.yaml"
    graph = ray_graphs.halves(killer="020")
    graph.to_yaml(file)
    words = ["run", file, *hundred, "--out", tmp_path / "there", "--save", "coco,png", "--json", "--batch-size", "2"]
    options = ["--engine", "ray", "--actors", "2", "--actor-cpus", "0.5", "--threads", "3", "--restarts", "5"]
    done = CliRunner().invoke(app, [str(word) for word in (*words, *options)])
    assert done.exit_code == 1, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["event"] for one in events] == ["begin", *["image"] * 99, "end"]
    assert (events[-1]["total"], events[-1]["done"], events[-1]["errors"]) == (99, 99, 3)
    assert sum(one["objects"] for one in events[1:-1]) == 96 * 2
    assert len(list((tmp_path / "there").glob("*.labels.png"))) == 96

    job(tmp_path / "here", [path for path in hundred[:99] if path != killer], graph).run()
    here, there = made(tmp_path / "here"), made(tmp_path / "there")
    assert "given up" in there.pop(killer)["error"]
    assert there == here
    left = {path.name for path in (tmp_path / "there").iterdir() if path.suffix != ".png"}
    assert left - {".lock"} == {"job.json", "manifest.parquet", "rows", "annotations.json"}


def test_apply_on_a_dataset_of_ones_own(cluster: None, hundred: list[str]) -> None:
    """Both actors work; they have the threads that were asked for; images are decoded in them."""
    import ray

    paths = hundred[:24]
    dataset = ray.data.from_items([{"file": path, "license": 3} for path in paths], override_num_blocks=8)
    pool = Pool(least=2, most=2, cpus=0.5, threads=3, images_per_call=3)
    graph = ray_graphs.halves(telling=True, seconds=0.2)
    rows = sampipe.jobs.ray.apply(dataset, graph, path="file", pool=pool).take_all()
    assert sorted(row["path"] for row in rows) == paths
    errors = [row["error"] for row in rows if row["error"]]
    assert len(errors) == 1 and "is not an image" in errors[0]
    labels = {label["label"] for row in rows for label in row["masks"] or ()}
    assert "threads 3" in labels
    processes = {label for label in labels if label.startswith("process")}
    assert len(processes) == 2 and f"process {os.getpid()}" not in processes


def test_a_driver_that_is_killed_loses_and_doubles_nothing(cluster: None, hundred: list[str], tmp_path: Path) -> None:
    folder, graph = tmp_path / "job", ray_graphs.halves(seconds=0.05)
    job(folder, hundred[:40], graph)
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import ray_graphs, ray.cloudpickle\n"
        "from sampipe.jobs import Job\n"
        "from sampipe.jobs.ray import Pool, RayEngine\n"
        "ray.cloudpickle.register_pickle_by_value(ray_graphs)\n"
        "engine = RayEngine(address=sys.argv[1], pool=Pool(least=1, most=1, cpus=0.5, images_per_call=2))\n"
        f"Job({str(folder)!r}, ray_graphs.halves(seconds=0.05), rows_per_file=4).run(engine=engine)\n"
    )
    import ray

    address = ray.get_runtime_context().gcs_address
    driver = subprocess.Popen([sys.executable, "-c", script, address])
    while driver.poll() is None and not list((folder / "rows").glob("*.parquet")):
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    files = -1
    while (now := len(list((folder / "rows").glob("*.parquet")))) != files:  # its tasks end a moment after it
        files = now
        time.sleep(2)
    kept = made(folder)
    assert 0 < len(kept) < 40
    Job(folder, graph, rows_per_file=4).run()  # here, for once: rows are rows
    assert made(folder).keys() == set(hundred[:40])
    assert all(made(folder)[path] == row for path, row in kept.items())
    assert list(folder.rglob("*.part")) == []


def test_ctrl_c_ends_a_job_within_five_seconds(cluster: None, hundred: list[str], tmp_path: Path) -> None:
    import ray

    file, folder, graph = tmp_path / "graph.yaml", tmp_path / "job", ray_graphs.halves(seconds=0.3)
    graph.to_yaml(file)
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import ray_graphs, ray.cloudpickle\n"
        "ray.cloudpickle.register_pickle_by_value(ray_graphs)\n"
        "from sampipe.cli import main\n"
        "main()\n"
    )
    address = ray.get_runtime_context().gcs_address
    options = ["--engine", "ray", "--address", address, "--actor-cpus", "0.5", "--save", "none"]
    words = ["run", str(file), *hundred[:40], "--out", str(folder), *options]
    job = subprocess.Popen([sys.executable, "-c", script, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while job.poll() is None and not list(folder.glob("crashes/*.json")):  # an actor has begun
        time.sleep(0.02)
    began = time.monotonic()
    job.send_signal(signal.SIGINT)
    _, said = job.communicate(timeout=60)
    assert (job.returncode, said.decode().splitlines()[-1]) == (130, "interrupted")
    assert time.monotonic() - began < 5
    assert len(made(folder)) < 40
    assert list(folder.rglob("*.part")) == []
    Job(folder, graph).run()
    assert made(folder).keys() == set(hundred[:40])


def test_a_pool_grows_while_images_wait(cluster: None, hundred: list[str]) -> None:
    import ray

    dataset = ray.data.from_items([{"path": path} for path in hundred[:48]], override_num_blocks=16)
    pool = Pool(least=1, most=2, cpus=0.5, images_per_call=3)
    rows = sampipe.jobs.ray.apply(dataset, ray_graphs.halves(telling=True, seconds=0.5), pool=pool).take_all()
    labels = {label["label"] for row in rows for label in row["masks"] or ()}
    assert len({label for label in labels if label.startswith("process")}) == 2


def test_a_graph_runs_on_the_cluster(cluster: None, hundred: list[str]) -> None:
    graph, engine = ray_graphs.halves(telling=True), RayEngine(pool=Pool(cpus=0.5))
    results = list(graph.map(hundred[5:9], batch_size=2, on_error="return", engine=engine))
    assert [isinstance(one, sp.NodeError) for one in results] == [False, False, True, False]
    assert results[0].masks.prompts.labels[0] != f"process {os.getpid()}"  # type: ignore[union-attr,index]


def test_the_engine_is_found_by_its_name() -> None:
    assert load_engine("ray") == RayEngine()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"least": 3, "most": 2}, "actors: got 3 to 2"),
        ({"cpus": 0}, "wanted some of one of them"),
        ({"threads": 0}, "threads: got 0"),
        ({"images_per_call": 0}, "0 images a call"),
    ],
)
def test_pools_that_are_none(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.DataError, match=message):
        Pool(**options)


def test_restarts_are_counted_and_the_batch_is_a_whole_number() -> None:
    """Ray's defaults: restarts without end, ``concurrency=`` for the pool, one thread for one CPU."""
    import ray.data

    options = Pool(least=1, most=3, cpus=1, threads=4, restarts=5, images_per_call=7).map_options()
    assert (options["max_restarts"], options["max_task_retries"], options["batch_size"]) == (5, 5, 7)
    assert "concurrency" not in options
    assert options["compute"] == ray.data.ActorPoolStrategy(min_size=1, max_size=3)
    assert options["runtime_env"]["env_vars"]["OMP_NUM_THREADS"] == "4"


def test_a_task_that_is_done_again_writes_no_row_twice(tmp_path: Path) -> None:
    import pyarrow as pa

    from sampipe.jobs.ray.sink import ShardSink
    from sampipe.jobs.rows import error_row, row_schema
    from sampipe.jobs.shards import drop_doubles

    entries = write_manifest(["a", "b", "c"], tmp_path / "m.parquet", digests=False)
    table = pa.Table.from_pylist([error_row(entry, "bad") for entry in entries], schema=row_schema(["masks"]))
    sink = ShardSink(tmp_path, ("masks",), number=3, rows=9)
    for blocks in ([table], [table], [table.slice(1, 2)]):  # again, and again with another cut
        sink.write(blocks, None)
    assert len(list(tmp_path.glob("part-00003-*.parquet"))) == 2
    assert drop_doubles(tmp_path) == 2
    assert sorted(row["path"] for row in read_rows(tmp_path)) == ["a", "b", "c"]


def test_what_an_actor_noted_before_it_died_counts_after_it(tmp_path: Path) -> None:
    CrashLog(tmp_path / "one.json").begins("a.png", alone=True)
    CrashLog(tmp_path / "two.json").begins("b.png", alone=False)
    later = CrashLog(tmp_path / "three.json", max_crashes=1, earlier=tmp_path.glob("*.json"))
    assert later.paths == {"a.png", "b.png"}
    assert (later.given_up("a.png"), later.given_up("b.png")) == (True, False)


def test_a_cluster_of_ones_own_wants_a_password_and_tells_nobody(cluster: None) -> None:
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    if os.environ.get("RAY_AUTH_MODE") != "token":
        pytest.skip("ray was imported before the cluster began")
    import ray

    stranger = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    code = "import sys, ray; ray.init(address=sys.argv[1], logging_level='ERROR')"
    address = ray.get_runtime_context().gcs_address
    done = subprocess.run([sys.executable, "-c", code, address], env=stranger, capture_output=True, text=True)
    assert done.returncode and "token is missing or incorrect" in done.stderr
