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
        DataError: the values are ragged or cannot be numbers of this type.
    """
    try:
        array = np.ascontiguousarray(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise DataError(f"{name}: wanted an array of {np.dtype(dtype)}, got {describe(values)}: {error}") from error
    if (array is values or not array.flags.owndata) and _is_writable(array):
        array = array.copy()
    array.flags.writeable = False
    view: NDArray[Any] = array.view()
    return view


def describe(values: object) -> str:
    """The shape of an array, else the type: what an error message says it was given."""
    shape = getattr(values, "shape", None)
    return f"shape {tuple(shape)}" if shape is not None else type(values).__name__


def _is_writable(array: NDArray[Any]) -> bool:
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return True
        owner = owner.base
    return not (owner is None or isinstance(owner, bytes))
