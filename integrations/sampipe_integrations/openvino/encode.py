"""A Segment Anything encoder, converted and compiled by OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sampipe as sp
from sampipe.nodes.segment import SamNode

PRECISIONS = ("bf16", "f32")


class OpenVinoEncode(SamNode):
    """An image as one model sees it, in the place of ``EncodeImage``: its embedding goes to ``DecodeMasks``.

    Compiling takes some seconds, once. In bf16 the embedding is not exact: masks differ in a few pixels of their
    outlines (``sampipe bench --stages modes`` says by how much), and only processors with bfloat16 instructions are
    faster for it.

    Args:
        model: see :class:`~sampipe.nodes.segment.SamNode`.
        device: of the decoder; OpenVINO encodes on the processor.
        precision: ``bf16``, or ``f32``, which is exact but for rounding.

    Raises:
        DataError: another precision.
    """

    precision: str = "bf16"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.precision not in PRECISIONS:
            raise sp.DataError(
                f"OpenVinoEncode: precision: got {self.precision!r}, wanted one of {', '.join(PRECISIONS)}."
            )

    def requirements(self) -> Sequence[sp.Requirement]:
        """OpenVINO, the weights and the device."""
        return (sp.Requirement.package("openvino", extra="openvino"), *super().requirements())

    @sp.resource(shared=lambda self: ("openvino", self.model, self.precision))
    def compiled(self) -> Any:
        """The compiled encoder, from (1, 3, s, s) to the embedding and its finer maps."""
        return compile_encoder(self.sam.sam.image_encoder, self.sam.config.image_size, self.precision)

    def run(self, image: sp.Image) -> sp.ImageEmbedding:
        import torch

        square, frame = self.sam.square(image)
        found = self.compiled(square.cpu().numpy())
        features, *fine = (torch.from_numpy(found[index][0].copy()) for index in range(len(found)))
        return sp.ImageEmbedding(
            features=features, fine=tuple(fine), frame=frame, model_key=self.sam.key, image_key=image.key
        )


def compile_encoder(encoder: Any, side: int, precision: str) -> Any:
    """A network from (1, 3, side, side), compiled for this processor.

    Uses as many threads as torch does, at the time of the call.
    """
    import copy
    import warnings

    import torch

    from sampipe._optional import require

    openvino = require("openvino", "openvino")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's about tracing, which is what OpenVINO does with a network
        plain = copy.deepcopy(encoder).cpu()
        converted = openvino.convert_model(plain, example_input=torch.zeros(1, 3, side, side))
    converted.reshape([1, 3, side, side])
    options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    return openvino.compile_model(converted, "CPU", options)
