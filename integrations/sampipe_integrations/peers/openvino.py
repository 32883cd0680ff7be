"""The reference's image encoder, converted to OpenVINO: exact, and in bfloat16."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from sampipe_integrations.peers._pixels import normalized
from sampipe_integrations.peers.segment_anything import SegmentAnything


class OpenVino:
    """fp32, as many threads as torch has."""

    _precision: ClassVar[str] = "f32"

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        import openvino

        encoder = SegmentAnything(checkpoint, model, "cpu")._sam.image_encoder
        with torch.no_grad():
            converted = openvino.convert_model(encoder, example_input=torch.zeros(1, 3, 1024, 1024))
        converted.reshape([1, 3, 1024, 1024])
        options = {"INFERENCE_PRECISION_HINT": self._precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        self._encoder = openvino.compile_model(converted, "CPU", options)

    def encode(self, image: np.ndarray) -> Tensor:
        """Features of an image, (1, channels, side, side)."""
        return torch.from_numpy(self._encoder(normalized(image).numpy())[0])


class OpenVinoBf16(OpenVino):
    """bfloat16: fast where the processor has the instructions, and not exact."""

    _precision = "bf16"
