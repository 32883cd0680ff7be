"""Each format gives back what it was given, as far as it can hold it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from round_trips import any_masks, assert_same

from sampipe.data.cutouts import read_cutout, write_cutouts
from sampipe.data.cvat import read_cvat, write_cvat
from sampipe.data.geojson import read_geojson, write_geojson
from sampipe.data.label_png import read_labels, write_labels
from sampipe.data.label_studio import read_label_studio, write_label_studio
from sampipe.data.labelme import read_labelme, write_labelme
from sampipe.data.svg import read_svg, write_svg
from sampipe.errors import DataError
from sampipe.types import Image, Masks


@given(any_masks())
def test_labelme(masks: Masks) -> None:
    assert_same(read_labelme(write_labelme(masks, "a.jpg")), masks)


@given(any_masks())
def test_labelme_polygons_fill_all_but_holes(masks: Masks) -> None:
    from scipy import ndimage

    read = read_labelme(write_labelme(masks, "a.jpg", polygons=True, tolerance=0))
    assert read.prompts.labels == masks.prompts.labels
    for got, pixels in zip(read.iter_binary(), masks.iter_binary(), strict=True):
        closed, open_at_corners = (ndimage.binary_fill_holes(pixels, s) for s in (None, np.ones((3, 3))))
        assert (got >= open_at_corners).all() and (got <= closed).all()  # a hole that touches a corner is neither


@given(any_masks(scored=True))
def test_label_studio(masks: Masks) -> None:
    assert_same(read_label_studio(write_label_studio(masks, "a.jpg"), masks.hw), masks, scores=True)


@given(st.lists(any_masks(), max_size=3))
def test_cvat(pictures: list[Masks]) -> None:
    named = {f"{i}.jpg": masks for i, masks in enumerate(pictures)}
    read = read_cvat(write_cvat(named.items()))
    assert list(read) == list(named)
    for name, masks in named.items():
        assert_same(read[name], masks)


@given(any_masks(overlapping=False))
def test_16_bit_labels(masks: Masks) -> None:
    assert_same(read_labels(write_labels(masks)), masks, labels=False)


@given(any_masks())
def test_svg(masks: Masks) -> None:
    assert_same(read_svg(write_svg(masks)), masks)


@given(
    any_masks(scored=True),
    st.sampled_from([(1, 0, 0, 0, 1, 0), (0.5, 0, 500_000, 0, -0.5, 4_600_000), (2, 1, 3, -1, 2, 9)]),
)
def test_geojson(masks: Masks, transform: tuple[float, ...]) -> None:
    text = write_geojson(masks, transform=transform, crs="EPSG:32632")
    assert_same(read_geojson(text, masks.hw, transform=transform), masks, scores=True)


@given(any_masks(), st.integers(0, 3))
def test_cutouts(masks: Masks, margin: int) -> None:
    rng = np.random.default_rng(0)
    image = Image.from_array(rng.integers(0, 255, (*masks.hw, 3), dtype=np.uint8))
    for pixels, png in zip(masks.iter_binary(), write_cutouts(image, masks, whole=True), strict=True):
        assert png is not None
        np.testing.assert_array_equal(read_cutout(png), pixels)
    for pixels, png in zip(masks.iter_binary(), write_cutouts(image, masks, margin=margin), strict=True):
        assert png is not None
        assert read_cutout(png).sum() == pixels.sum()


@pytest.mark.parametrize(
    "read",
    [
        lambda text: read_labelme(text),
        lambda text: read_label_studio(text),
        lambda text: read_cvat(text),
        lambda text: read_svg(text.decode("latin1")),
        lambda text: read_geojson(text, (3, 3)),
        lambda text: read_labels(text),
        lambda text: read_cutout(text),
    ],
)
@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b"<a/>", b"\x89PNG\r\n\x1a\nnot really", b'{"type": 3, "shapes": 1}']
)
def test_what_is_no_such_file_is_a_data_error(read: object, text: bytes) -> None:
    with pytest.raises(DataError):
        read(text)  # type: ignore[operator]


def test_xml_that_could_grow_without_bound_is_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><annotations>&c;</annotations>'
    for read in (read_cvat, read_svg):
        with pytest.raises(DataError, match="document type"):
            read(bomb)
        with pytest.raises(DataError):
            read_cvat(bomb.encode("utf-16"))


def test_the_brush_bits_are_those_of_label_studio() -> None:
    """A case worked out by hand: 2 pixels, the second inside: 8 values, two runs of 4."""
    from sampipe.data.label_studio import encode_brush

    bits = f"{8:032b}" + f"{7:05b}" + "0010001101111111"
    bits += f"100{3:03b}{0:08b}" + f"100{3:03b}{255:08b}"
    bits += "0" * (-len(bits) % 8)
    assert encode_brush(np.array([[False, True]])) == [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def test_rings_turn_as_the_standard_wants() -> None:
    import json

    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    feature = json.loads(write_geojson(Masks.from_binary(ring[None])))["features"][0]
    exterior, hole = (np.array(one) for one in feature["geometry"]["coordinates"])

    def turn(points: np.ndarray) -> float:
        x, y = points.T
        return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))

    assert turn(exterior) > 0 > turn(hole)
    assert (exterior[0] == exterior[-1]).all()
    assert feature["properties"]["area"] == 8
