from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from drawings import files, grey_image

from sampipe._files import write_atomic
from sampipe.data.names import FileStems


def test_images_of_one_name_get_files_of_their_own() -> None:
    stems = FileStems()
    first, second = grey_image((2, 2), "a/cup.jpg"), grey_image((2, 3), "b/cup.jpg")
    assert stems.of(first) == "cup"
    assert stems.of(second) == f"cup-{second.key[:8]}"
    assert stems.of(first) == "cup", "an image keeps its stem"


def test_equal_pictures_from_two_places() -> None:
    stems = FileStems()
    images = [grey_image((2, 2), f"{folder}/cup.jpg") for folder in "abc"]
    key = images[0].key[:8]
    assert [stems.of(image) for image in images] == ["cup", f"cup-{key}", f"cup-{key}-2"]


def test_names_that_differ_in_case_only() -> None:
    stems = FileStems()
    assert stems.of(grey_image((2, 2), "cup.jpg")) != stems.of(grey_image((2, 3), "CUP.jpg")).casefold()


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("sample:coffee", "coffee"),
        ('what?"<>|*\n.png', "what_"),
        ("C:\\pictures\\..\\cup.png", None),
        ("...", None),
        ("x" * 400 + ".png", "x" * 120),
    ],
)
def test_no_name_leads_elsewhere(source: str, stem: str | None) -> None:
    found = FileStems().of(grey_image((2, 2), source))
    assert found == (stem or found)
    assert found
    assert Path(found).name == found
    assert not set('\\/:*?"<>|') & set(found)


def test_an_array_is_named_by_its_key() -> None:
    image = grey_image((2, 2))
    assert FileStems().of(image) == image.key[:12]


def test_threads_get_different_stems() -> None:
    stems = FileStems()
    images = [grey_image((1, width), "cup.jpg") for width in range(1, 33)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(stems.of, images))
    assert len(set(found)) == 32


def test_write_atomic_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert files(path.parent) == ["file.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are a POSIX matter")
def test_files_have_ordinary_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "file.txt", b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o644


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_atomic(path, b"old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["file.txt"]
