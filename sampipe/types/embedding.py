"""What encoders make: an image's features for one model, and vectors of a text space."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sampipe._files import write_atomic
from sampipe.errors import DataError
from sampipe.types._arrays import FloatArray, Value, read_only
from sampipe.types.frame import Frame

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False, repr=False)
class ImageEmbedding(Value):
    """One image as one model sees it: computed once, then decoded as often as anybody asks.

    Args:
        features: float tensor (channels, side, side).
        frame: how the image lies in the model's input.
        model_key: digest of the weights that made it; only that model can decode it.
        image_key: the image's ``key``.
        fine: finer maps (channels, height, width) for decoders that use them.
        backbone: maps (channels, height, width) that the encoder made on its way, for heads that ask what things are.

    Raises:
        DataError: features that are not three-dimensional floats.
    """

    features: torch.Tensor
    frame: Frame
    model_key: str
    image_key: str
    fine: tuple[torch.Tensor, ...] = ()
    backbone: tuple[torch.Tensor, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "fine", tuple(self.fine))
        object.__setattr__(self, "backbone", tuple(self.backbone))
        for name, tensor in self._tensors().items():
            if tensor.ndim != 3 or not tensor.is_floating_point():
                raise DataError(
                    f"{name}: got {tensor.dtype} of shape {tuple(tensor.shape)}, wanted floats of"
                    " (channels, height, width), without a batch dimension"
                )
        object.__setattr__(self, "features", self.features.detach())
        object.__setattr__(self, "fine", tuple(tensor.detach() for tensor in self.fine))
        object.__setattr__(self, "backbone", tuple(tensor.detach() for tensor in self.backbone))

    def __repr__(self) -> str:
        return (
            f"ImageEmbedding(features={tuple(self.features.shape)}, model={self.model_key[:12]!r},"
            f" image={self.image_key[:12]!r}, device='{self.features.device}')"
        )

    @property
    def nbytes(self) -> int:
        """Bytes that the tensors take."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self._tensors().values())

    def to(self, device: str | torch.device) -> ImageEmbedding:
        """The same embedding on another device."""
        return dataclasses.replace(
            self,
            features=self.features.to(device),
            fine=tuple(tensor.to(device) for tensor in self.fine),
            backbone=tuple(tensor.to(device) for tensor in self.backbone),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file; under its final name it is complete or not there at all."""
        from safetensors.torch import save

        frame = {
            "original_hw": self.frame.original_hw,
            "resized_hw": self.frame.resized_hw,
            "input_size": self.frame.input_size,
        }
        metadata = {"frame": json.dumps(frame), "model_key": self.model_key, "image_key": self.image_key}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self._tensors().items()}
        write_atomic(path, save(tensors, metadata))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ImageEmbedding:
        """Read what :meth:`save` wrote, onto the CPU.

        Raises:
            DataError: the file is missing, damaged or something else.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(os.fspath(path), framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            frame = json.loads(metadata["frame"])
            return cls(
                features=tensors["features"],
                frame=Frame(tuple(frame["original_hw"]), tuple(frame["resized_hw"]), frame["input_size"]),
                model_key=metadata["model_key"],
                image_key=metadata["image_key"],
                **{name: _numbered(tensors, name) for name in ("fine", "backbone")},
            )
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{os.fspath(path)} is not a saved image embedding: {error}") from error

    def _tensors(self) -> dict[str, torch.Tensor]:
        numbered = {"fine": self.fine, "backbone": self.backbone}
        return {"features": self.features} | {
            f"{name}.{i}": tensor for name, tensors in numbered.items() for i, tensor in enumerate(tensors)
        }


def _numbered(tensors: Mapping[str, torch.Tensor], name: str) -> tuple[torch.Tensor, ...]:
    """``name.0``, ``name.1`` and so on."""
    return tuple(tensors[f"{name}.{i}"] for i in range(sum(key.startswith(f"{name}.") for key in tensors)))


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Value):
    """Vectors of a text-and-image space (CLIP), and the model that made them.

    Args:
        vectors: float32 (n, d), each of length 1.
        model: the model's name; vectors of different models do not compare.
        texts: the sentences they stand for, if they stand for sentences.

    Raises:
        DataError: not (n, d), not of length 1, or another number of texts.
    """

    vectors: FloatArray
    model: str
    texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        vectors = read_only(self.vectors, np.float32, "vectors")
        if vectors.ndim != 2:
            raise DataError(f"vectors: got {vectors.shape}, wanted (n, d)")
        if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
            raise DataError("vectors: wanted vectors of length 1; Embedding.normalized makes them so")
        object.__setattr__(self, "vectors", vectors)
        if self.texts is not None:
            object.__setattr__(self, "texts", tuple(self.texts))
            if len(self.texts) != len(vectors):
                raise DataError(f"texts: got {len(self.texts)} for {len(vectors)} vectors, wanted one each")

    @classmethod
    def normalized(cls, vectors: ArrayLike, model: str, texts: Any = None) -> Embedding:
        """From vectors (n, d) of any length but 0."""
        rows = read_only(vectors, np.float32, "vectors")
        lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise DataError("vectors: a vector of zeros, NaN or infinity has no direction")
        return cls(rows / lengths, model, texts)

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"Embedding({self.vectors.shape}, model={self.model!r}, texts={self.texts!r})"
