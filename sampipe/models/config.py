"""The shape of a Segment Anything model, as data.

A configuration and a set of weights make a model; the configuration is read off the tensors of an official file or
out of the metadata of ours (:mod:`sampipe.models.weights.checkpoints`). Defaults are those of the paper (appendix A).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import CheckpointError
from sampipe.models.encoders import ENCODERS, EncoderConfig, ViTConfig

_ENCODERS = {encoder.kind: encoder for encoder in ENCODERS}


@dataclass(frozen=True, kw_only=True)
class PromptEncoderConfig:
    """Points, boxes, masks and text to tokens and a dense map."""

    mask_channels: int = 16
    text_dim: int = 0  # length of the CLIP vectors that it takes as a token; 0: none (official checkpoints)
    text_space: str = ""  # the CLIP space that the token was trained in
    draw: bool = False  # points and boxes also as maps, not only as tokens (not in the paper)


@dataclass(frozen=True, kw_only=True)
class MaskDecoderConfig:
    """The two-way transformer and its heads."""

    depth: int = 2
    num_heads: int = 8
    mlp_dim: int = 2048
    ambiguous_masks: int = 3
    iou_head_depth: int = 3
    iou_head_dim: int = 256
    mixing_blocks: int = 0  # convolutions over the prompted embedding (not in the paper)
    fine_features: bool = False  # add the encoder's finer maps while upscaling


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """A head on the backbone's maps that finds objects of known classes (not in the paper)."""

    names: tuple[str, ...] = ()
    widths: tuple[int, int, int] = (48, 96, 160)  # at strides 8, 16 and 32


@dataclass(frozen=True, kw_only=True)
class EverythingDefaults:
    """What ``SegmentEverything`` uses for this model where the caller says nothing (paper, appendix B)."""

    points_per_side: int = 32
    pred_iou: float = 0.88
    stability: float = 0.95
    stability_offset: float = 1.0
    box_nms: float = 0.7
    min_region_area: int = 100
    max_likeness: float = 1.0  # of what is in a mask and what is around it; 1: whatever it is
    detection: float = 0.15  # lowest score of the detector's boxes that are asked for, where there is a detector


@dataclass(frozen=True, kw_only=True)
class SamConfig:
    """A whole model. ``embed_dim`` (channels of the image embedding) is the encoder's ``out_channels``."""

    image_encoder: EncoderConfig = field(default_factory=ViTConfig)
    prompt_encoder: PromptEncoderConfig = PromptEncoderConfig()
    mask_decoder: MaskDecoderConfig = MaskDecoderConfig()
    everything: EverythingDefaults = EverythingDefaults()
    detector: DetectorConfig | None = None
    stride: int = 16
    pixel_mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    pixel_std: tuple[float, float, float] = (58.395, 57.12, 57.375)

    @property
    def image_size(self) -> int:
        """Side of the square input, in pixels."""
        return self.image_encoder.image_size

    @property
    def embed_dim(self) -> int:
        """Channels of the image embedding and of every token."""
        return self.image_encoder.out_channels

    @property
    def grid(self) -> int:
        """Side of the image embedding, in cells."""
        return self.image_size // self.stride

    @property
    def mask_size(self) -> int:
        """Side of the low-resolution mask logits, in pixels."""
        return 4 * self.grid

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; :meth:`from_dict` reads it back."""
        data = dataclasses.asdict(self)
        data["image_encoder"]["kind"] = self.image_encoder.kind
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SamConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            CheckpointError: an unknown encoder or field.
        """
        try:
            fields = dict(data)
            encoder = dict(fields.pop("image_encoder"))
            detector = fields.pop("detector", None)
            encoder_class = _ENCODERS[encoder.pop("kind")]
            return cls(
                image_encoder=_build(encoder_class, encoder),
                prompt_encoder=_build(PromptEncoderConfig, fields.pop("prompt_encoder")),
                mask_decoder=_build(MaskDecoderConfig, fields.pop("mask_decoder")),
                everything=_build(EverythingDefaults, fields.pop("everything")),
                detector=None if detector is None else _build(DetectorConfig, detector),
                **{name: _tuples(value) for name, value in fields.items()},
            )
        except (KeyError, TypeError) as error:
            raise CheckpointError(
                f"The model configuration cannot be read ({error!r}). It was written by another version of sampipe, "
                "or it is damaged; encoders known here: " + ", ".join(_ENCODERS) + "."
            ) from error


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _build(config_class: type[Any], fields: Mapping[str, Any]) -> Any:
    return config_class(**{name: _tuples(value) for name, value in fields.items()})
