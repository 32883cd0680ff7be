"""The reference's image encoder, exported to ONNX and run by onnxruntime."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sampipe_integrations.peers._pixels import normalized
from sampipe_integrations.peers.segment_anything import SegmentAnything


class OnnxRuntime:
    """fp32, all graph optimisations, as many threads as torch has."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        import onnxruntime

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "encoder.onnx"
            encoder = SegmentAnything(checkpoint, model, "cpu")._sam.image_encoder
            torch.onnx.export(encoder, (torch.zeros(1, 3, 1024, 1024),), os.fspath(path), dynamo=False)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = torch.get_num_threads()
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(self, image: np.ndarray) -> Tensor:
        """Features of an image, (1, channels, side, side)."""
        pixels = normalized(image)
        (name,) = (one.name for one in self._session.get_inputs())
        return torch.from_numpy(self._session.run(None, {name: pixels.numpy()})[0])
