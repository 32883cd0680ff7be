"""One image: RGB pixels that do not change, and a key that names their content."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.types import _decode, _image_kinds
from sampipe.types._arrays import UInt8Array, Value, read_only
from sampipe.types.samples import SAMPLES as SAMPLES
from sampipe.types.sources import stem

if TYPE_CHECKING:
    import PIL.Image
    import torch

    ImageLike: TypeAlias = "Image | str | os.PathLike[str] | bytes | PIL.Image.Image | NDArray[np.uint8] | torch.Tensor"

ColorOrder = Literal["rgb", "bgr", "gray", "rgba", "bgra"]


@dataclass(frozen=True, eq=False, repr=False)
class Image(Value):
    """An image as every node takes it.

    Args:
        pixels: uint8 (h, w, 3), red, green, blue. The value holds them read-only.
        source: the path or ``"sample:coffee"`` that it was read from; None for arrays.

    Raises:
        DataError: pixels of another dtype or shape.
    """

    pixels: UInt8Array
    source: str | None = None

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise DataError(
                f"pixels: got {pixels.dtype} of shape {pixels.shape}, wanted uint8 (height, width, 3) in RGB;"
                ' Image.from_array(..., color="gray") and its like take other color orders'
            )
        object.__setattr__(self, "pixels", read_only(pixels, np.uint8, "pixels"))

    @classmethod
    def open(cls, source: ImageLike, *, max_pixels: int = _decode.MAX_PIXELS) -> Image:
        """Anything that is an image: what ``graph.run(image=...)`` and nodes take, too.

        A path, a URL (http, https, or what fsspec opens), a sample by name (``"sample:coffee"``, see ``SAMPLES``),
        the bytes of a file, a Pillow image, a uint8 array in RGB (height, width, 3; also grey or RGBA), a torch
        tensor (3, height, width) of uint8 or of floats from 0 to 1, or an ``Image``, which stays what it is.
        Arrays of OpenCV are BGR: :meth:`from_bgr` takes them.

        Every kind of image becomes 8-bit RGB by one rule each:

        - EXIF (or TIFF) orientation is applied, unreadable EXIF means upright; color profiles are not.
        - Of an animation or a file of several pages: the first frame.
        - Transparency (alpha, palette, color key) is composited on white.
        - Grey becomes three equal channels; CMYK and palettes are converted.
        - 16 bits per channel: 0 to 65535 scaled to 0 to 255.
        - Signed numbers, 32- and 64-bit whole numbers and floats: scaled from the image's own finite range, over all
          channels, to 0 to 255. NaN becomes 0, an infinity the end of its range, a constant image black.
        - TIFF where white is zero is inverted.

        Args:
            source: see above.
            max_pixels: of files: larger images are refused from their header, before anything is decoded.

        Raises:
            DataError: no such file or sample, no image, damaged, cut short or too large (names the file); an array
                of another shape or type (says how to make it fit).
        """
        if isinstance(source, Image):
            return source
        pixels, name = _image_kinds.read(source, max_pixels)
        return cls(pixels, name)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str | None = None, max_pixels: int = _decode.MAX_PIXELS) -> Image:
        """Decode an encoded image (the bytes of a PNG, JPEG ... file) by the rules of :meth:`open`."""
        return cls(_decode.read_bytes(data, source or f"an image of {len(data)} bytes", max_pixels), source)

    @classmethod
    def from_pil(cls, image: PIL.Image.Image, *, source: str | None = None) -> Image:
        """From a Pillow image of any mode, by the rules of :meth:`open`."""
        return cls(_decode.to_rgb(image, source or "the Pillow image"), source)

    @classmethod
    def from_array(cls, array: NDArray[np.uint8], *, color: ColorOrder = "rgb", source: str | None = None) -> Image:
        """From uint8 (h, w, channels), or (h, w) for "gray". Transparency is composited on white.

        Raises:
            DataError: another dtype, shape or color order.
        """
        return cls(_rgb(np.asarray(array), color), source)

    @classmethod
    def from_bgr(cls, array: NDArray[np.uint8], *, source: str | None = None) -> Image:
        """From uint8 (h, w, 3) in OpenCV's order."""
        return cls.from_array(array, color="bgr", source=source)

    @cached_property
    def key(self) -> str:
        """A digest (32 hexadecimal digits) of the shape and the pixels: same image, same key."""
        digest = hashlib.blake2b(repr(self.hw).encode(), digest_size=16)
        digest.update(self.pixels.data)
        return digest.hexdigest()

    @property
    def name(self) -> str:
        """The file's stem, the sample's name, else the start of the key: for file names and messages."""
        return self.key[:12] if self.source is None else stem(self.source)

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def wh(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    def to_pil(self) -> PIL.Image.Image:
        """The image as a Pillow image of its own, mode RGB."""
        from PIL import Image as Pillow

        return Pillow.fromarray(self.pixels).copy()

    def crop(self, xyxy: tuple[int, int, int, int]) -> Image:
        """The part from x0, y0 to x1, y1 (half-open), as an image of its own.

        Raises:
            DataError: the box is empty or reaches beyond the image.
        """
        x0, y0, x1, y1 = (int(value) for value in xyxy)
        if not (0 <= x0 < x1 <= self.width and 0 <= y0 < y1 <= self.height):
            raise DataError(
                f"crop: got {tuple(xyxy)} on an image of {self.width} x {self.height} (width x height),"
                " wanted 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height"
            )
        return Image(self.pixels[y0:y1, x0:x1], self.source)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file of the kind that the suffix names (``.png``, ``.jpg``, ``.webp`` ...), whole or not at all.

        Raises:
            DataError: a suffix that Pillow knows no format for.
        """
        from sampipe.types.display import save_image

        save_image(self, path)

    def show(self) -> None:
        """Show it: below the cell in a notebook, else in the system's image viewer."""
        from sampipe.types.display import show

        show(self)

    def _repr_png_(self) -> bytes:
        from sampipe.types.display import preview

        return preview(self.pixels)

    def __repr__(self) -> str:
        return f"Image({self.width}x{self.height}, {self.source or 'from an array'})"


def image_hw(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of an image file as :meth:`Image.open` gives them, orientation applied; reads the header only.

    Raises:
        DataError: no such file, or not an image. Names the file.
    """
    return _decode.header_hw(Path(path), os.fspath(path))


def _rgb(array: NDArray[np.uint8], color: ColorOrder) -> UInt8Array:
    channels = {"rgb": 3, "bgr": 3, "gray": 1, "rgba": 4, "bgra": 4}
    if color not in channels:
        raise DataError(f"color: got {color!r}, wanted one of {', '.join(channels)}")
    if color == "gray" and array.ndim == 2:
        array = array[..., None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != channels[color]:
        raise DataError(
            f"array: got {array.dtype} of shape {array.shape},"
            f" wanted uint8 (height, width, {channels[color]})"
            f' for color="{color}"; scale other dtypes to 0..255 first'
        )
    if color == "gray":
        return np.repeat(array, 3, axis=2)
    if color.startswith("bgr"):
        array = array[..., [2, 1, 0, 3][: channels[color]]]
    return _decode.on_white(array) if channels[color] == 4 else array
