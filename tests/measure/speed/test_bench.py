"""The benchmark's parts, in small."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sampipe
import sampipe.nodes
from sampipe import DataError
from sampipe.measure.quality.smoke import write_random_model
from sampipe.measure.speed import local
from sampipe.measure.speed.agree import difference
from sampipe.measure.speed.beside import _SPIN, busy_processes
from sampipe.measure.speed.cases import STAGES, Case, cases_of, nano_cases
from sampipe.measure.speed.contestants import Contestant, peer_names
from sampipe.measure.speed.first_mask import measure_first_mask
from sampipe.measure.speed.growth import SIZES, measure_growth
from sampipe.measure.speed.inputs import inputs_of
from sampipe.measure.speed.machine import available_bytes, encoder_gflop
from sampipe.measure.speed.measure import Row, measure
from sampipe.measure.speed.modes import measure_modes
from sampipe.measure.speed.ours import Sampipe
from sampipe.measure.speed.report import COLUMNS, Report
from sampipe.measure.speed.weights import config_of
from sampipe.measure.speed.worker import Memory, answer_request
from sampipe.models.encoders import ViTConfig

NANO = config_of("nano")


@pytest.fixture(scope="module")
def ours() -> Sampipe:
    return Sampipe(Path(), "nano", "cpu")


def test_the_product_does_every_task(ours: Sampipe, tmp_path: Path) -> None:
    small: dict[str, dict[str, Any]] = {
        "encode": {},
        "logits": {"boxes": 2, "hw": (60, 90)},
        "decode": {"boxes": 2, "hw": (60, 90)},
        "decode_rle": {"boxes": 2, "hw": (60, 90)},
        "scores": {"side": 2},
        "everything": {"side": 2, "iou": -1e9},
        "postprocess": {"masks": 6},
        "overlay": {"masks": 3},
    }
    assert set(small) == {case.task for case in cases_of(STAGES, quick=False)} | {"scores"}
    for task, options in small.items():
        answer = tmp_path / f"{task}.npy"
        told = answer_request(ours, {"task": task, "answer": str(answer)}, inputs_of(task, options, NANO))
        assert told["seconds"] > 0 and answer.exists(), task
        if task != "scores":
            assert difference(task, answer, answer) == 0


def test_inputs_are_the_same_in_every_process() -> None:
    first, second = (inputs_of("decode", {"boxes": 3, "hw": (60, 90)}, NANO) for _ in range(2))
    assert (first["boxes"] == second["boxes"]).all() and first["embedding"].equal(second["embedding"])


def test_answers_that_differ(tmp_path: Path) -> None:
    a, b = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(a, np.array([1.0, 2.0])), np.save(b, np.array([1.0, 4.0]))
    assert difference("encode", a, b) == 0.5
    np.save(a, np.array([[True, False]])), np.save(b, np.array([[True, True]]))
    assert difference("decode", a, b) == 0.5


class Scripted:
    """A contestant that answers at once."""

    def __init__(self, name: str, seconds: float, error: str | None = None) -> None:
        self.name, self.is_ours, self.tasks = name, name == "sampipe", frozenset({"encode"})
        self.seconds, self.error, self.asked = seconds, error, 0

    def do(self, task: str, options: dict[str, Any], answer: Path | None) -> dict[str, Any]:
        self.asked += 1
        if self.error is not None:
            return {"error": self.error}
        if answer is not None:
            np.save(answer, np.ones(3))
        seconds = self.seconds * (10 if self.asked == 1 else 1)
        return {"seconds": seconds, "cpu_seconds": seconds, "peak_bytes": int(1e6 * self.seconds)}


def some_report() -> Report:
    contestants = [Scripted("sampipe", 0.1), Scripted("slow", 0.4), Scripted("broken", 1.0, "it broke")]
    case = Case("encode", "encode", "one image", "encode")
    rows = measure(case, contestants, rounds=3, clock="wall", log=lambda text: None)  # type: ignore[arg-type]
    machine = {
        "accelerator": None,
        "processor": "P",
        "threads": 1,
        "gemm_gflops": 1.0,
        "copy_gb_per_s": 2.0,
        "beside": 2,
    }
    return Report(
        model="vit_b",
        rows=rows,
        extras={"graph": {"microseconds_per_node": 3.0}},
        absent={"gone": "not installed"},
        clock="wall",
        machine={**machine, "versions": {"torch": "2"}},
    )


def test_ratios() -> None:
    report = some_report()
    summary = report.summary["encode"]
    assert summary["seconds"] == pytest.approx(0.1), "the first, cold run does not count"
    assert summary["speedup_vs_slow"] == summary["speedup_vs_best_peer"] == pytest.approx(4)
    assert summary["peak_memory_ratio_vs_slow"] == pytest.approx(0.25)
    assert summary["difference_from_slow"] == 0 and "speedup_vs_broken" not in summary
    assert report.notes() == ["gone was not measured: not installed", "one image, broken: it broke"]


def test_table_page_and_file_say_the_same(tmp_path: Path) -> None:
    report = some_report()
    assert all(len(cells) == len(COLUMNS) for cells in report.cells())
    page = report.markdown()
    assert "wall seconds, beside 2 busy processes" in page
    assert "| one image | sampipe | 0.100 |" in page and "4.00x" in page and "it broke" in page
    report.write(tmp_path / "bench.json")
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["summary"]["encode"]["speedup_vs_slow"] == pytest.approx(4)
    assert {row["by"] for row in document["rows"]} == {"sampipe", "slow", "broken"}


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    some_report().plot(tmp_path / "bench.svg")
    text = (tmp_path / "bench.svg").read_text()
    assert re.search("<svg", text)


def test_what_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampipe.measure.speed.measure.available_bytes", lambda: 1 << 30)
    contestants = [Scripted("sampipe", 0.1), Scripted("slow", 0.4)]
    case = Case("encode", "encode", "one image", "encode", bytes_needed=1 << 31)
    first, second = measure(case, contestants, rounds=1, clock="cpu", log=lambda text: None)  # type: ignore[arg-type]
    assert isinstance(first, Row) and first.runs and second.problem == "needs about 2 GiB, 1 are free"


def test_graph_overhead_and_memory() -> None:
    assert 0 < local.measure_graph(nodes=3, runs=3)["microseconds_per_node"] < 1e6
    memory = Memory()
    memory.start()
    held = np.ones(4_000_000)
    peak = memory.peak()
    assert peak is None or peak > 0.8 * held.nbytes
    free = available_bytes()
    assert free is None or free > 0


def test_the_product_is_called_by_its_public_names_only() -> None:
    """What is measured is what a user can call: names that the package or its nodes list, and no private attribute."""
    tree = ast.parse(Path(str(inspect.getsourcefile(Sampipe))).read_text(encoding="utf-8"))
    public = {name for module in (sampipe, sampipe.nodes) for name in module.__all__}
    modules = {"sampipe": "sp"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sampipe"):
            assert node.module in ("sampipe", "sampipe.nodes")
            assert {alias.name for alias in node.names} <= public
        if isinstance(node, ast.Import):
            assert all(modules.get(one.name) == one.asname for one in node.names if one.name.startswith("sampipe"))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sp":
            assert node.attr in public
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            assert isinstance(node.value, ast.Name) and node.value.id == "self", f"private: {ast.unparse(node)}"


def test_busy_processes_end_with_the_block() -> None:
    with busy_processes(2):
        assert len(_spinning_children()) == 2
    assert not _spinning_children()


def _spinning_children() -> list[int]:
    """Busy processes that this one began: other tests begin some at the same time."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and _SPIN.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it has just ended
            continue
    return found


