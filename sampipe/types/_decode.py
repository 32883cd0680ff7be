"""Image files to 8-bit RGB, for files that nobody has looked at.

Pillow decodes, and tifffile what Pillow gets wrong. The size is read from the header and checked before any pixel is,
against a limit that is an argument and not Pillow's process-wide one; the decoders are looked up in Pillow's table, and
only those that neither start another program nor guess by file name are used.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL.Image as Pillow
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile

from sampipe.errors import DataError
from sampipe.types._arrays import UInt8Array
from sampipe.types._tiff import PREFIXES, SEPARATED, WHITE_IS_ZERO, TiffPage

MAX_PIXELS = 200_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF", "MPO")
_ORIENTATION_TAG, _BITS_TAG, _PHOTOMETRIC_TAG, _SAMPLE_FORMAT_TAG = 0x0112, 0x0102, 0x0106, 0x0153
_SIGNED = 2
_ROWS_AT_ONCE = 256  # of images that are scaled in floating point: bounds the memory beside the result


def read_file(path: Path, name: str, max_pixels: int) -> UInt8Array:
    """The RGB pixels (h, w, 3) of a file; ``name`` stands for it in messages."""
    with _opened(path, name) as file:
        return _read(file, name, max_pixels)


def _opened(path: Path, name: str) -> IO[bytes]:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"cannot read {name}: {reason}") from error


def read_bytes(data: bytes, name: str, max_pixels: int) -> UInt8Array:
    """The RGB pixels (h, w, 3) of an encoded image."""
    return _read(io.BytesIO(data), name, max_pixels)


def stored(data: bytes, name: str) -> tuple[NDArray[Any], str]:
    """The values of an image as it stores them, upright or not, and Pillow's name of their kind: numbers of objects are
    no colors.

    Raises:
        DataError: it is no image, damaged, or of more than :data:`MAX_PIXELS`.
    """
    with _as_data_error(name):
        image = _identify(io.BytesIO(data), name)
        _check_pixels(image.size[::-1], name, MAX_PIXELS)
        return np.asarray(image), image.mode


def header_hw(path: Path, name: str) -> tuple[int, int]:
    """Height and width of a file as :func:`read_file` would give them; no pixel is decoded."""
    with _opened(path, name) as file, _as_data_error(name):
        if (page := _tiff_page(file)) is not None:
            return page.hw[::-1] if page.orientation in range(5, 9) else page.hw
        image = _identify(file, name)
        if image.format == "PNG" and _has_late_text(file):
            image.load()
        width, height = image.size
        return (width, height) if _orientation(image) in range(5, 9) else (height, width)


def _tiff_page(file: IO[bytes]) -> TiffPage | None:
    prefix = file.read(4)
    page = TiffPage.of(file) if prefix in PREFIXES else None
    file.seek(0)
    return page


def _has_late_text(file: IO[bytes]) -> bool:
    """Whether a PNG has chunks after its pixels that may say how it is turned; see the specification, section 5."""
    where, late = 8, False
    while True:
        file.seek(where)
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IEND":
            return False
        late |= kind == b"IDAT"
        if late and kind in (b"eXIf", b"iTXt", b"zTXt", b"tEXt"):
            return True
        where += length + 12


def to_rgb(image: Pillow.Image, name: str) -> UInt8Array:
    """The RGB pixels (h, w, 3) of a Pillow image of any mode, its orientation applied."""
    with _as_data_error(name):
        if 0 in image.size:
            raise DataError(f"{name} has no pixels: {image.width} x {image.height}")
        lower = _lower_bytes(image)
        image.load()
        if lower is None:
            return oriented(_pixels(image, name), _orientation(image))
        upper = np.asarray(image)
        key = (upper.astype(np.uint16) << 8 | lower) == image.info["transparency"]
        return oriented(_keyed(upper, key.all(axis=2)), _orientation(image))


def _orientation(image: Pillow.Image) -> Any:
    """EXIF's orientation. An image with EXIF that cannot be read is whole: it counts as upright."""
    try:
        # not a PNG's own getexif, which decodes the pixels to look behind them
        return Pillow.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except MemoryError:
        raise
    except Exception:  # Pillow's reader of damaged tags raises as widely as its decoders
        return 1


