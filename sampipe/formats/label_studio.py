"""Label Studio: brush labels as run lengths of bits, in tasks that its import and its API take.

The bits, after Label Studio's ``thi.ng/rle-pack``: 32 for the number of values, 5 for the bits of a value less one,
four times 4 for the bits of four sizes of runs less one; then runs: one bit says whether one value repeats or each
follows, two choose the size, the length less one, the value or values. The values are RGBA pixels, row by row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.types import RLE, Masks

_VALUE_BITS = 8
_SIZES = (3, 4, 8, 16)
_CHANNELS = 4


def write_label_studio(
    masks: Masks, image_url: str, *, from_name: str = "tag", to_name: str = "image", model_version: str = "sampipe"
) -> str:
    """One task with a prediction: the JSON text.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        image_url: what Label Studio loads the image from.
        from_name, to_name: of the ``BrushLabels`` and the ``Image`` tag in the project's labelling setup.
        model_version: shown with the prediction.
    """
    rles = masks.rle()
    height, width = masks.hw
    results = []
    for i in (i for i, rle in enumerate(rles) if rle.area):
        value = {"format": "rle", "rle": encode_brush(rles[i].decode()), "brushlabels": [_objects.label(masks, i)]}
        result = {
            "id": f"{i + 1:08d}",
            "type": "brushlabels",
            "from_name": from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": value,
        }
        known = _objects.score(masks, i)
        results.append(result if known is None else {**result, "score": round(known, 6)})
    task = {"data": {to_name: image_url}, "predictions": [{"model_version": model_version, "result": results}]}
    return json.dumps(task, allow_nan=False, ensure_ascii=False)


def read_label_studio(text: str | bytes, hw: tuple[int, int] | None = None) -> Masks:
    """The brush labels of one task, exported or predicted: of its first annotation, else of its first prediction.

    Args:
        text: the task's JSON.
        hw: height and width of the image, for a task without a brush label.

    Raises:
        DataError: it is no task, its brush labels are damaged or of several sizes, or there are none and no ``hw``.
    """
    try:
        task = json.loads(text)
        said = (task.get("annotations") or task.get("predictions") or [{"result": []}])[0]["result"]
        brushes = [one for one in said if one.get("type") == "brushlabels"]
        sizes = {(int(one["original_height"]), int(one["original_width"])) for one in brushes}
        rles = [RLE.from_mask(decode_brush(one["value"]["rle"], _only(sizes))) for one in brushes]
        labels = [str(one["value"]["brushlabels"][0]) for one in brushes]
        scores = [one.get("score") for one in brushes]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"not a Label Studio task that can be read: {error!r}") from error
    if not brushes and hw is None:
        raise DataError("the task has no brush label, so the size of its image is not known; give hw")
    return _objects.masks_of(rles, _only(sizes) if sizes else hw or (0, 0), labels=labels, scores=scores)


def encode_brush(mask: np.ndarray) -> list[int]:
    """A bool mask (h, w) as Label Studio's list of bytes: 255 in all four channels inside, 0 outside."""
    flat = mask.ravel().astype(np.int8)
    starts = np.flatnonzero(np.diff(flat, prepend=1 - flat[0] if flat.size else 0))
    lengths = np.diff(starts, append=flat.size) * _CHANNELS
    bits = [_bits(flat.size * _CHANNELS, 32), _bits(_VALUE_BITS - 1, 5), *(_bits(size - 1, 4) for size in _SIZES)]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        bits += [_run(part, 255 * int(flat[start])) for part in _parts(length)]
    text = "".join(bits)
    return np.packbits(np.frombuffer(text.encode(), np.uint8) - ord("0")).tolist()


def decode_brush(data: Sequence[int], hw: tuple[int, int]) -> np.ndarray:
    """The bool mask (h, w): where the alpha channel is not 0.

    Raises:
        DataError: the bytes end too early or do not fill the image.
    """
    reader = _Bits(data)
    count, value_bits = reader.take(32), reader.take(5) + 1
    sizes = [reader.take(4) + 1 for _ in range(4)]
    if count != hw[0] * hw[1] * _CHANNELS:
        raise DataError(f"a brush label of {count} values for an image of {hw}, which has {hw[0] * hw[1] * _CHANNELS}")
    values = np.zeros(count, np.uint8)
    done = 0
    while done < count:
        repeats = reader.take(1)
        end = done + 1 + reader.take(sizes[reader.take(2)])
        if end > count:
            raise DataError("a brush label with a run beyond its end")
        if repeats:
            values[done:end] = reader.take(value_bits) > 0
        else:
            values[done:end] = [reader.take(value_bits) > 0 for _ in range(end - done)]
        done = end
    return values[_CHANNELS - 1 :: _CHANNELS].reshape(hw).astype(bool)


class _Bits:
    def __init__(self, data: Sequence[int]) -> None:
        array = np.asarray(data)
        if array.ndim != 1 or (array.size and (array.min() < 0 or array.max() > 255)):
            raise DataError("a brush label's rle is a list of numbers from 0 to 255")
        self._bits = "".join(map(str, np.unpackbits(array.astype(np.uint8))))
        self._at = 0

    def take(self, count: int) -> int:
        if self._at + count > len(self._bits):
            raise DataError("a brush label that ends too early")
        self._at += count
        return int(self._bits[self._at - count : self._at], 2)


def _bits(value: int, count: int) -> str:
    return f"{value:0{count}b}"


def _parts(length: int) -> Iterator[int]:
    longest = 1 << _SIZES[-1]
    yield from [longest] * (length // longest)
    if length % longest:
        yield length % longest


def _run(length: int, value: int) -> str:
    which = next(i for i, size in enumerate(_SIZES) if length <= 1 << size)
    return f"1{_bits(which, 2)}{_bits(length - 1, _SIZES[which])}{_bits(value, _VALUE_BITS)}"


def _only(sizes: set[tuple[int, int]]) -> tuple[int, int]:
    if len(sizes) != 1:
        raise DataError(f"brush labels of several sizes in one task: {sorted(sizes)}")
    return next(iter(sizes))
