"""Cores of affinity and quota, and workers with one thread each."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sampipe import _cores
from sampipe._cores import cores, map_on_cores, prepare_threads


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setattr(_cores, "visible_cores", lambda: 2)
    monkeypatch.setattr(_cores, "_quotas", list)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "own").write_text(own)
    monkeypatch.setattr(_cores, "_CGROUPS", tmp_path)
    monkeypatch.setattr(_cores, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(_cores, "visible_cores", lambda: 16)


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/not/seen/from/here\n", {"cpu.max": "400000 100000\n"}, 4),
        (
            "5:cpu,cpuacct:/job\n0::/\n",
            {"cpu/job/cpu.cfs_quota_us": "600000", "cpu/job/cpu.cfs_period_us": "100000"},
            6,
        ),
        ("4:memory:/\n1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 16),
        ("", {}, 16),
    ],
)
def test_the_quota_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: dict[str, str], expected: int
) -> None:
    control_groups(tmp_path, monkeypatch, own, files)
    assert cores() == expected


def test_affinity_counts() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    code += "; from sampipe._cores import cores; print(cores())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "1\n"


def test_settings_leave_users_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control_groups(tmp_path, monkeypatch, "0::/\n", {"cpu.max": "200000 100000\n"})
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    prepare_threads()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"]) == ("PASSIVE", "7")
    monkeypatch.delenv("OMP_NUM_THREADS")
    prepare_threads()
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_workers_have_one_thread_and_the_caller_keeps_its_own(two_threads: None) -> None:
    asked = contextvars.ContextVar("asked", default=0)
    asked.set(5)
    first_two = threading.Barrier(2)

    def work(item: int) -> tuple[int, int, int, bool]:
        if item < 2:
            first_two.wait(60)  # both workers are at it
        nested = map_on_cores(lambda x: threading.current_thread(), [1, 2])
        return item, torch.get_num_threads(), asked.get(), set(nested) == {threading.current_thread()}

    before = threading.active_count()
    for _ in range(3):
        first_two.reset()
        assert map_on_cores(work, range(7)) == [(item, 1, 5, True) for item in range(7)]
    assert torch.get_num_threads() == 2
    assert threading.active_count() <= before + 2
    new: list[int] = []
    thread = threading.Thread(target=lambda: new.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert new == [2], "threads that come later are as many as before"


def test_one_item_stays_where_it_is(two_threads: None) -> None:
    assert map_on_cores(lambda _: threading.current_thread(), [1]) == [threading.current_thread()]
    torch.set_num_threads(1)
    assert set(map_on_cores(lambda _: threading.current_thread(), [1, 2, 3])) == {threading.current_thread()}


def test_an_error_comes_when_the_others_are_done(two_threads: None) -> None:
    done = []

    def work(item: int) -> None:
        if item == 0:
            raise ValueError("the first")
        done.append(item)

    with pytest.raises(ValueError, match="the first"):
        map_on_cores(work, range(5))
    assert sorted(done) == [1, 2, 3, 4]
