"""Whatever people call an image, as RGB pixels: the one place where the conversion stands."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.types import _decode
from sampipe.types._arrays import UInt8Array
from sampipe.types.samples import PREFIX
from sampipe.types.sources import is_url, local_path, read_source

if TYPE_CHECKING:
    import PIL.Image

KINDS = (
    "a path, a URL, 'sample:coffee', the bytes of a file, a Pillow image, a uint8 RGB array (height, width, 3), "
    "a torch tensor (3, height, width) or a sampipe.Image"
)


def is_image_like(value: object) -> bool:
    """Whether the value is of a type that :func:`read` takes; what is in it is another matter."""
    return (
        isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview, np.ndarray))
        or _is_pillow(value)
        or _is_tensor(value)
    )


def read(value: object, max_pixels: int) -> tuple[UInt8Array, str | None]:
    """RGB pixels (h, w, 3) and the path, sample or URL that they came from.

    Raises:
        DataError: something else, or one of these that holds no image.
    """
    if isinstance(value, (str, os.PathLike)):
        return _read_path(os.fspath(value), max_pixels)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _decode.read_bytes(bytes(value), f"an image of {len(value)} bytes", max_pixels), None
    if _is_pillow(value):
        return _decode.to_rgb(cast("PIL.Image.Image", value), "the Pillow image"), getattr(
            value, "filename", None
        ) or None
    if isinstance(value, np.ndarray):
        return _from_array(value), None
    if _is_tensor(value):
        return _from_tensor(value), None
    what = f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
    raise DataError(f"image: got {what}; wanted {KINDS}")


def _read_path(name: str, max_pixels: int) -> tuple[UInt8Array, str]:
    if is_url(name):
        return _decode.read_bytes(read_source(name), name, max_pixels), name
    path = local_path(name)
    if not name.startswith(PREFIX) and path.is_dir():
        raise DataError(f"image: {name} is a folder; graph.map(sorted(Path({name!r}).glob('*.jpg'))) takes its images")
    if any(letter in name for letter in "*?[") and not path.exists():
        raise DataError(
            f"image: {name!r} is a pattern for several images; graph.map(sorted(Path().glob({name!r}))) takes them"
        )
    return _decode.read_file(path, name, max_pixels), name


def _from_array(array: NDArray[Any]) -> UInt8Array:
    if array.dtype == np.uint8 and array.ndim == 2 and 0 not in array.shape:
        return np.repeat(array[..., None], 3, axis=2)
    if array.dtype == np.uint8 and array.ndim == 3 and 0 not in array.shape and array.shape[2] in (1, 3, 4):
        if array.shape[2] == 4:
            return _decode.on_white(array)
        return array if array.shape[2] == 3 else np.repeat(array, 3, axis=2)
    raise DataError(
        f"image: got an array of {array.dtype} and shape {array.shape}, wanted uint8 RGB (height, width, 3)."
        f"{_hint(array)} Arrays of OpenCV are BGR: sp.Image.from_bgr(array)"
    )


def _hint(array: NDArray[Any]) -> str:
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3, 4):
        return " Channels come last: array.transpose(1, 2, 0)."
    if array.ndim == 4:
        return " One image at a time: graph.map(list(array)) runs over several."
    if array.dtype.kind == "f":
        return " Floats from 0 to 1 become it by (array * 255).round().astype('uint8')."
    if array.dtype.kind in "iu":
        return " array.astype('uint8') makes it so where the values are 0 to 255."
    return ""


def _from_tensor(tensor: Any) -> UInt8Array:
    import torch

    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3) or 0 in tensor.shape:
        raise DataError(
            f"image: got a tensor of shape {tuple(tensor.shape)}, wanted (3, height, width) as torchvision has it; "
            "tensor.permute(2, 0, 1) for one with the channels last, one image of a batch at a time"
        )
    if tensor.is_floating_point():
        low, high = float(tensor.min()), float(tensor.max())
        if not (low >= 0 and high <= 1):
            raise DataError(
                f"image: got a float tensor with values from {low:.3g} to {high:.3g}, wanted 0 to 1, or uint8; "
                "undo the normalisation (mean and standard deviation) first"
            )
        tensor = (tensor.float() * 255).round().to(torch.uint8)
    elif tensor.dtype != torch.uint8:
        raise DataError(f"image: got a tensor of {tensor.dtype}, wanted uint8, or floats from 0 to 1")
    pixels: UInt8Array = tensor.detach().cpu().expand(3, -1, -1).permute(1, 2, 0).numpy()
    return pixels


def _is_pillow(value: object) -> bool:
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def _is_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
