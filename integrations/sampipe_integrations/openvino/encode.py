"""A Segment Anything encoder, converted and compiled by OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import sampipe as sp
from sampipe.nodes.segment.segment import SamNode

if TYPE_CHECKING:
    from sampipe.models import SamModel


class OpenVinoEncode(SamNode):
    """An image as one model sees it, in the place of ``EncodeImage``: its embedding goes to ``DecodeMasks``.

    Compiling takes some seconds, once. In bf16 the embedding is not exact: masks differ in a few pixels of their
    outlines (``sampipe bench --stages modes`` says by how much), and only processors with bfloat16 instructions are
    faster for it.

    Args:
        model: see :class:`~sampipe.nodes.segment.segment.SamNode`.
        device: of the decoder; OpenVINO encodes on the processor.
        precision: of the encoder: ``bf16``, or ``exact`` but for rounding. The embedding is the exact model's.

    Raises:
        DataError: another precision.
    """

    precision: Literal["exact", "bf16"] = "bf16"

    def requirements(self) -> Sequence[sp.Requirement]:
        """OpenVINO, the weights and the device."""
        return (sp.Requirement.package("openvino", extra="openvino"), *super().requirements())

    @sp.resource
    def sam(self) -> SamModel:
        """The exact model, which decodes; its encoder is what OpenVINO converts."""
        from sampipe.models import load_model

        return load_model(self.model, self.device)

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
    hint = {"exact": "f32", "bf16": "bf16"}[precision]
    options = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    return openvino.compile_model(converted, "CPU", options)