def test_a_first_mask_is_a_file_from_a_cold_process(tmp_path: Path) -> None:
    model = write_random_model(tmp_path / "tiny.safetensors")
    ours, other = measure_first_mask(
        ["sampipe", "ultralytics"],
        model="vit_z",
        checkpoint=model,
        rounds=2,
        environment={},
        log=lambda text: None,
    )
    assert ours.problem is None and len(ours.runs) == 2 and ours.seconds > 0
    assert other.problem == "it has no vit_z"


def test_nano_is_measured_at_the_same_work() -> None:
    keys = [case.key for case in nano_cases(quick=False)]
    assert keys == ["nano_encode", "nano_decode_1", "nano_decode_16", "nano_decode_64", "nano_everything_all"]


def test_names() -> None:
    assert {"segment_anything", "supervision", "transformers_sdpa"} <= set(peer_names())
    with pytest.raises(DataError, match="No stage 'encoding'"):
        cases_of(["encoding"], quick=True)
    with pytest.raises(DataError, match="No model 'vit_x'"):
        config_of("vit_x")


def test_modes_are_compared_with_the_exact_encoder(tmp_path: Path) -> None:
    model = str(write_random_model(tmp_path / "tiny.safetensors"))
    found = measure_modes(model, 1, lambda text: None)
    assert found["exact_seconds"] > 0
    if "openvino_exact_seconds" in found:
        assert found["openvino_exact_mask_iou"] > 0.99
        assert 0.5 < found["openvino_bf16_mask_iou"] <= 1
        speedup = found["exact_seconds"] / found["openvino_bf16_seconds"]
        assert found["openvino_bf16_speedup_vs_exact"] == pytest.approx(speedup)


def test_growth_is_told_by_size_and_drawn(tmp_path: Path) -> None:
    model = str(write_random_model(tmp_path / "tiny.safetensors"))
    found = measure_growth(model, quick=True, log=lambda text: None)
    for name in SIZES:
        sizes = [int(key.split("_")[1]) for key in found if key.startswith(name) and key.endswith("seconds")]
        assert sizes == sorted(sizes) and len(sizes) == 2
        assert np.isfinite(found[f"{name}_exponent"])
    replace(some_report(), extras={"scaling": found}).plot(tmp_path / "bench.svg")
    assert "growth with pixels" in (tmp_path / "bench.svg").read_text()


def test_products_of_vit_b() -> None:
    """369 multiply-adds (10⁹) of its layers, as is published; 117 more in attention."""
    encoder = config_of("vit_b").image_encoder
    assert isinstance(encoder, ViTConfig)
    attention = 4 * 768 * (8 * 4900 * (196 + 14) + 4 * 4096 * (4096 + 64)) / 1e9
    assert encoder_gflop(encoder) - attention == pytest.approx(2 * 369, rel=0.01)


def test_a_peer_with_nothing_to_do_loads_nothing(tmp_path: Path) -> None:
    nowhere = tmp_path / "none.pth"
    idle, busy = (
        Contestant("segment_anything", model="vit_b", checkpoint=nowhere, device="cpu", threads=1, tasks=tasks)
        for tasks in (["overlay"], ["encode"])
    )
    assert (idle.problem, idle.tasks) == (None, frozenset())
    assert busy.problem is not None and "none.pth" in busy.problem
    idle.close(), busy.close()
