"""Picture files to 8-bit RGB, for files that nobody has looked at.

Pillow decodes. The size is read from the header and checked before any pixel is, against a limit that is an
argument and not Pillow's process-wide one; the decoders are looked up in Pillow's table, and only those that
neither start another program nor guess by file name are used.
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

from sampipe.errors import DataError
from sampipe.types._arrays import UInt8Array

MAX_PIXELS = 200_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF", "MPO")
_ORIENTATION_TAG = 0x0112
_ROWS_AT_ONCE = 256  # of pictures that are scaled in floating point: bounds the memory beside the result


def read_file(path: Path, name: str, max_pixels: int) -> UInt8Array:
    """The RGB pixels (h, w, 3) of a file; ``name`` stands for it in messages."""
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"cannot read {name}: {reason}") from error
    with file:
        return _read(file, name, max_pixels)


def read_bytes(data: bytes, name: str, max_pixels: int) -> UInt8Array:
    """The RGB pixels (h, w, 3) of an encoded picture."""
    return _read(io.BytesIO(data), name, max_pixels)


def to_rgb(picture: Pillow.Image, name: str) -> UInt8Array:
    """The RGB pixels (h, w, 3) of a Pillow image of any mode, its orientation applied."""
    with _as_data_error(name):
        if 0 in picture.size:
            raise DataError(f"{name} has no pixels: {picture.width} x {picture.height}")
        picture.load()
        return oriented(_pixels(picture, name), _orientation(picture))


def _orientation(picture: Pillow.Image) -> Any:
    """EXIF's orientation. A picture with EXIF that cannot be read is whole: it counts as upright."""
    try:
        return picture.getexif().get(_ORIENTATION_TAG, 1)
    except MemoryError:
        raise
    except Exception:  # Pillow's reader of damaged tags raises as widely as its decoders
        return 1


def on_white(rgba: UInt8Array) -> UInt8Array:
    """Transparent pixels (h, w, 4) over a white background, (h, w, 3)."""
    picture = Pillow.fromarray(np.ascontiguousarray(rgba))
    return np.asarray(_over_white(picture))


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
        picture = _identify(file, name)
        if picture.width * picture.height > max_pixels:
            raise DataError(
                f"{name} has {picture.width} x {picture.height} pixels, more than the limit of {max_pixels};"
                " make it smaller, or raise max_pixels if you trust it"
            )
    return to_rgb(picture, name)


def _identify(file: IO[bytes], name: str) -> ImageFile:
    """The picture with its header read and nothing decoded."""
    prefix = file.read(16)
    if not prefix:
        raise DataError(f"{name} is empty, wanted a picture")
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
    raise DataError(f"{name} is not a picture in a format that is read here: {', '.join(FORMATS)}")


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


def _pixels(picture: Pillow.Image, name: str) -> UInt8Array:
    mode = picture.mode
    if mode == "F" or (mode == "I" and picture.format not in ("PNG", "PPM")):
        return _gray(_from_range(np.asarray(picture), name))
    if mode == "I" or mode.startswith("I;16"):
        return _gray(_from_16_bits(np.asarray(picture)))
    if "transparency" in picture.info or mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        return np.asarray(_over_white(picture))
    return np.asarray(picture.convert("RGB"))


def _over_white(picture: Pillow.Image) -> Pillow.Image:
    rgba = picture.convert("RGBA")
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
