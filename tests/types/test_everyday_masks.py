"""Masks in a user's hands: chosen, counted, tabled, cut out, drawn."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import PIL.Image as Pillow
import pytest
import torch

import sampipe as sp


def street() -> sp.Masks:
    """A person with a hole, a dog in two parts, a person of one pixel; 8 x 10."""
    pixels = np.zeros((3, 8, 10), bool)
    pixels[0, 1:6, 1:6] = True
    pixels[0, 3, 3] = False
    pixels[1, 0, 7:9] = pixels[1, 7, 7:9] = True
    pixels[2, 6, 9] = True
    boxes = [[0, 0, 6, 6], [6, 0, 9, 8], [9, 6, 10, 7]]
    prompts = sp.Prompts.from_boxes(
        boxes, labels=["person", "dog", "person"], class_ids=[0, 16, 0], scores=[0.9, 0.5, np.nan]
    )
    return sp.Masks.from_binary(pixels, prompts).replace(iou_scores=np.array([[0.8], [0.7], [np.nan]], np.float32))


def test_choosing() -> None:
    masks = street()
    assert [len(one) for one in masks] == [1, 1, 1]
    assert [one.labels for one in masks] == [("person",), ("dog",), ("person",)]
    assert masks[0].labels == masks[np.int64(0)].labels == ("person",)
    assert masks[-1].area().tolist() == [1]
    assert masks[:2].labels == ("person", "dog")
    assert masks[masks.area() > 3].labels == ("person", "dog")
    assert masks[[2, 1]].labels == ("person", "dog")
    assert masks["person"].area().tolist() == [24, 1]
    assert len(masks["cat"]) == 0 and masks["cat"].hw == (8, 10)
    assert len(sp.Masks.empty((8, 10))["cat"]) == 0
    with pytest.raises(sp.DataError, match="row 3 is not there; there are 3 objects"):
        masks[3]


def test_what_came_with_the_prompts_is_at_hand() -> None:
    masks = street()
    assert masks.labels == ("person", "dog", "person")
    assert masks.class_ids.tolist() == [0, 16, 0]
    assert masks.scores[:2].tolist() == [pytest.approx(0.9), 0.5] and np.isnan(masks.scores[2])
    nameless = sp.Masks.from_binary(np.ones((2, 3, 3)))
    assert nameless.labels == ("", "") and nameless.class_ids.tolist() == [-1, -1]
    assert np.isnan(nameless.scores).all()
    assert masks.counts() == {"person": 2, "dog": 1}
    assert sp.Masks.empty((3, 3)).counts() == {}


def test_the_table() -> None:
    table = street().to_dataframe()
    assert table.columns.tolist() == [
        "label", "class_id", "track_id", "score", "iou", "area", "x0", "y0", "x1", "y1", "center_x", "center_y",
        "parts", "holes",
    ]  # fmt: skip
    assert table["label"].tolist() == ["person", "dog", "person"]
    assert table["area"].tolist() == [24, 4, 1]
    assert table[["x0", "y0", "x1", "y1"]].values.tolist() == [[1, 1, 6, 6], [7, 0, 9, 8], [9, 6, 10, 7]]
    assert table[["center_x", "center_y"]].values.tolist() == [[3.5, 3.5], [8, 4], [9.5, 6.5]]
    assert table["parts"].tolist() == [1, 2, 1] and table["holes"].tolist() == [1, 0, 0]
    assert table["score"].isna().tolist() == [False, False, True]
    assert table["track_id"].isna().all()
    assert len(sp.Masks.empty((3, 3)).to_dataframe()) == 0


def test_csv(tmp_path: Path) -> None:
    text = street().to_csv(tmp_path / "objects.csv")
    assert (tmp_path / "objects.csv").read_text() == text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["label"] == "person" and rows[0]["area"] == "24" and rows[0]["score"] == "0.9"
    assert rows[2]["score"] == "" and rows[2]["iou"] == ""


def test_to_numpy_and_several_candidates() -> None:
    masks = street()
    np.testing.assert_array_equal(masks.to_numpy(), masks.binary())
    three = sp.Masks(
        frame=sp.Frame.fit((8, 10), 16),
        prompts=sp.Prompts.from_points([[3, 3]], labels=["person"]),
        iou_scores=np.array([[0.1, 0.9, 0.2]], np.float32),
        logits=torch.stack([torch.full((4, 4), value) for value in (-1.0, 1.0, -1.0)])[None],
    )
    assert three.to_dataframe()["area"].tolist() == [80]
    assert three[0].num_candidates == 3


def test_cut_out() -> None:
    image = sp.Image(np.full((8, 10, 3), 9, np.uint8))
    cut = street().crop(0, image)
    pixels = np.asarray(cut)
    assert cut.mode == "RGBA" and pixels.shape == (5, 5, 4)
    assert (pixels[2, 2] == 0).all(), "the hole is transparent, and black"
    assert (pixels[0, 0] == (9, 9, 9, 255)).all()
    assert np.asarray(street().crop(2, image, margin=2)).shape == (4, 3, 4), "as far as the image goes"
    with pytest.raises(sp.DataError, match="wanted the image that the masks are of"):
        street().crop(0, sp.Image(np.zeros((9, 9, 3), np.uint8)))
    with pytest.raises(sp.DataError, match="object 0 is empty"):
        sp.Masks.from_binary(np.zeros((1, 8, 10))).crop(0, image)


def test_plot() -> None:
    photo = sp.Image(np.zeros((8, 10, 3), np.uint8))
    drawn = street().plot(photo)
    assert drawn.hw == (8, 10) and drawn.key != photo.key
    assert street().plot().hw == (8, 10), "on grey without an image"
    with pytest.raises(sp.DataError, match="plot: masks of 10 x 8 pixels"):
        street().plot(sp.Image(np.zeros((9, 9, 3), np.uint8)))


def test_an_image_is_saved_by_suffix(tmp_path: Path) -> None:
    image = sp.Image(np.random.default_rng(0).integers(0, 255, (8, 10, 3)).astype(np.uint8))
    image.save(tmp_path / "new" / "a.png")
    assert sp.Image.open(tmp_path / "new" / "a.png").key == image.key
    image.save(tmp_path / "a.JPG")
    assert (tmp_path / "a.JPG").read_bytes().startswith(b"\xff\xd8\xff"), "a JPEG"
    with pytest.raises(sp.DataError, match=r"no image format has the suffix '\.imgae'"):
        image.save(tmp_path / "a.imgae")


def test_show_opens_a_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(Pillow.Image, "show", lambda self, *_: shown.append(self.size))
    sp.Image(np.zeros((8, 10, 3), np.uint8)).show()
    assert shown == [(10, 8)]


def test_notebooks_show_values() -> None:
    photo = sp.Image(np.zeros((8, 10, 3), np.uint8))
    assert Pillow.open(io.BytesIO(photo._repr_png_())).size == (10, 8)
    large = sp.Image(np.zeros((100, 3000, 3), np.uint8))
    assert Pillow.open(io.BytesIO(large._repr_png_())).size == (900, 30), "a preview is small"
    edges = sp.EdgeMap(np.eye(4, dtype=np.float32))
    assert np.asarray(Pillow.open(io.BytesIO(edges._repr_png_()))).tolist() == (np.eye(4) * 255).astype(int).tolist()
    shown = street()._repr_html_()
    assert "data:image/png;base64," in shown and shown.count("<tr>") == 4 and "3 objects: 2 person, 1 dog" in shown
    harmless = sp.Prompts.from_boxes([[0, 0, 2, 2]], labels=["<script>"])._repr_html_()
    assert "&lt;script&gt;" in harmless and "<script>" not in harmless
    many = sp.Masks.from_binary(np.ones((50, 3, 3), bool))._repr_html_()
    assert many.count("<tr>") == 31 and "the first 30 of 50" in many
    assert "0 objects" in sp.Masks.empty((8, 10))._repr_html_()
