"""What ``segment --save`` leaves is a data set, which converting, measuring and training take as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from sampipe.data.formats import format_of, read_dataset
from sampipe.errors import DataError

Sampipe = Callable[..., Result]
SHORT = (
    "--steps",
    1,
    "--rounds",
    1,
    "--batch-size",
    1,
    "--workers",
    0,
    "--device",
    "cpu",
    "--freeze",
    "encoder",
    "--min-area",
    0,
)


@pytest.fixture
def job(photos: Path, tmp_path: Path) -> Path:
    """Two photos of one name in two folders."""
    for folder, name in (("one", "a.png"), ("two", "b.jpg")):
        (tmp_path / "job" / folder).mkdir(parents=True)
        shutil.copy(photos / name, tmp_path / "job" / folder / f"same{Path(name).suffix}")
    return tmp_path / "job"


def boxes(folder: Path, label: str) -> str:
    """A detector that has the same answer for every photo."""
    rows = [f"{name},5,5,50,40,{label}" for name in ("one/same.png", "two/same.jpg")]
    (folder / "boxes.csv").write_text("\n".join(["image,x0,y0,x1,y1,label", *rows]))
    return f"csv_boxes:{folder / 'boxes.csv'}"


@pytest.mark.parametrize("name", ["coco", "yolo", "voc", "labelme", "sa1b"])
def test_a_saved_folder_is_taken_as_it_is(
    sampipe: Sampipe, tiny_model: Path, job: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ds"
    sampipe(
        "segment", job, "--recursive", "--detector", boxes(tmp_path, "cup"),
        "--save", name, "--out", folder,
    )  # fmt: skip
    assert format_of(folder) == name
    monkeypatch.chdir("/")  # nothing may depend on where somebody works

    done = sampipe("data", "convert", folder, tmp_path / "converted", "--to", "coco")
    assert "2 objects in 2 images" in done.stdout
    assert "read 2 objects in 2 images, kept 2" in done.stderr
    images = [reads() for reads in read_dataset(tmp_path / "converted").images]
    assert [one.objects[0].category for one in images] == ["object" if name == "sa1b" else "cup"] * 2
    assert [one.open().hw for one in images] == [(48, 64)] * 2

    measured = sampipe(
        "eval", "boxes", "--data", folder, "--model", tiny_model, "--min-area", 0, "--competitors", "none"
    )
    assert "2 objects" in measured.stdout and "read 2 objects in 2 images, kept 2" in measured.stderr

    words = ("train", "sam", "--from", tiny_model, "--data", folder, "--out", tmp_path / "run")
    trained = sampipe(*words, *SHORT)
    assert "wrote" in trained.stdout and f"{folder}: read 2 objects in 2 images, kept 2" in trained.stderr


@pytest.mark.parametrize("name", ["coco", "yolo", "voc", "labelme", "sa1b"])
def test_a_second_run_leaves_nothing_of_the_first(
    sampipe: Sampipe, tiny_model: Path, job: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "ds"
    words = ("--model", tiny_model, "--save", name, "--out", folder)
    sampipe("segment", job, "--recursive", "--detector", boxes(tmp_path, "cup"), *words)
    shutil.rmtree(job / "two")
    again = sampipe("segment", job, "--recursive", "--detector", boxes(tmp_path, "mug"), *words)
    data = read_dataset(folder)
    images = [reads() for reads in data.images]
    assert [len(one.objects) for one in images] == [1], again.stderr
    assert images[0].objects[0].category == ("object" if name == "sa1b" else "mug")
    assert [one.name for one in data.categories] in ([], ["mug"])
    assert name == "coco" or "files of an earlier run" in again.stderr


@pytest.mark.parametrize(
    "names", [("coco", "lvis", "parquet", "cvat", "csv", "panoptic"), ("labelme", "geojson", "svg")], ids=",".join
)
def test_what_was_saved_finds_its_images_from_anywhere(
    sampipe: Sampipe, job: Path, tmp_path: Path, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths on the command line are relative; whoever reads is in another folder, which has a file of that path."""
    (tmp_path / "elsewhere" / "job" / "one").mkdir(parents=True)
    (tmp_path / "elsewhere" / "job" / "one" / "same.png").write_bytes(b"another")
    monkeypatch.chdir(tmp_path)
    words = ("--detector", boxes(tmp_path, "cup"), "--save", ",".join(names), "--images", "none", "--out", "runs/ds")
    sampipe("segment", "job", "--recursive", *words)
    monkeypatch.chdir(tmp_path / "elsewhere")
    wanted = {"one/same.png": job / "one" / "same.png", "two/same.jpg": job / "two" / "same.jpg"}
    for name in ("parquet", *names):
        data = read_dataset(tmp_path / "runs" / "ds", name)
        images = {image.name: image for image in (reads() for reads in data.images)}
        assert data.report.left_out == {}, name
        assert {image.path.resolve() for image in images.values()} == set(wanted.values()), name
        if names[0] == "coco" or name == "parquet":  # files beside images are named from where they lie
            assert {key: image.path.resolve() for key, image in images.items()} == wanted, name
    shutil.rmtree(tmp_path / "runs" / "ds" / "rows")
    if "parquet" in names:  # images.parquet, which rows come before
        again = {
            image.name: image.path.resolve()
            for image in (one() for one in read_dataset(tmp_path / "runs" / "ds", "parquet").images)
        }
        assert again == wanted


