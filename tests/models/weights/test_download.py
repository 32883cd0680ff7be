"""Downloads: resumed, checked, and never partly there."""

from __future__ import annotations

import os
import shutil
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Served, serve

from sampipe.errors import CheckpointError
from sampipe.models.weights.download import fetch

CONTENT = os.urandom(300_000)


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(Served(CONTENT)) as serving:
        yield serving


def accept(path: Path) -> None:
    if path.read_bytes() != CONTENT:
        raise CheckpointError(f"{path}: other bytes")


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock")}


def test_a_whole_file(served: Served, tmp_path: Path) -> None:
    target, seen = tmp_path / "new folder" / "model.pth", []
    fetch(served.url, target, check=accept, progress=lambda have, total: seen.append((have, total)))
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == {"model.pth"}
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_file_that_is_there_is_not_fetched_again(served: Served, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"mine")
    fetch(served.url, tmp_path / "model.pth", check=accept)
    assert served.ranges == []


def test_it_goes_on_after_cut_connections(served: Served, tmp_path: Path) -> None:
    served.cuts = [100_000, 50_000]
    fetch(served.url, tmp_path / "model.pth", check=accept, pause=0)
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
    assert served.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(served: Served, tmp_path: Path) -> None:
    served.cuts = [100_000]
    with pytest.raises(CheckpointError, match=r"broke after 100,000 of 300,000 bytes.*resumes where it stopped"):
        fetch(served.url, tmp_path / "model.pth", check=accept, attempts=1)
    assert names(tmp_path) == {"model.pth.part"}
    fetch(served.url, tmp_path / "model.pth", check=accept)
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
    assert served.ranges == [None, "bytes=100000-"]


def test_a_server_that_cannot_resume_sends_it_all_again(served: Served, tmp_path: Path) -> None:
    served.cuts, served.resumable = [100_000], False
    fetch(served.url, tmp_path / "model.pth", check=accept, pause=0)
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("surplus", [0, 7], ids=["all there", "too much there"])
def test_a_part_that_is_complete_or_too_long(served: Served, tmp_path: Path, surplus: int) -> None:
    (tmp_path / "model.pth.part").write_bytes(CONTENT + bytes(surplus))
    fetch(served.url, tmp_path / "model.pth", check=accept, pause=0)
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
    assert len(served.ranges) == (2 if surplus else 1)


@pytest.mark.parametrize("content", [b"<html>sign in</html>", CONTENT[:-1] + b"?"], ids=["page", "one byte"])
def test_another_file_is_refused_and_nothing_stays(tmp_path: Path, content: bytes) -> None:
    with serve(Served(content)) as served, pytest.raises(CheckpointError, match="other bytes"):
        fetch(served.url, tmp_path / "model.pth", check=accept)
    assert names(tmp_path) == set()


def test_a_part_of_another_file_is_found_out(served: Served, tmp_path: Path) -> None:
    (tmp_path / "model.pth.part").write_bytes(bytes(1000))
    with pytest.raises(CheckpointError, match="other bytes"):
        fetch(served.url, tmp_path / "model.pth", check=accept)
    fetch(served.url, tmp_path / "model.pth", check=accept)  # the wrong part is gone, so now it comes right
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, 3), (429, 3)])
def test_errors_of_the_server(tmp_path: Path, status: int, requests: int) -> None:
    with serve(Served(CONTENT, status=status)) as served:
        with pytest.raises(CheckpointError, match=f"{status}.*put it at {tmp_path}") as caught:
            fetch(served.url, tmp_path / "model.pth", check=accept, attempts=3, pause=0)
        assert served.url in str(caught.value)
        assert len(served.ranges) == requests
    assert names(tmp_path) == set()


def test_no_server_at_all(tmp_path: Path) -> None:
    with serve(Served(CONTENT)) as served:
        url = served.url
    with pytest.raises(CheckpointError, match="could not be downloaded"):
        fetch(url, tmp_path / "model.pth", check=accept, pause=60)  # it does not wait for what is not there


def test_a_full_disk_is_said_beforehand(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**6, 10**6, 1000))
    with pytest.raises(CheckpointError, match="300,000 more bytes are to come and 1,000 are free"):
        fetch(served.url, tmp_path / "model.pth", check=accept)
    assert names(tmp_path) == set()


def test_two_at_once_fetch_it_once(served: Served, tmp_path: Path) -> None:
    def work() -> None:
        fetch(served.url, tmp_path / "model.pth", check=accept)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(served.ranges) == 1
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
