from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image as PilImage
from typer.testing import CliRunner, Result

from sampipe.cli import app
from sampipe.cli._words import counted_labels
from sampipe.graph import Graph
from sampipe.models.precision import is_fast_here
from sampipe.types import RLE

Sampipe = Callable[..., Result]
Printed = Callable[[Result], Any]


def coco(out: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((out / "annotations.json").read_text())
    return document


def exports(out: Path) -> list[str]:
    """The files beside those of the job itself."""
    return sorted(
        path.name
        for path in out.iterdir()
        if path.name not in (".lock", ".sampipe-files", "manifest.parquet", "job.json", "rows")
    )


def size_of(path: str | Path) -> tuple[int, int]:
    with PilImage.open(path) as picture:
        return picture.size


def test_without_prompt_everything_is_segmented_and_saved(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    result = sampipe("segment", photos, "--model", tiny_model, "--out", out)
    assert exports(out) == ["a.overlay.png", "annotations.json", "b.overlay.png"]
    assert size_of(out / "a.overlay.png") == (64, 48)
    found = coco(out)
    assert [image["file_name"] for image in found["images"]] == ["a.png", "b.jpg"]
    assert {one["image_id"] for one in found["annotations"]} == {1, 2}
    assert "a.overlay.png" in result.stdout
    assert f"{len(found['annotations'])} objects in 2 images" in result.stdout


def test_saves_what_is_asked_for_and_nothing_else(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    out = tmp_path / "out"
    words = ("--box", "5,5,30,30", "--save", "png,yolo", "--model", tiny_model, "--out", out, "--json")
    document = printed(sampipe("segment", photos / "a.png", *words))
    named = {*document["images"][0]["files"], *document["files"]}
    there = {str(path) for name in exports(out) for path in (out / name, *(out / name).rglob("*")) if path.is_file()}
    assert named == there
    assert {str(out / name) for name in ("labels/a.txt", "classes.txt")} <= there


def test_saves_what_hides_a_part_and_what_the_boxes_show(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("--box", "5,5,30,30", "--save", "blur,pixelate,crops,png", "--model", tiny_model, "--out", out)
    sampipe("segment", photos / "a.png", *words)
    given = np.asarray(PilImage.open(photos / "a.png").convert("RGB"))
    mask = np.asarray(PilImage.open(out / "a.labels.png")) > 0
    blurred, hidden = (np.asarray(PilImage.open(out / f"a.{kind}.png")) for kind in ("blur", "pixelate"))
    assert np.array_equal(blurred[mask], given[mask]) and np.array_equal(hidden[~mask], given[~mask])
    rows, columns = (slice(found.min(), found.max() + 1) for found in np.nonzero(mask))
    assert np.array_equal(np.asarray(PilImage.open(out / "a.0001.crop.png")), given[rows, columns])


def test_json_is_one_document_with_the_numbers(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    out = tmp_path / "out"
    boxes = ("--box", "5,5,30,30", "--box", "20,10,60,40")
    document = printed(sampipe("segment", photos, *boxes, "--model", tiny_model, "--out", out, "--json"))
    assert [len(row["objects"]) for row in document["images"]] == [2, 2]
    assert document["files"] == [str(out / "annotations.json")]
    assert document["errors"] == []
    row = document["images"][0]
    assert row["image"] == str(photos / "a.png")
    assert (row["width"], row["height"], row["device"]) == (64, 48, "cpu")
    assert row["seconds"] > 0
    scores = [one["predicted_iou"] for one in coco(out)["annotations"] if one["image_id"] == 1]
    assert [one["predicted_iou"] for one in row["objects"]] == pytest.approx(scores, abs=1e-5)
    assert {"label", "score", "area", "box"} <= row["objects"][0].keys()
    assert row["counts"] == {"": 2} and "rle" not in row["objects"][0]


@pytest.mark.parametrize(("shapes", "key"), [("rle", "rle"), ("polygon", "polygons")])
def test_json_gives_shapes_on_request(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed, shapes: str, key: str
) -> None:
    words = ("--box", "5,5,30,30", "--model", tiny_model, "--out", tmp_path / "out", "--json", "--shapes", shapes)
    [one] = printed(sampipe("segment", photos / "a.png", *words))["images"][0]["objects"]
    if shapes == "rle":
        assert RLE.from_coco(one["rle"]).area == one["area"]
    else:
        assert one["area"] == 0 or len(one["polygons"][0]["outline"]) >= 4
    assert key in one


def test_a_second_run_replaces_what_is_done_and_a_failed_one_blocks_nothing(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    sampipe("segment", photos, "--model", "vit_z", "--out", out, ok=False)
    sampipe("segment", photos / "a.png", "--box", "5,5,30,30", "--model", tiny_model, "--out", out)
    sampipe("segment", photos / "b.jpg", "--box", "5,5,20,20", "--model", tiny_model, "--out", out)
    assert [image["file_name"] for image in coco(out)["images"]] == ["b.jpg"]


def test_an_unfinished_job_is_not_replaced_but_resumed(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sampipe.cli._reports import Table

    out, words = tmp_path / "out", ("--box", "5,5,30,30", "--model", tiny_model, "--out", tmp_path / "out")

    def stop(self: Table, progress: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Table, "row", stop)
        result = sampipe("segment", photos, *words, ok=False)
    assert "--resume --out" in result.stderr
    manifest = [{"path": str(photos / name)} for name in ("a.png", "b.jpg", "c.png")]
    pq.write_table(pa.Table.from_pylist(manifest), out / "manifest.parquet")  # as if there were one more
    assert "holds a job already" in sampipe("segment", photos, *words, ok=False).stderr


def test_subfolders_are_named_or_taken(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    (photos / "inner").mkdir()
    PilImage.new("RGB", (30, 20), "red").save(photos / "inner" / "c.png")
    words = ("segment", photos, "--box", "2,2,15,15", "--model", tiny_model, "--out", tmp_path / "out", "--json")
    result = sampipe(*words)
    assert "images in inner are passed over; --recursive takes them" in result.stderr
    assert len(printed(result)["images"]) == 2
    assert len(printed(sampipe(*words, "--recursive"))["images"]) == 3


def test_an_image_on_stdin(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    words = ["segment", "-", "--box", "5,5,30,30", "--model", str(tiny_model), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words, input=(photos / "b.jpg").read_bytes())
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "stdin.overlay.png").is_file()


def test_an_image_by_url(sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    url = f"file://{photos / 'a.png'}"
    sampipe("segment", url, "--box", "5,5,30,30", "--model", tiny_model, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "a.overlay.png").is_file()


def test_names_are_counted_as_people_do() -> None:
    assert counted_labels({"chair": 3, "dog": 1}) == "3 chairs, 1 dog"
    assert counted_labels({"person": 2, "": 1, "wine glass": 2}) == "2 people, 2 wine glasses, 1 object"
    assert counted_labels({}) == "0 objects"


def test_a_table_in_a_pipe_is_not_wrapped(sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    long = photos / f"{'long_' * 30}.png"
    (photos / "a.png").rename(long)
    result = sampipe("segment", long, "--box", "5,5,30,30", "--model", tiny_model, "--out", tmp_path / "out")
    assert str(long) in result.stdout


def test_a_file_says_which_detector_it_is_of(sampipe: Sampipe, photos: Path, tmp_path: Path) -> None:
    result = sampipe(
        "segment", photos / "a.png", "--detector", tmp_path / "x.onnx", "--out", tmp_path / "out", ok=False
    )
    assert "x.onnx" in result.stderr and "No detector" not in result.stderr


def test_points_with_a_box_are_one_object_and_a_lone_point_gives_one_mask(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    words = ("--model", tiny_model, "--out", tmp_path / "out", "--json")
    both = ("--point", "10,10", "--point", "50,40,0", "--box", "5,5,30,30")
    for prompt in (both, ("--point", "10,10"), ("--point", "10,10", "--point", "12,12")):
        document = printed(sampipe("segment", photos / "a.png", *prompt, *words))
        assert len(document["images"][0]["objects"]) == 1
        assert len(coco(tmp_path / "out")["annotations"]) <= 1


def test_a_detector_by_name(sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed) -> None:
    words = ("--detector", "face", "--model", tiny_model, "--out", tmp_path, "--json")
    document = printed(sampipe("segment", photos / "a.png", *words))
    assert document["images"][0]["objects"] == []
    assert (tmp_path / "a.overlay.png").is_file()
    assert coco(tmp_path)["annotations"] == []


def test_the_same_name_in_two_folders_gives_two_files(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    PilImage.new("RGB", (30, 20), "red").save(other / "a.png")
    out = tmp_path / "out"
    words = ("--box", "2,2,15,15", "--model", tiny_model, "--out", out, "--json")
    document = printed(sampipe("segment", photos, other, *words))
    files = [file for row in document["images"] for file in row["files"]]
    assert len(set(files)) == 3
    assert [size_of(file) for file in files] == [(64, 48), (64, 48), (30, 20)]


def test_a_bad_image_is_reported_and_the_rest_goes_on(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    (photos / "aa.png").write_bytes((photos / "a.png").read_bytes()[:500])
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_text("not a picture")
    out = tmp_path / "out"
    words = ("--box", "2,2,15,15", "--model", tiny_model, "--out", out)
    result = sampipe("segment", photos, tmp_path / "missing.png", *words, "--json", ok=False)
    assert result.exit_code == 1
    document = printed(result)
    assert [Path(row["image"]).name for row in document["images"]] == ["a.png", "b.jpg"]
    failed = [Path(row["image"]).name for row in document["errors"]]
    assert failed == ["missing.png", "aa.png", "empty.jpg", "text.jpg"]
    lines = result.stderr.splitlines()
    assert len(lines) == 4
    for name, line in zip(failed, lines, strict=True):
        assert line.startswith("error: ")
        assert line.count(name) == 1
    assert exports(out) == ["a.overlay.png", "annotations.json", "b.overlay.png"]
    assert len(coco(out)["images"]) == 2


def test_only_bad_images_leave_no_annotations(sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").write_text("not a picture")
    result = sampipe("segment", photos / "a.png", "--model", tiny_model, "--out", tmp_path / "out", ok=False)
    assert (result.exit_code, result.stdout) == (1, "")
    assert exports(tmp_path / "out") == []


def test_a_box_outside_the_image_is_dropped_and_said(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, printed: Printed
) -> None:
    boxes = ("--box", "500,500,600,600", "--box", "30,30,5,5", "--box", "7,7,7,20")
    words = ("--model", tiny_model, "--out", tmp_path / "out", "--json")
    result = sampipe("segment", photos / "a.png", *boxes, *words)
    [row] = printed(result)["images"]
    assert (len(row["objects"]), row["prompts_dropped"]) == (1, 2)
    said = " ".join(result.stderr.split())
    assert "1 of 3 boxes was sorted" in said and "were these x, y, width, height?" in said
    assert "error: box 1 of 3 (500, 500, 600, 600) has no area inside the image" in said
    assert "error: box 3 of 3 (7, 7, 7, 20) has no area" in said
    assert len(row["prompt_notes"]) == 3


def test_a_sample_photo(sampipe: Sampipe, tiny_model: Path, tmp_path: Path) -> None:
    sampipe("segment", "sample:coffee", "--box", "170,17,410,308", "--model", tiny_model, "--out", tmp_path)
    assert (tmp_path / "coffee.overlay.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--save", "overlay,gif"), "wanted one or more of"),
        (("--save", ""), "wanted one or more of"),
        (("--box", "1,2,3"), "x1,y1,x2,y2"),
        (("--point", "1"), "wanted x,y"),
        (("--everything", "--box", "1,2,3,4"), "exclude each other"),
        (("--detector", "face", "--point", "1,2"), "exclude each other"),
        (("--confidence", "0.5"), "give --detector"),
        (("--detector", "face", "--confidence", "2"), "confidence"),
    ],
)
def test_usage_errors_exit_with_2_before_anything_is_made(
    sampipe: Sampipe, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    result = sampipe("segment", "x.png", *words, "--out", tmp_path / "out", ok=False)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "vit_z"), "vit_z"),
        (("--detector", "facee"), "Did you mean 'face'?"),
        (("--detector", "face", "--confidence", "0.5"), "confidence"),
        (("--device", "quantum"), "quantum"),
    ],
)
def test_what_is_wrong_for_every_image_is_said_once(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    model = () if "--model" in words else ("--model", tiny_model)
    result = sampipe("segment", photos, *words, *model, "--out", tmp_path / "out", ok=False)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
    assert result.stdout == ""


def test_a_pickle_that_runs_code_is_refused(sampipe: Sampipe, photos: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    import pickle

    (tmp_path / "bomb.pth").write_bytes(pickle.dumps(Bomb()))
    result = sampipe("segment", photos, "--model", tmp_path / "bomb.pth", "--out", tmp_path / "out", ok=False)
    assert result.exit_code == 1
    assert "refused" in result.stderr
    assert not (tmp_path / "ran").exists()


def test_out_that_is_a_file_is_one_line(sampipe: Sampipe, tiny_model: Path, photos: Path) -> None:
    result = sampipe("segment", photos, "--model", tiny_model, "--out", photos / "a.png", ok=False)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "a.png" in result.stderr


def test_seconds_are_for_everything(sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    words = ("segment", photos / "a.png", "--model", tiny_model, "--out", tmp_path / "out", "--seconds", "0")
    assert "in 1 image" in sampipe(*words).stdout
    refused = sampipe(*words, "--box", "5,5,30,30", ok=False)
    assert refused.exit_code == 2
    assert "--seconds" in refused.output


def test_precision_batches_and_timing(sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    words = ("segment", photos, "--box", "5,5,30,30", "--model", tiny_model, "--save", "none")
    exact = sampipe(*words, "--out", tmp_path / "a", "--batch-size", 2, "--timing")
    assert re.search(r"start [\d.]+ s, torch [\d.]+ s, model [\d.]+ s, images [\d.]+ s", exact.stderr)
    half = sampipe(*words, "--out", tmp_path / "b", "--precision", "bf16", "--device", "cpu")
    assert half.exit_code == 0
    assert ("bf16 is slower than exact" in half.stderr) == (not is_fast_here("bf16", torch.device("cpu")))
    assert "wanted one of exact, bf16, fp16" in sampipe(*words, "--precision", "half", ok=False).stderr


@pytest.mark.parametrize("command", ["run", "video"])
def test_jobs_and_videos_have_a_precision_too(
    sampipe: Sampipe, tiny_model: Path, photos: Path, tmp_path: Path, command: str
) -> None:
    graph = Graph.from_yaml(
        "sampipe: 1\ninputs: {image: Image}\nnodes:\n"
        f"  everything: {{type: sampipe.SegmentEverything@1, params: {{model: {tiny_model}, points_per_side: 1}}, "
        "inputs: {image: $image}}\noutputs: {masks: everything.masks}\n"
    )
    (tmp_path / "graph.yaml").write_text(graph.to_yaml())
    words: dict[str, tuple[object, ...]] = {
        "run": ("run", tmp_path / "graph.yaml", photos / "a.png", "--save", "none"),
        "video": ("video", "sample:coffee", "--graph", tmp_path / "graph.yaml", "--frames", 1, "--save", "rows"),
    }
    refused = sampipe(*words[command], "--out", tmp_path / "out", "--precision", "half", ok=False)
    assert "wanted one of exact, bf16, fp16" in refused.stderr
    half = sampipe(*words[command], "--out", tmp_path / "out", "--precision", "bf16")
    assert half.exit_code == 0