def on_white(rgba: UInt8Array) -> UInt8Array:
    """Transparent pixels (h, w, 4) over a white background, (h, w, 3)."""
    return np.asarray(_over_white(Pillow.fromarray(np.ascontiguousarray(rgba))))


def oriented(pixels: UInt8Array, orientation: Any) -> UInt8Array:
    """Pixels turned and mirrored as EXIF's orientation 1 to 8 asks (CIPA DC-008, tag 0x0112)."""
    if orientation not in range(2, 9):
        return pixels
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _read(file: IO[bytes], name: str, max_pixels: int) -> UInt8Array:
    with _as_data_error(name):
        page = _tiff_page(file)
        if page is not None:
            _check_pixels(page.hw, name, max_pixels)
            if (samples := page.samples(name)) is not None:
                return oriented(_from_tiff(samples, page, name), page.orientation)
            file.seek(0)
        image = _identify(file, name)
        _check_pixels(image.size[::-1], name, max_pixels)
    return to_rgb(image, name)


def _check_pixels(hw: tuple[int, int], name: str, max_pixels: int) -> None:
    if hw[0] * hw[1] > max_pixels:
        raise DataError(
            f"{name} has {hw[1]} x {hw[0]} pixels, more than the limit of {max_pixels};"
            " make it smaller, or raise max_pixels if you trust it"
        )


def _from_tiff(samples: NDArray[Any], page: TiffPage, name: str) -> UInt8Array:
    scaled = _from_16_bits(samples) if samples.dtype == np.uint16 else _from_range(samples, name)
    if page.photometric == SEPARATED:
        return np.asarray(Pillow.fromarray(scaled, "CMYK").convert("RGB"))
    if page.photometric == WHITE_IS_ZERO:
        scaled = 255 - scaled
    if scaled.shape[2] in (1, 2):  # grey, and with alpha
        scaled = np.concatenate([np.repeat(scaled[..., :1], 3, axis=2), scaled[..., 1:]], axis=2)
    if scaled.shape[2] == 3:
        return scaled
    if page.premultiplied:
        lit = np.minimum(scaled[..., :3].astype(np.uint16) + (255 - scaled[..., 3:]), 255)
        return np.asarray(lit, dtype=np.uint8)
    return on_white(scaled)


def _identify(file: IO[bytes], name: str) -> ImageFile:
    """The image with its header read and nothing decoded."""
    prefix = file.read(16)
    if not prefix:
        raise DataError(f"{name} is empty, wanted an image")
    for load_plugins in (Pillow.preinit, Pillow.init):
        load_plugins()
        for format_name in FORMATS:
            factory, accepts = Pillow.OPEN.get(format_name, (None, None))
            verdict = accepts(prefix) if accepts else False
            if isinstance(verdict, str):  # Pillow knows the format and was built without its decoder
                raise DataError(f"cannot read {name}: {verdict}")
            if factory and verdict:
                file.seek(0)
                return factory(file, "")
    raise DataError(f"{name} is not an image in a format that is read here: {', '.join(FORMATS)}")


@contextmanager
def _as_data_error(name: str) -> Iterator[None]:
    """Whatever a decoder raises on damaged bytes, and they raise nearly everything, names the file."""
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        raise DataError(
            f"cannot decode {name}: it is damaged, cut short or of a kind that Pillow does not convert"
            f" ({type(error).__name__}: {error})"
        ) from error


