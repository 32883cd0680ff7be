from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.morphology import convex_hull_image

from sampipe.errors import DataError
from sampipe.measure.quality.dataset import Dataset
from sampipe.measure.quality.dataset_shapes import center, concavity, relative_size
from sampipe.measure.quality.page import write_page
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.task import Request, evaluate
from sampipe.types import RLE


def measure(data: Path, places: Path | None = None, **asked: Any) -> Evaluation:
    return evaluate(Dataset(places=places), Request(data=data, **asked))


Y, X = np.mgrid[:40, :60]


def test_a_rectangle_has_no_concavity_and_an_l_has_what_can_be_reckoned() -> None:
    rectangle = (X >= 10) & (X < 30) & (Y >= 5) & (Y < 25)
    assert concavity(RLE.from_mask(rectangle)) == 0
    missing = rectangle & ~((X >= 20) & (Y < 15))  # a quarter of 20 x 20: the hull lacks half of that quarter
    assert concavity(RLE.from_mask(missing)) == pytest.approx(1 - 300 / 350)
    assert concavity(RLE.from_mask((X == 3) & (Y == 7))) == 0
    apart = ((X == 0) | (X == 9)) & (Y < 10)
    assert concavity(RLE.from_mask(apart)) == pytest.approx(0.8)


@pytest.mark.parametrize("seed", range(5))
def test_concavity_as_scikit_image_has_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((40, 60), bool)
    for x, y in rng.integers(5, 35, (4, 2)):
        mask |= np.hypot(X - x, Y - y) < rng.uniform(2, 8)
    hull = convex_hull_image(mask).sum()
    assert concavity(RLE.from_mask(mask)) == pytest.approx(1 - mask.sum() / hull, abs=0.03)  # pixels cut or whole


def test_centre_and_size() -> None:
    mask = np.random.default_rng(0).random((40, 60)) < 0.1
    ys, xs = np.nonzero(mask)
    assert center(RLE.from_mask(mask)) == pytest.approx(((xs + 0.5).mean() / 60, (ys + 0.5).mean() / 40))
    assert center(RLE.from_mask(np.ones((40, 60), bool))) == pytest.approx((0.5, 0.5))
    assert relative_size(RLE.from_mask((X < 15) & (Y < 40))) == pytest.approx(0.5)


def test_figures_of_two_images(coco_folder: Path) -> None:
    """An ellipse and a box of 40 x 30 on the first image of 80 x 60, the ellipse again on the second."""
    evaluation = measure(coco_folder)
    summary = evaluation.summary
    assert (summary["kind"], summary["images"], summary["masks"], evaluation.n) == ("coco", 2, 3, 3)
    assert summary["masks_per_image"] == 1.5
    assert summary["masks_per_image_bins"]["1 to 9"] == 1
    assert sum(summary["masks_per_image_bins"].values()) == 1
    ellipse, box = np.pi * 20 * 15 / 4800, 0.25 - 11 / 4800
    assert summary["mean_relative_size"] == pytest.approx((2 * ellipse**0.5 + box**0.5) / 3, abs=0.02)
    assert (summary["share_small"], summary["share_medium"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert summary["mean_concavity"] < 0.05
    assert np.array(summary["center_heat_map"]).sum() == pytest.approx(1)
    assert np.array(summary["center_heat_map"])[13, 12] == pytest.approx(2 / 3)
    json.loads(evaluation.to_json())


def test_tables_of_places(coco_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("image,country,income\n1.jpg,Kenya,\nother.jpg,Peru,high\n")
    places = measure(coco_folder, places=table).summary["places"]
    assert places["country"] == [
        {"country": "Kenya", "images": 1, "share_of_images": 0.5, "masks": 2, "masks_per_image": 2.0},
        {"country": "unknown", "images": 1, "share_of_images": 0.5, "masks": 1, "masks_per_image": 1.0},
    ]
    assert [row["income"] for row in places["income"]] == ["unknown"]
    table.write_text("file,country\n")
    with pytest.raises(DataError, match="its columns are file, country; wanted image"):
        measure(coco_folder, places=table)


def test_it_is_resumed(coco_folder: Path, tmp_path: Path) -> None:
    whole = measure(coco_folder, out=tmp_path / "out")
    files = sorted((tmp_path / "out" / "images").iterdir())
    files[0].unlink()
    told: list[tuple[int, int]] = []
    again = measure(coco_folder, out=tmp_path / "out", progress=lambda *now: told.append(now))
    assert again.rows == whole.rows
    assert told == [(2, 2)]
    with pytest.raises(DataError, match="holds another run"):
        measure(coco_folder, out=tmp_path / "out", limit=1)


def test_nothing_large_enough_is_an_error(coco_folder: Path) -> None:
    with pytest.raises(DataError, match="no mask of at least 4000 px²"):
        measure(coco_folder, min_area=4000)
    with pytest.raises(DataError, match="a data set is compared with none"):
        measure(coco_folder, competitors=["ellipse"])


def test_the_page_holds_plot_and_tables_and_no_markup_of_others(coco_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("image,country\n1,<b>Kenya</b>\n")
    write_page(Dataset(places=table), measure(coco_folder, places=table), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert 'src="data:image/png;base64,iVBOR' in page
    assert "&lt;b&gt;Kenya&lt;/b&gt;" in page and "<b>" not in page
    assert "1.5 (95 %: 1.0 to 2.0)" in page
    assert "http" not in page
