"""A file is whole under its name, or it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampipe._files import atomic_file, write_atomic


def test_a_written_file_is_whole_and_alone(tmp_path: Path) -> None:
    write_atomic(tmp_path / "new" / "a.txt", b"content")
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "new").iterdir()] == [("a.txt", b"content")]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.txt", b"old")
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a.txt") as partial:
        partial.write_bytes(b"half of the n")
        raise RuntimeError
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.txt", b"old")]


def test_writers_that_make_private_files_do_not_decide_who_may_read(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_file(tmp_path / "a.bin") as partial:
        partial.unlink()
        partial.touch(mode=0o600)
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode
