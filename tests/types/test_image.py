"""Image: one rule for each kind of picture."""

from __future__ import annotations

import copy
import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image as Pillow
import pytest
from PIL import ImageOps

from sampipe.errors import DataError
from sampipe.types import SAMPLES, Image
from sampipe.types.image import image_hw

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def gray_of(data: bytes) -> list[list[int]]:
    pixels = Image.from_bytes(data).pixels
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()
    return pixels[..., 0].tolist()


# -- the value ---------------------------------------------------------------------------


def test_shape_and_names(tmp_path: Path) -> None:
    image = Image.from_array(RGB)
    assert (image.hw, image.wh, image.height, image.width) == ((5, 7), (7, 5), 5, 7)
    assert image.name == image.key[:12]
    assert repr(image) == "Image(7x5, from an array)"
    path = tmp_path / "street.view.png"
    image.to_pil().save(path)
    read = Image.open(path)
    assert (read.name, read.source) == ("street.view", str(path))
    assert read.key == image.key


def test_the_key_is_the_content() -> None:
    image = Image.from_array(RGB)
    assert image.key == Image.from_array(RGB.copy(), source="elsewhere").key
    assert len(image.key) == 32
    changed = RGB.copy()
    changed[0, 0, 0] ^= 1
    assert image.key != Image.from_array(changed).key
    assert image.key != Image(RGB.reshape(7, 5, 3)).key  # the same bytes in another shape
    assert image.key == Image.from_array(np.asfortranarray(RGB)).key


def test_nobody_can_change_the_pixels() -> None:
    mine = RGB.copy()
    image = Image.from_array(mine)
    mine[:] = 0
    for value in (image, pickle.loads(pickle.dumps(image)), copy.deepcopy(image), image.crop((0, 0, 7, 5))):
        np.testing.assert_array_equal(value.pixels, RGB)
        with pytest.raises(ValueError, match="read-only"):
            value.pixels[0, 0, 0] = 1
    drawn = image.to_pil()
    drawn.paste((0, 0, 0), (0, 0, 7, 5))
    np.testing.assert_array_equal(image.pixels, RGB)


def test_crop() -> None:
    image = Image.from_array(RGB)
    np.testing.assert_array_equal(image.crop((1, 2, 4, 5)).pixels, RGB[2:5, 1:4])
    for box in ((0, 0, 0, 5), (0, 0, 8, 5), (-1, 0, 3, 3), (3, 3, 1, 1)):
        with pytest.raises(DataError, match="width x height"):
            image.crop(box)


def test_color_orders() -> None:
    alpha = np.full((5, 7, 1), 255, np.uint8)
    expected = Image.from_array(RGB).pixels
    np.testing.assert_array_equal(Image.from_bgr(RGB[..., ::-1]).pixels, expected)
    np.testing.assert_array_equal(Image.from_array(np.dstack([RGB, alpha]), color="rgba").pixels, expected)
    swapped = np.dstack([RGB[..., ::-1], alpha])
    np.testing.assert_array_equal(Image.from_array(swapped, color="bgra").pixels, expected)
    gray = Image.from_array(RGB[..., 0], color="gray").pixels
    assert (gray == RGB[..., :1]).all()
    np.testing.assert_array_equal(Image.from_array(RGB[..., :1], color="gray").pixels, gray)


@pytest.mark.parametrize(
    ("array", "color", "message"),
    [
        (RGB.astype(np.float32), "rgb", "got float32 .* wanted uint8"),
        (RGB, "rgba", r"wanted uint8 \(height, width, 4\)"),
        (RGB, "gray", r"wanted uint8 \(height, width, 1\)"),
        (RGB[..., 0], "rgb", r"shape \(5, 7\)"),
        (RGB[:0], "rgb", r"shape \(0, 7, 3\)"),
        (RGB, "cmyk", "wanted one of rgb, bgr"),
    ],
)
def test_arrays_that_are_no_image(array: np.ndarray, color: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Image.from_array(array, color=color)  # type: ignore[arg-type]


# -- samples -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_ships(name: str) -> None:
    image = Image.open(f"sample:{name}")
    assert image.name == name and image.source == f"sample:{name}"
    assert min(image.hw) > 250


def test_an_unknown_sample_lists_the_known() -> None:
    with pytest.raises(DataError, match="'tea'; there are astronaut, chelsea, coffee"):
        Image.open("sample:tea")


# -- one rule for each kind of picture ---------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Pillow.fromarray(RGB), kind, exif=exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))))
    np.testing.assert_array_equal(Image.from_bytes(data).pixels, expected)
    assert Image.from_bytes(data).hw == ((5, 7) if orientation < 5 else (7, 5))
    np.testing.assert_array_equal(Image.from_pil(Pillow.open(io.BytesIO(data))).pixels, expected)


def test_a_jpeg_of_a_phone_held_upright() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    data = encoded(Pillow.new("RGB", (64, 32), (200, 10, 10)), "JPEG", exif=exif)
    assert Image.from_bytes(data).hw == (64, 32)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_changes_nothing(orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(Image.from_bytes(encoded(Pillow.fromarray(RGB), "PNG", exif=exif)).pixels, RGB)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("exif", [b"Exif\0\0junk", b"Exif\0\0MM", b"Exif\0\0MM\0*\0\0\0\x08\0\x09"])
def test_damaged_exif_is_no_reason_to_refuse_a_picture(exif: bytes) -> None:
    data = encoded(Pillow.fromarray(RGB), "PNG", exif=exif)
    np.testing.assert_array_equal(Image.from_bytes(data).pixels, RGB)


def test_cmyk_is_converted() -> None:
    red = Image.from_bytes(encoded(Pillow.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)).pixels
    assert red[..., 0].min() > 240 and red[..., 1:].max() < 15


def test_alpha_is_composited_on_white() -> None:
    picture = Pillow.new("RGBA", (3, 1))
    picture.putdata([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)])
    assert Image.from_bytes(encoded(picture, "PNG")).pixels.tolist() == [[[255, 0, 0], [255] * 3, [127] * 3]]


def test_gray_with_alpha_is_composited_on_white() -> None:
    picture = Pillow.new("LA", (2, 1))
    picture.putdata([(40, 255), (40, 0)])
    assert gray_of(encoded(picture, "PNG")) == [[40, 255]]


def test_palette() -> None:
    picture = Pillow.new("P", (3, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata([0, 1, 2])
    colors = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    assert Image.from_bytes(encoded(picture, "PNG")).pixels.tolist() == [colors]
    for transparency in (1, b"\xff\x00\xff"):  # one index, and an alpha for each color
        seen = Image.from_bytes(encoded(picture, "PNG", transparency=transparency)).pixels.tolist()
        assert seen == [[colors[0], [255, 255, 255], colors[2]]]


def test_a_color_key_is_transparent() -> None:
    picture = Pillow.new("RGB", (2, 1), (1, 2, 3))
    picture.putpixel((0, 0), (9, 9, 9))
    data = encoded(picture, "PNG", transparency=(1, 2, 3))
    assert Image.from_bytes(data).pixels.tolist() == [[[9, 9, 9], [255, 255, 255]]]


def png_of_16_bits(values: list[list[int]], key: tuple[int, ...]) -> bytes:
    """One row of pixels, written by hand: Pillow writes no such file."""
    count = len(key)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(values), 1, 16, 0 if count == 1 else 2, 0, 0, 0)
    row = b"\0" + struct.pack(f">{len(values) * count}H", *(number for pixel in values for number in pixel))
    parts = [(b"IHDR", head), (b"tRNS", struct.pack(f">{count}H", *key)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def test_a_color_key_of_16_bits_is_one_value_of_65536() -> None:
    """Neighbours, and what looks alike in the upper or the lower eight bits, are no key."""
    grey = [[700], [701], [700 & 255], [(700 & 255) << 8]]
    assert gray_of(png_of_16_bits(grey, (700,))) == [[255, 3, 1, 187]]
    colors = [[700, 900, 5000], [700, 901, 5000], [188, 132, 136], [188 << 8, 132 << 8, 136 << 8]]
    seen = Image.from_bytes(png_of_16_bits(colors, (700, 900, 5000))).pixels[0].tolist()
    assert seen == [[255, 255, 255], [2, 3, 19], [0, 0, 0], [188, 132, 136]]


def test_gray_and_bilevel() -> None:
    assert gray_of(encoded(Pillow.fromarray(RGB[..., 0]), "PNG")) == RGB[..., 0].tolist()
    assert gray_of(encoded(Pillow.fromarray(RGB[..., 0] > 127), "PNG")) == (255 * (RGB[..., 0] > 127)).tolist()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bits_are_scaled_not_clipped(kind: str) -> None:
    values = np.array([[0, 128, 129, 256, 1000, 32768, 65535]], np.uint16)
    portable = b"P5 7 1 65535\n" + values.astype(">u2").tobytes()
    data = portable if kind == "PPM" else encoded(Pillow.fromarray(values), kind)
    assert gray_of(data) == [[0, 0, 1, 1, 4, 128, 255]]


def test_16_bits_per_color_are_scaled() -> None:
    import cv2  # type: ignore[import-untyped, unused-ignore]

    values = np.array([[[0, 65535, 32768]]], np.uint16)  # BGR
    data = cv2.imencode(".png", values)[1].tobytes()
    assert Image.from_bytes(data).pixels.tolist() == [[[128, 255, 0]]]


def test_floats_are_scaled_from_their_range() -> None:
    values = np.array([[-2.0, -1.0, 0.0, 2.0]], np.float32)
    assert gray_of(encoded(Pillow.fromarray(values), "TIFF")) == [[0, 64, 128, 255]]


def test_not_a_number_is_black_and_infinities_are_the_ends() -> None:
    values = np.array([[np.nan, 0.5, np.inf, -np.inf, 1.0]], np.float32)
    assert gray_of(encoded(Pillow.fromarray(values), "TIFF")) == [[0, 0, 255, 0, 255]]


def test_huge_floats_do_not_overflow() -> None:
    values = np.array([[-3e38, 0, 3e38]], np.float32)
    assert gray_of(encoded(Pillow.fromarray(values), "TIFF")) == [[0, 128, 255]]


def test_constant_floats_are_black_and_nothing_finite_is_an_error() -> None:
    assert gray_of(encoded(Pillow.fromarray(np.full((2, 2), 7.0, np.float32)), "TIFF")) == [[0, 0], [0, 0]]
    data = encoded(Pillow.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF")
    with pytest.raises(DataError, match=r"heat\.tif has no finite pixel"):
        Image.from_bytes(data, source="heat.tif")


def test_whole_numbers_of_32_bits_are_scaled_from_their_range() -> None:
    values = np.array([[-1000, 0, 100_000]], np.int32)
    assert gray_of(encoded(Pillow.fromarray(values), "TIFF")) == [[0, 3, 255]]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation(kind: str) -> None:
    frames = [Pillow.new("RGB", (8, 6), color) for color in ((255, 0, 0), (0, 255, 0))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    pixels = Image.from_bytes(data).pixels
    assert pixels.shape == (6, 8, 3)
    assert (pixels == [255, 0, 0]).all()


def test_one_pixel() -> None:
    assert Image.from_bytes(encoded(Pillow.new("RGB", (1, 1), (1, 2, 3)), "PNG")).pixels.tolist() == [[[1, 2, 3]]]


def test_a_pillow_image_of_any_mode() -> None:
    picture = Pillow.fromarray(RGB)
    for mode in ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "L", "LA", "1", "P", "I", "F", "I;16"):
        converted = picture.convert("L").convert(mode) if mode in ("I;16", "LA", "I", "F") else picture.convert(mode)
        assert Image.from_pil(converted).hw == (5, 7), mode
    with pytest.raises(DataError, match="no pixels"):
        Image.from_pil(Pillow.new("RGB", (0, 4)))


# -- the size without the pixels ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 7, 8])
def test_the_size_from_the_header_is_that_of_the_decoded_image(orientation: int, kind: str, tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(RGB).save(tmp_path / f"a.{kind}", exif=exif)
    assert image_hw(tmp_path / f"a.{kind}") == Image.open(tmp_path / f"a.{kind}").hw


@pytest.mark.parametrize("as_text", [False, True], ids=["eXIf", "Raw profile"])
def test_orientation_behind_the_pixels_of_a_png_counts(as_text: bool, tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    chunk, data = b"eXIf" + exif.tobytes()[6:], encoded(Pillow.fromarray(RGB), "PNG")
    if as_text:
        chunk = b"tEXtRaw profile type exif\0" + f"\nexif\n{len(exif.tobytes())}\n{exif.tobytes().hex()}".encode()
    late = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data[:-12] + late + data[-12:])
    assert image_hw(tmp_path / "a.png") == Image.open(tmp_path / "a.png").hw == (7, 5)


def test_the_size_of_a_png_is_read_without_its_pixels(tmp_path: Path) -> None:
    data = encoded(Pillow.fromarray(RGB), "PNG")
    (tmp_path / "a.png").write_bytes(data[: data.index(b"IDAT") + 6])
    assert image_hw(tmp_path / "a.png") == (5, 7)
    with pytest.raises(DataError, match=r"a\.png"):
        image_hw(tmp_path / "b" / "a.png")