def _pixels(image: Pillow.Image, name: str) -> UInt8Array:
    mode = image.mode
    if mode == "F" or (mode == "I" and image.format not in ("PNG", "PPM")):
        return _gray(_as_tagged(image, _from_range(_unsigned(image), name)))
    if mode == "I" or mode.startswith("I;16"):
        values = np.asarray(image)
        scale = 65535 // 4095 if _tag(image, _BITS_TAG) == (12,) else 1
        gray = _gray(_as_tagged(image, _from_16_bits(values * np.uint16(scale) if scale > 1 else values)))
        return _keyed(gray, values == image.info["transparency"]) if "transparency" in image.info else gray
    if mode == "L" and _tag(image, _SAMPLE_FORMAT_TAG) == (_SIGNED,):
        return _gray(_as_tagged(image, _from_range(np.asarray(image).view(np.int8), name)))
    if "transparency" in image.info or mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        return np.asarray(_over_white(image))
    return np.asarray(image.convert("RGB"))


def _lower_bytes(image: Pillow.Image) -> UInt8Array | None:
    """The lower bytes (h, w, 3) of a PNG of 16 bits with a transparent color; Pillow keeps the upper ones alone."""
    if not isinstance(image, PngImageFile) or not image.tile or image.tile[0][3] != "RGB;16B" or image.fp is None:
        return None
    if "transparency" not in image.info:
        return None
    place = image.fp.tell()
    image.fp.seek(0)
    with PngImageFile(io.BytesIO(image.fp.read())) as again:
        again.tile = [tile._replace(args="RGB;16L") for tile in again.tile]  # the second byte for the first
        lower = np.asarray(again)
    image.fp.seek(place)
    return lower


def _keyed(rgb: UInt8Array, key: NDArray[np.bool_]) -> UInt8Array:
    """White where a pixel has the color that is transparent."""
    return np.where(key[..., None], np.uint8(255), rgb)


def _tag(image: Pillow.Image, number: int) -> Any:
    """A tag of a TIFF file; None for other formats."""
    return image.tag_v2.get(number) if image.format == "TIFF" else None  # type: ignore[attr-defined]


def _unsigned(image: Pillow.Image) -> NDArray[Any]:
    """The values of a mode that Pillow keeps signed, as the file's tags have them."""
    values = np.asarray(image)
    unsigned = image.mode == "I" and _tag(image, _BITS_TAG) == (32,) and _tag(image, _SAMPLE_FORMAT_TAG) in (None, (1,))
    return values.view(np.uint32) if unsigned else values


def _as_tagged(image: Pillow.Image, scaled: UInt8Array) -> UInt8Array:
    """Grey beyond 8 bits, which Pillow does not invert where white is zero."""
    return 255 - scaled if _tag(image, _PHOTOMETRIC_TAG) == WHITE_IS_ZERO else scaled


def _over_white(image: Pillow.Image) -> Pillow.Image:
    rgba = image.convert("RGBA")
    white = Pillow.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Pillow.alpha_composite(white, rgba).convert("RGB")


def _gray(values: UInt8Array) -> UInt8Array:
    return np.repeat(values[..., None], 3, axis=2)


def _from_16_bits(values: NDArray[Any]) -> UInt8Array:
    scaled = np.empty(values.shape, np.uint8)
    for rows in _bands(values):
        scaled[rows] = (values[rows].astype(np.uint32) * 255 + 32767) // 65535
    return scaled


def _from_range(values: NDArray[Any], name: str) -> UInt8Array:
    low, high = np.inf, -np.inf
    for rows in _bands(values):
        finite = values[rows][np.isfinite(values[rows])]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise DataError(f"{name} has no finite pixel, wanted numbers")
    scaled = np.empty(values.shape, np.uint8)
    for rows in _bands(values):
        known = np.nan_to_num(np.clip(values[rows].astype(np.float64), low, high), nan=low)
        scaled[rows] = np.rint((known - low) * (255.0 / (high - low) if high > low else 0.0))
    return scaled


def _bands(values: NDArray[Any]) -> Iterator[slice]:
    return (slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(values), _ROWS_AT_ONCE))
