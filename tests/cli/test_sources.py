from __future__ import annotations

from pathlib import Path

from sampipe.cli._sources import expand


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_stands_for_its_image_files_by_name(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a.png", "notes.txt", ".hidden.png", "a.overlay.png")
    touch(tmp_path / "inner", "c.png")
    found = expand([str(tmp_path)])
    assert found.sources == [str(tmp_path / "a.png"), str(tmp_path / "b.JPG")]
    assert found.remarks == [f"{tmp_path}: images in inner are passed over; --recursive takes them"]
    assert expand([str(tmp_path)], recursive=True).sources[-1] == str(tmp_path / "inner" / "c.png")


def test_a_recursive_glob_reaches_inner_folders(tmp_path: Path) -> None:
    touch(tmp_path / "inner", "c.png", "c.txt")
    assert expand([f"{tmp_path}/**/*"]).sources == [str(tmp_path / "inner" / "c.png")]


def test_a_file_given_twice_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    assert expand([str(tmp_path / "a.png"), str(tmp_path), f"{tmp_path}/*.png"]).sources == [str(tmp_path / "a.png")]


def test_a_file_given_by_name_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    touch(tmp_path, "photo")
    assert expand([str(tmp_path / "photo")]).sources == [str(tmp_path / "photo")]


def test_a_file_name_with_brackets_is_a_file_first(tmp_path: Path) -> None:
    touch(tmp_path, "photo[1].png")
    assert expand([str(tmp_path / "photo[1].png")]).sources == [str(tmp_path / "photo[1].png")]


def test_words_that_stand_for_nothing_are_failures_and_the_rest_goes_on(tmp_path: Path) -> None:
    touch(tmp_path / "empty")
    touch(tmp_path, "a.png")
    found = expand([f"{tmp_path}/x.png", f"{tmp_path}/empty", f"{tmp_path}/*.webp", f"{tmp_path}/a.png"])
    assert found.sources == [str(tmp_path / "a.png")]
    assert [Path(word).name for word, _ in found.unfound] == ["x.png", "empty", "*.webp"]
    assert [reason.split(";")[0] for _, reason in found.unfound] == [
        "no such file or folder",
        "no images in this folder",
        "no image file matches this pattern",
    ]


def test_samples_are_kept_as_they_are() -> None:
    assert expand(["sample:coffee", "sample:coffee"]).sources == ["sample:coffee"]
