from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from sampipe.data.bsds import read_bsds, write_bsds
from sampipe.errors import DataError
from sampipe.measure.quality.bsds import count_edges, score_edges
from sampipe.measure.quality.edges import Edges
from sampipe.measure.quality.edges_classical import canny, sobel
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.smoke import write_edges
from sampipe.measure.quality.task import Request, evaluate
from sampipe.types import Image


def measure(model: str, data: Path, points_per_side: int = 16, **asked: Any) -> Evaluation:
    return evaluate(Edges(points_per_side=points_per_side), Request(model=model, data=data, **asked))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_edges(tmp_path / "bsds")


def perfect_edges(photos: Path, folder: Path, shift: int = 0) -> Path:
    """What the first annotator drew, as edge maps; with ``shift`` those of another photo."""
    folder.mkdir()
    pictures = read_bsds(photos)
    for number, picture in enumerate(pictures):
        drawn = pictures[(number + shift) % len(pictures)].boundaries()[0]
        PilImage.fromarray(drawn.astype(np.uint8) * 255).save(folder / f"{picture.path.stem}.png")
    return folder


def test_edges_from_a_folder_count_as_its_files_say(tmp_path: Path) -> None:
    y, x = np.mgrid[:48, :64]
    for number in range(3):
        region = x + 0 * y < 15 + 15 * number  # a straight line, which thinning leaves as it is
        write_bsds(tmp_path / "bsds", "val", str(number), np.zeros((48, 64, 3), np.uint8), [region])
    perfect = perfect_edges(tmp_path / "bsds", tmp_path / "perfect")
    summary = measure(str(perfect), tmp_path / "bsds", competitors=()).summary
    assert [summary[key] for key in ("ods", "ois", "ap", "r50")] == [1, 1, 1, 1]
    shuffled = perfect_edges(tmp_path / "bsds", tmp_path / "shuffled", shift=1)
    assert measure(str(shuffled), tmp_path / "bsds", competitors=()).summary["ods"] == 0


def test_a_model_and_its_competitors(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    evaluation = measure(
        str(tiny_model),
        photos,
        2,
        limit=1,
        out=tmp_path / "out",
        progress=lambda *now: told.append(now),
    )
    assert (evaluation.task, evaluation.n, told) == ("edges", 1, [(1, 1)])
    summary = evaluation.summary
    assert summary["sobel_ods"] > 0.4
    assert {"ods", "canny_ods", "seconds_per_image", "canny_seconds_per_image"} <= set(summary)
    assert len(summary["precision"]) == len(summary["canny_recall"]) == 99
    assert [row["image"] for row in evaluation.rows] == ["smoke2.jpg"]
    assert summary["competitors"] == ["sobel", "canny"]
    for name in ("model", "sobel", "canny"):
        saved = np.asarray(PilImage.open(tmp_path / "out" / "edges" / name / "smoke2.png"))
        assert saved.shape == (48, 64)
    json.loads(evaluation.to_json())


def test_what_was_saved_counts_as_what_was_measured(photos: Path, tmp_path: Path) -> None:
    measured = measure("sobel", photos, competitors=(), out=tmp_path / "out")
    again = measure(str(tmp_path / "out" / "edges" / "model"), photos, competitors=())
    assert again.summary["ods"] == pytest.approx(measured.summary["ods"], abs=0.02)  # 8 bits


def test_it_is_resumed(photos: Path, tmp_path: Path) -> None:
    whole = measure("canny", photos, competitors=(), out=tmp_path / "out")
    first, second = sorted((tmp_path / "out" / "images").iterdir())
    second.unlink()
    kept = first.read_bytes()
    assert measure("canny", photos, competitors=(), out=tmp_path / "out").rows == whole.rows
    assert first.read_bytes() == kept
    with pytest.raises(DataError, match="holds another run"):
        measure("sobel", photos, competitors=(), out=tmp_path / "out")


def test_limit_and_digests(photos: Path) -> None:
    one = measure("sobel", photos, limit=1, competitors=())
    assert one.n == 1
    assert len(one.versions["data_digest"]) == 32
    assert one.versions["data_digest"] != measure("sobel", photos, competitors=()).versions["data_digest"]


@pytest.mark.parametrize("detect", [sobel, canny])
def test_classical_methods_draw_a_thin_line_around_a_disc(detect: object) -> None:
    y, x = np.mgrid[:60, :80]
    disc = np.hypot(y - 30, x - 40) <= 18
    image = Image.from_array(np.where(disc[..., None], 220, 30).repeat(3, 2).astype(np.uint8))
    strength = detect(image).strength  # type: ignore[operator]
    assert np.abs(np.hypot(y - 30, x - 40)[strength > 0.3] - 18).max() < 2
    truth = np.zeros_like(disc)
    truth[1:-1, 1:-1] = disc[1:-1, 1:-1] & ~(disc[2:, 1:-1] & disc[:-2, 1:-1] & disc[1:-1, 2:] & disc[1:-1, :-2])
    assert score_edges([count_edges(strength, [truth], max_distance=0.02)]).ods > 0.95


@pytest.mark.parametrize("detect", [sobel, canny])
def test_a_grey_image_has_no_edges(detect: object) -> None:
    assert not detect(Image.from_array(np.full((20, 30, 3), 90, np.uint8))).strength.any()  # type: ignore[operator]


def test_errors(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got prewitt; there are sobel, canny"):
        measure("sobel", photos, competitors=("prewitt",))
    (tmp_path / "edges").mkdir()
    with pytest.raises(DataError, match=r"smoke1\.png"):
        measure(str(tmp_path / "edges"), photos, competitors=())
    PilImage.new("L", (10, 10)).save(tmp_path / "edges" / "smoke1.png")
    with pytest.raises(DataError, match=r"its annotations are \(48, 64\), its edges by model \(10, 10\)"):
        measure(str(tmp_path / "edges"), photos, competitors=())
