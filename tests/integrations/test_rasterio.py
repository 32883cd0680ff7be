"""Rasters, read and written by the real rasterio: tiles, borders, coordinates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.features import rasterize
from rasterio.transform import Affine
from sampipe_integrations.rasterio import Raster

import sampipe as sp
from sampipe.nodes import Annotate

TRANSFORM = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)  # half a metre a pixel, in UTM zone 32 north
BOXES = [(10, 20, 70, 60), (90, 5, 130, 110), (20, 75, 60, 115), (140, 70, 158, 118)]


@sp.register("raster_test")
class Bright(sp.Node):
    """Each connected bright region is an object."""

    def run(self, image: sp.Image) -> sp.Masks:
        from scipy import ndimage

        parts, count = ndimage.label(image.pixels[..., 0] > 100)
        return sp.Masks.from_binary([parts == i + 1 for i in range(count)]) if count else sp.Masks.empty(image.hw)


def write_raster(path: Path, pixels: np.ndarray, **profile: object) -> Path:
    count, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=pixels.dtype, crs="EPSG:32632",
        transform=TRANSFORM, **profile,
    ) as file:  # fmt: skip
        file.write(pixels)
    return path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    pixels = np.full((4, 120, 160), 30, np.uint8)
    for x0, y0, x1, y1 in BOXES:
        pixels[:3, y0:y1, x0:x1] = 200
    return write_raster(tmp_path / "scene.tif", pixels)


def test_objects_over_borders_are_whole_and_lie_where_they_are_on_the_map(scene: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Raster(scene) as raster:
        assert (raster.hw, raster.crs) == ((120, 160), "EPSG:32632")
        masks = raster.segment(Bright(), tile=64, overlap=0.25, progress=lambda done, total: told.append((done, total)))
        raster.save_geojson(masks, tmp_path / "out" / "scene.geojson")
        raster.save_labels(masks, tmp_path / "out" / "labels.tif")
    assert told[-1] == (9, 9)
    assert sorted(map(tuple, masks.boxes().astype(int).tolist())) == sorted(BOXES)
    document = json.loads((tmp_path / "out" / "scene.geojson").read_text())
    assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32632"
    shapes = [(one["geometry"], one["id"]) for one in document["features"]]
    burnt = rasterize(shapes, out_shape=(120, 160), transform=TRANSFORM, dtype="uint32")
    with rasterio.open(tmp_path / "out" / "labels.tif") as labels:
        assert labels.crs == "EPSG:32632" and labels.transform == TRANSFORM and labels.nodata == 0
        np.testing.assert_array_equal(labels.read(1), burnt)  # what rasterio makes of the outlines
    assert len(np.unique(burnt)) == 1 + len(BOXES)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["labels.tif", "scene.geojson"]


def test_tiles_give_what_the_whole_gives(scene: Path) -> None:
    with Raster(scene) as raster:
        tiled = raster.segment(Bright(), tile=64, overlap=0.3)
        whole = Bright().run(raster.read((0, 0, 160, 120)))
    assert {rle.counts for rle in tiled.rle()} == {rle.counts for rle in whole.rle()}


def test_other_numbers_are_stretched_alike_in_every_tile(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 3000, 100 * 80).reshape(1, 100, 80)
    ramp[0, 0, 0] = np.nan
    with Raster(write_raster(tmp_path / "float.tif", ramp.astype(np.float32))) as raster:
        left, right = (raster.read(window).pixels for window in ((0, 0, 50, 100), (40, 0, 80, 100)))
        np.testing.assert_array_equal(left[:, 40:], right[:, :10])
        assert left[0, 0].tolist() == [0, 0, 0] and right[-1, -1].tolist() == [255, 255, 255]
        assert abs(int(left[50, 0, 0]) - 127) < 4
    sixteen = np.random.default_rng(0).integers(300, 900, (5, 40, 50)).astype(np.uint16)
    with Raster(write_raster(tmp_path / "sixteen.tif", sixteen), bands=(4, 3, 2)) as raster:
        pixels = raster.read((0, 0, 50, 40)).pixels
    order = np.argsort(sixteen[3], axis=None)[100:-100]
    assert (np.diff(pixels[..., 0].ravel()[order].astype(int)) >= 0).all(), "red is the fourth band"


def test_what_is_no_raster_says_so(tmp_path: Path, scene: Path) -> None:
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(sp.DataError, match="not a raster that can be read"):
        Raster(tmp_path / "text.tif")
    with pytest.raises(sp.DataError, match="one or three of them"):
        Raster(scene, bands=(1, 9, 2))
    with Raster(scene) as raster:
        with pytest.raises(sp.GraphError, match="masks"):
            raster.segment(Annotate())
        with pytest.raises(sp.DataError, match="wanted masks of it"):
            raster.save_labels(sp.Masks.empty((9, 9)), tmp_path / "labels.tif")


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("uint8", 255), ("uint8", 7), ("uint16", 65535), ("int16", -32768), ("uint32", 2**32 - 1), ("int32", -1),
     ("float32", -3.4028234663852886e38), ("float32", np.inf), ("float64", np.nan), ("float64", 1e300)],
)  # fmt: skip
def test_what_has_no_data_is_black(dtype: str, nodata: float, tmp_path: Path) -> None:
    pixels = np.linspace(20, 120, 3 * 24 * 32).reshape(3, 24, 32).astype(dtype)
    pixels[:, :5], pixels[1, 20, 30] = nodata, nodata
    with Raster(write_raster(tmp_path / "holes.tif", pixels, nodata=nodata)) as raster:
        read = raster.read((0, 0, 32, 24)).pixels
    assert (read[:5] == 0).all() and read[20, 30, 1] == 0
    assert (read[10:20] > 0).all() and read[5:].max() > 100


def test_what_a_mask_or_an_alpha_band_leaves_out_is_black(tmp_path: Path) -> None:
    pixels = np.full((4, 24, 32), 200, np.uint8)
    pixels[3, :, :6] = 0
    with Raster(write_raster(tmp_path / "alpha.tif", pixels, photometric="RGB", alpha="YES")) as raster:
        read = raster.read((0, 0, 32, 24)).pixels
    assert (read[:, :6] == 0).all() and (read[:, 6:] == 200).all()
    path = write_raster(tmp_path / "masked.tif", pixels[:3])
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.arange(24)[:, None] * np.ones(32) > 3)
    with Raster(path) as raster:
        read = raster.read((0, 0, 32, 24)).pixels
    assert (read[:4] == 0).all() and (read[4:] == 200).all()
