"""Masks that are already there, as prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image as PilImage
from pydantic import Field

from sampipe.data.schema import read_bytes
from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.nodes._limits import FilePath, NotNegative
from sampipe.nodes.segment._lowres import logits_of_mask
from sampipe.types import RLE, Frame, Image, Prompts
from sampipe.types._decode import stored


class MaskPrompts(Node):
    """Earlier masks as prompts, to be refined.

    Exactly one of ``path``, ``rles`` and ``logits`` says where they come from. Binary masks become logits of
    ±``strength``, softened where a low-resolution cell is partly covered.

    Args:
        path: an image file of the image's size, or a ``.npy`` file: bool (h, w) or (n, h, w) masks, or float
            (m, m) or (n, m, m) logits. In an image file, whatever is brighter than half of the brightest
            value is the object.
        separate: every value other than 0 in the image file is an object of its own (label images, as
            ``SavePng`` writes them), in ascending order.
        rles: COCO run-length masks {"size": [h, w], "counts": ...}, one an object.
        logits: nested lists (n, m, m) of low-resolution logits as a Segment Anything decoder gives them.
        size: side m of the logits that binary masks become; 256 for the published models.
        strength: the logit of a cell that lies wholly inside the mask.

    Raises:
        DataError: none or several sources, an unreadable file, masks of another size than the image.
    """

    path: FilePath | None = None
    separate: bool = False
    rles: Sequence[Mapping[str, Any]] | None = None
    logits: (
        Annotated[
            Sequence[Sequence[Sequence[float]]], Field(description="finite numbers (n, m, m), m = 256 for most models")
        ]
        | None
    ) = None
    size: Annotated[int, Field(ge=1, le=4096)] = 256
    strength: NotNegative = 10.0

    def __post_init__(self) -> None:
        given = [name for name in ("path", "rles", "logits") if getattr(self, name) is not None]
        if len(given) != 1:
            raise DataError(
                f"MaskPrompts: got {' and '.join(given) or 'no masks'}; wanted exactly one of path, rles and logits."
            )
        if self.logits is not None:
            _as_logits(self.logits, "MaskPrompts: logits")

    def input_files(self) -> Sequence[str]:
        """The file at ``path``."""
        return () if self.path is None else (self.path,)

    def run(self, image: Image) -> Prompts:
        logits = self._all_logits(image)
        if not len(logits):
            return Prompts.empty()
        return Prompts(mask_logits=logits, source=(self.type_id,) * len(logits))

    def _all_logits(self, image: Image) -> np.ndarray:
        if self.logits is not None:
            return _as_logits(self.logits, "MaskPrompts: logits")
        if self.rles is not None:
            masks = [RLE.from_coco(dict(rle)).decode() for rle in self.rles]
        else:
            content = _read(Path(str(self.path)), image.hw, self.separate)
            if isinstance(content, np.ndarray):
                return content
            masks = content
        for mask in masks:
            if mask.shape != image.hw:
                raise DataError(
                    f"MaskPrompts: a mask of {mask.shape[1]}x{mask.shape[0]} pixels for an image of "
                    f"{image.width}x{image.height}; wanted the image's own size."
                )
        if not masks:
            return np.zeros((0, self.size, self.size), np.float32)
        frame = Frame.fit(image.hw, self.size * 4)
        return np.stack([logits_of_mask(mask, frame, self.size, self.strength) for mask in masks])


def _read(path: Path, hw: tuple[int, int], separate: bool) -> np.ndarray | list[np.ndarray]:
    """Logits (n, m, m) as an array, or binary masks as a list."""
    if path.suffix.lower() == ".npy":
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"MaskPrompts: {path} is not a readable .npy file ({error}).") from error
        if array.dtype == bool and array.ndim in (2, 3):
            return list(array.reshape(-1, *array.shape[-2:]))
        return _as_logits(array, f"MaskPrompts: {path}")
    values = _read_image(path, hw)
    if separate:
        return [values == value for value in np.unique(values) if value != 0]
    return [values > values.max() / 2] if values.any() else []


def _read_image(path: Path, hw: tuple[int, int]) -> np.ndarray:
    """The values of an image, grey where it has colors."""
    values, _ = stored(read_bytes(path), f"MaskPrompts: {path}")
    if values.shape[:2] != hw:
        size = f"{values.shape[1]}x{values.shape[0]}"
        raise DataError(f"MaskPrompts: {path} has {size} pixels and the image {hw[1]}x{hw[0]}; wanted the same size.")
    return values if values.ndim == 2 else np.asarray(PilImage.fromarray(values).convert("L"))


def _as_logits(values: object, what: str) -> np.ndarray:
    try:
        logits = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        logits = np.zeros((), np.float32)
    if logits.ndim == 2:
        logits = logits[None]
    if logits.ndim != 3 or logits.shape[1] != logits.shape[2] or not np.isfinite(logits).all():
        raise DataError(f"{what}: got shape {logits.shape}; wanted finite numbers (n, m, m), m = 256 for most models.")
    return logits
