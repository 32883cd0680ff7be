"""TIFF of every photometric, planar layout, width and sign: as tifffile wrote it, by the rules of Image.open."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.image import image_hw

NUMBERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float16", "float32", "float64"]
CHANNELS = {"minisblack": 1, "miniswhite": 1, "rgb": 3, "separated": 4}


def values_of(dtype: str, channels: int) -> np.ndarray:
    """The whole range of the type, its ends as well."""
    limits = np.finfo(dtype) if dtype.startswith("f") else np.iinfo(dtype)
    low, high = (0, 1) if dtype.startswith("f") else (limits.min, limits.max)
    values = np.linspace(float(low), float(high), 11 * 13 * channels, dtype=np.float64)
    values = np.random.default_rng(3).permutation(values).clip(low, np.nextafter(float(high), 0)).astype(dtype)
    values[:2] = low, high
    return values.reshape(11, 13, channels)


def expected(values: np.ndarray, photometric: str) -> np.ndarray:
    if values.dtype == np.uint8:
        scaled = values.astype(float)
    elif values.dtype == np.uint16:
        scaled = values / 65535 * 255
    else:
        wide = values.astype(float)
        scaled = (wide - wide.min()) / (wide.max() - wide.min()) * 255
    if photometric == "separated":
        return (255 - scaled[..., :3]) * (255 - scaled[..., 3:]) / 255
    return 255 - scaled if photometric == "miniswhite" else scaled


def write(values: np.ndarray, **how: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **how)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("photometric", CHANNELS)
@pytest.mark.parametrize("dtype", NUMBERS)
def test_samples_are_read_right(dtype: str, photometric: str, planar: str, order: str) -> None:
    values = values_of(dtype, CHANNELS[photometric])
    layout = values if planar == "contig" else np.moveaxis(values, -1, 0)
    if values.shape[2] == 1:
        layout, planar = values[..., 0], "contig"
    data = write(layout, photometric=photometric, planarconfig=planar, byteorder=order)
    try:
        read = Image.from_bytes(data).pixels
    except DataError as error:  # 8 bits are Pillow's, which refuses a few signed layouts: in words, not wrong
        assert dtype == "int8" and "does not convert" in str(error)
        return
    assert np.abs(read - expected(values, photometric)).max() <= 2


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint16", "int16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_compressed_grey_is_right_or_refused(dtype: str, photometric: str) -> None:
    values = values_of(dtype, 1)[..., 0]
    try:
        read = Image.from_bytes(write(values, photometric=photometric, compression="zlib")).pixels
    except DataError:
        assert photometric == "miniswhite" and dtype not in ("uint8", "uint16")
        return
    assert np.abs(read[..., 0] - expected(values, photometric)).max() <= 1


def test_transparency_beyond_8_bits_lies_on_white() -> None:
    rgba = np.zeros((4, 5, 4), np.uint16)
    rgba[:, 2:] = 65535, 0, 0, 65535
    read = Image.from_bytes(write(rgba, photometric="rgb", extrasamples=["unassalpha"])).pixels
    assert (read[:, :2] == 255).all() and (read[:, 2:] == [255, 0, 0]).all()
    half = np.full((4, 5, 4), 32768, np.uint16)  # premultiplied: white at half
    assert (Image.from_bytes(write(half, photometric="rgb", extrasamples=["assocalpha"])).pixels == 255).all()


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_orientation_counts_and_the_size_is_that_of_the_header(orientation: int, tmp_path: Path) -> None:
    values = values_of("uint16", 3)
    tag = (274, "H", 1, orientation, True)
    (tmp_path / "a.tif").write_bytes(write(values, photometric="rgb", extratags=[tag]))
    image = Image.open(tmp_path / "a.tif")
    assert image.hw == image_hw(tmp_path / "a.tif") == ((13, 11) if orientation > 4 else (11, 13))
    corner = {1: (0, 0), 3: (-1, -1), 6: (0, -1), 7: (-1, -1)}[orientation]
    assert np.abs(image.pixels[corner] - expected(values, "rgb")[0, 0]).max() <= 1


def test_more_channels_than_colors_name_who_reads_them() -> None:
    with pytest.raises(DataError, match=r"7 channels.*Raster"):
        Image.from_bytes(write(np.zeros((4, 5, 7), np.uint16), photometric="minisblack", planarconfig="contig"))


def test_a_file_cut_short_is_refused() -> None:
    data = write(values_of("uint16", 3), photometric="rgb")
    with pytest.raises(DataError, match="cut short"):
        Image.from_bytes(data[:-100])


def test_a_size_beyond_the_limit_is_refused_from_the_header() -> None:
    with pytest.raises(DataError, match="more than the limit of 100"):
        Image.from_bytes(write(values_of("float64", 3), photometric="rgb"), max_pixels=100)