@pytest.mark.parametrize("name", ["png", "sa1b"])
def test_what_is_saved_without_images_finds_them(sampipe: Sampipe, job: Path, tmp_path: Path, name: str) -> None:
    """Also where nothing but the saved files and the job's notes are left; the two are of one name."""
    folder = tmp_path / "ds"
    words = ("--detector", boxes(tmp_path, "cup"), "--save", name, "--images", "none", "--out", folder)
    sampipe("segment", job, "--recursive", *words)
    assert format_of(folder) == ("parquet" if name == "png" else name)  # rows hold the labels, too
    shutil.rmtree(folder / "rows")
    assert format_of(folder) == name
    done = sampipe("data", "convert", folder, tmp_path / "to")
    assert "2 objects in 2 images" in done.stdout and done.stderr.splitlines()[-1].endswith("in 2 images, kept 2")
    images = [reads() for reads in read_dataset(tmp_path / "to").images]
    assert {(image.name, image.open().hw) for image in images} == {
        ("one/same.png", (48, 64)),
        ("two/same.jpg", (48, 64)),
    }


def test_label_maps_alone_say_that_their_images_are_missing(sampipe: Sampipe, job: Path, tmp_path: Path) -> None:
    folder, alone = tmp_path / "ds", tmp_path / "alone"
    sampipe("segment", job / "one", "--box", "5,5,50,40", "--save", "png", "--out", folder)
    alone.mkdir()
    shutil.copy(folder / "same.labels.png", alone)
    refused = sampipe("data", "convert", alone, tmp_path / "to", ok=False)
    assert refused.exit_code == 1 and "put it there, or write no images (--images none)" in refused.stderr
    done = sampipe("data", "convert", alone, tmp_path / "to", "--images", "none")
    assert "1 object" in done.stdout and "noted 1: image file is not there" in done.stderr
    shutil.copy(job / "one" / "same.png", alone)
    assert [reads().open().hw for reads in read_dataset(alone).images] == [(48, 64)]


def test_a_job_whose_rows_are_gone_says_what_to_do(sampipe: Sampipe, job: Path, tmp_path: Path) -> None:
    words = ("--box", "5,5,50,40", "--save", "yolo", "--images", "none", "--out", tmp_path / "ds")
    sampipe("segment", job / "one", *words)
    shutil.rmtree(tmp_path / "ds" / "rows")
    with pytest.raises(DataError, match="save again with --images link"):
        format_of(tmp_path / "ds")
