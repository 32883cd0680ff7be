"""The notebook of the tour runs from top to bottom and shows its pictures."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import PIL.Image as Pillow
import pytest

nbclient = pytest.importorskip("nbclient", reason='needs nbclient: pip install "sampipe[test]"')
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

TOUR = Path(__file__).parents[2] / "demos" / "tour.ipynb"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each cell gave, by its first words: kind of output to its data."""
    book = nbformat.read(TOUR, as_version=4)
    folder = str(tmp_path_factory.mktemp("tour"))
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": folder}}).execute()
    found = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            outputs: dict[str, Any] = {"text": ""}
            for one in cell.outputs:
                outputs |= one.get("data", {})
                outputs["text"] += one.get("text", "") if one.output_type == "stream" else ""
            found[cell.source.splitlines()[-1]] = outputs
    return found


def size(png: str) -> tuple[int, int]:
    return Pillow.open(io.BytesIO(base64.b64decode(png))).size


def test_images_edges_and_cutouts_are_pictures(cells: dict[str, dict[str, Any]]) -> None:
    assert size(cells["image"]["image/png"]) == (600, 400)
    assert size(cells["masks.plot(image)"]["image/png"]) == (600, 400)
    assert size(cells["masks.crop(0, image, margin=10)"]["image/png"])[0] < 600
    edges = next(data for line, data in cells.items() if line.endswith(".edges"))
    assert size(edges["image/png"]) == (600, 400)


def test_prompts_and_masks_are_tables(cells: dict[str, dict[str, Any]]) -> None:
    assert cells["prompts"]["text/html"].count("<tr>") == 4
    assert "spoon" in cells["masks.to_dataframe()"]["text/html"]


def test_a_graph_is_drawn(cells: dict[str, dict[str, Any]]) -> None:
    assert "CleanMasks" in cells["graph"]["image/svg+xml"]


def test_a_result_shows_its_masks_on_the_image(cells: dict[str, dict[str, Any]]) -> None:
    html = cells["result"]["text/html"]
    drawn = re.findall(r"data:image/png;base64,([^\"]+)", html)
    assert [size(one) for one in drawn] == [(600, 400), (600, 400)], "the drawing, and the masks on the image"
    assert "<h4>masks</h4>" in html and "saucer" in html
    assert cells["result"]["text"].startswith("Result\n  image")


def test_progress_is_shown_and_a_bad_file_is_one_item(cells: dict[str, dict[str, Any]]) -> None:
    text = next(data for line, data in cells.items() if line == "    print(found)")["text"]
    assert "3/3" in text and "1 failed" in text
    assert "no_such_file.jpg cannot be loaded" in text
    assert "Warning" not in text
