"""Arrays inside frozen values: typed, finite where they must be, and read-only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sampipe.errors import DataError

UInt8Array = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


class Value:
    """Base of the frozen values: what comes out of a pickle or a deep copy is read-only again."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        for value in state.values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, np.ndarray):
                    item.flags.writeable = False
        self.__dict__.update(state)


def read_only(values: ArrayLike, dtype: DTypeLike, name: str) -> NDArray[Any]:
    """``values`` as a contiguous read-only array that nobody else can write through.

    Shares memory only with arrays that are read-only all the way down.

    Raises:
        DataError: the values are ragged or cannot be numbers of this type without a loss.
    """
    try:
        given = _as_numpy(values)
        if given.dtype.kind == "c":
            raise TypeError("complex numbers have a part that would be lost")
        with np.errstate(invalid="ignore"):  # what a cast loses is said below
            array = np.ascontiguousarray(given, dtype=dtype)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise DataError(f"{name}: wanted an array of {np.dtype(dtype)}, got {describe(values)}: {error}") from error
    _check_kept(given, array, name)
    if (array is values or not array.flags.owndata) and _is_writable(array):
        array = array.copy()
    array.flags.writeable = False
    view: NDArray[Any] = array.view()
    return view


def binary(values: ArrayLike, ndim: int, name: str) -> BoolArray:
    """``values`` as a mask or a stack of masks: what is not zero belongs to the object.

    Raises:
        DataError: other dimensions than ``ndim``, no pixel, or numbers that need a threshold first.
    """
    array = _as_numpy(values)
    if array.ndim != ndim or 0 in array.shape[-2:]:
        wanted = "(height, width)" if ndim == 2 else "(n, height, width)"
        raise DataError(f"{name}: got shape {array.shape}, wanted {wanted}, height and width at least 1")
    if array.dtype.kind not in "bfiu":
        raise DataError(f"{name}: got {array.dtype}, wanted true and false, or numbers")
    if array.dtype.kind == "f" and not np.isin(array, (0, 1, 255)).all():
        raise DataError(f"{name}: got fractions, wanted true and false: compare them with a threshold (mask > 0.5)")
    inside: BoolArray = array != 0
    return inside


def describe(values: object) -> str:
    """The shape of an array, else the type: what an error message says it was given."""
    shape = getattr(values, "shape", None)
    return f"shape {tuple(shape)}" if shape is not None else type(values).__name__


def _as_numpy(values: ArrayLike) -> NDArray[Any]:
    """Also of a tensor on any device, with a gradient, or in bfloat16, which NumPy has no type for."""
    if hasattr(values, "detach"):
        tensor = values.detach().cpu()
        values = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return np.asarray(values)


def _check_kept(given: NDArray[Any], array: NDArray[Any], name: str) -> None:
    """Raises DataError where a number became another one."""
    if given.dtype == array.dtype or array.dtype.kind not in "iu" or given.dtype.kind not in "fiu":
        return
    if (lost := array != given).any():
        low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
        raise DataError(f"{name}: wanted whole numbers from {low} to {high}, got {given[lost].flat[0]}")


def _is_writable(array: NDArray[Any]) -> bool:
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return True
        owner = owner.base
    return not (owner is None or isinstance(owner, bytes))
