"""CLIP models behind one interface, and where they come from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.graph.registry import load_entry, points
from sampipe.text import words
from sampipe.types import Frame, Image
from sampipe.types._arrays import BoolArray, FloatArray, UInt8Array

_loaded: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()
_lock = threading.Lock()


class TextTower(Protocol):
    """Phrases to unit vectors of a space.

    Attributes:
        name: as it was asked for.
        space: what its vectors compare with; two models of one space may take each other's place.
        digest: of its weights.
    """

    name: str
    space: str
    digest: str

    def encode_texts(self, phrases: Sequence[str]) -> FloatArray:
        """Unit vectors (n, d)."""
        ...


@runtime_checkable
class ClipModel(TextTower, Protocol):
    """A text tower with its image tower."""

    def encode_images(self, images: Sequence[UInt8Array], masks: Sequence[BoolArray] | None = None) -> FloatArray:
        """Unit vectors (n, d) of square RGB images (s, s, 3).

        Args:
            images: of any sizes; resized to the model's.
            masks: for each image where its object is, bool (s, s); in the last layer the output token then attends
                to positions inside alone (paper, appendix D.5).
        """
        ...

    def patches(self, image: Image) -> tuple[NDArray[np.float32], Frame]:
        """Unit vectors (d, side, side) of the image's places, and how the image lies in that square."""
        ...


def load_text_tower(name: str, device: str = "auto") -> TextTower:
    """The text side of a CLIP model: the words inside the package, or whatever :func:`load_clip` knows.

    Args:
        name: ``"words"``, or a model of :func:`load_clip`.
    """
    return words.load_words() if name == words.NAME else load_clip(name, device)


def load_clip(name: str, device: str = "auto") -> ClipModel:
    """A CLIP model with both towers; one per name, place and process, as long as anybody holds it.

    Args:
        name: ``"ViT-B-32/openai"`` (architecture/pretrained), ``"local-dir:FOLDER"``, ``"hf-hub:OWNER/NAME"``, each as
            open_clip knows it.

    Raises:
        CheckpointError: weights that are not here, damaged or refused; there are never random ones in their place.
        DataError: ``"words"``, which has no image tower.
    """
    if name == words.NAME:
        raise DataError(
            "clip: 'words' reads phrases and cannot look at images; name a CLIP model with an image tower, such as "
            "ViT-B-32/openai."
        )
    loader = points("sampipe.clip")["open_clip"]
    with _lock:
        model = _loaded.get((name, device))
        if model is None:
            model = _loaded[name, device] = load_entry(loader)(name, device)
    return model


def is_here(name: str) -> bool:
    """Whether a CLIP model can be loaded without a download, told without loading it."""
    if name == words.NAME:
        return True
    return bool(load_entry(points("sampipe.clip")["open_clip_is_here"])(name))
