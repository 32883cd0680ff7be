"""Boxes and classes from the backbone that masks use already: a small anchor-free head (as FCOS and YOLOX).

Tian et al. 2019; Ge et al. 2021, section 2. Each cell of the maps at strides 8, 16 and 32 says whether an object's
centre lies in it, which box it has and what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.config import DetectorConfig
from sampipe.models.layers import LayerNorm2d

STRIDES = (8, 16, 32)
_PRIOR = -4.6  # logit that a cell begins with: one in a hundred holds a centre


class Cells(NamedTuple):
    """What the cells of all strides say, in this order: stride after stride, row by row."""

    boxes: Tensor  # (b, n, 4) xyxy, input pixels
    objectness: Tensor  # (b, n) logits
    classes: Tensor  # (b, n, classes) logits


class _Block(nn.Module):
    """Look around in each channel, then mix channels; residual."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(dim, dim, 5, padding=2, groups=dim),
            nn.Conv2d(dim, dim, 1, bias=False),
            nn.BatchNorm2d(dim),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Detector(nn.Module):
    """The head.

    Args:
        config: its shape.
        channels: of the backbone's maps at strides 8, 16 and 32.
    """

    def __init__(self, config: DetectorConfig, channels: Sequence[int]) -> None:
        super().__init__()
        self.config = config
        eighth, sixteenth, deepest = channels
        fine, middle, coarse = config.widths
        self.enter_8 = nn.Sequential(LayerNorm2d(eighth), nn.Conv2d(eighth, fine, 1))
        self.enter_16 = nn.Sequential(LayerNorm2d(sixteenth), nn.Conv2d(sixteenth, middle, 1))
        self.enter_32 = nn.Sequential(
            LayerNorm2d(deepest), nn.Conv2d(deepest, 512, 1), nn.ReLU(inplace=True), nn.Conv2d(512, coarse, 1)
        )
        self.whole = nn.Linear(deepest, coarse)  # what the image is of, told to every place
        self.mix = nn.ModuleList(_Block(width) for width in config.widths)
        self.from_32, self.from_16 = nn.Conv2d(coarse, middle, 1), nn.Conv2d(middle, fine, 1)
        self.to_16 = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.to_32 = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.what = nn.ModuleList(nn.Sequential(_Block(width), _Block(width)) for width in config.widths)
        self.where = nn.ModuleList(_Block(width) for width in config.widths)
        self.to_classes = nn.ModuleList(nn.Conv2d(width, len(config.names), 1) for width in config.widths)
        self.to_boxes = nn.ModuleList(nn.Conv2d(width, 5, 1) for width in config.widths)
        for classes, boxes in zip(self.to_classes, self.to_boxes, strict=True):
            assert isinstance(classes, nn.Conv2d) and isinstance(boxes, nn.Conv2d)
            nn.init.normal_(classes.weight, std=0.01)
            nn.init.normal_(boxes.weight, std=0.01)
            assert classes.bias is not None and boxes.bias is not None
            nn.init.constant_(classes.bias, _PRIOR)
            with torch.no_grad():
                boxes.bias.copy_(torch.tensor([0.5, 0.5, 1.0, 1.0, _PRIOR]))

    def forward(self, maps: Sequence[Tensor]) -> Cells:
        """Maps (b, channels, h, w) at strides 8, 16 and 32 to what each cell says."""
        eighth, sixteenth, deepest = maps
        whole = self.whole(deepest.mean(dim=(2, 3)))[:, :, None, None]
        at_32 = self.mix[2](self.enter_32(deepest) + whole)
        at_16 = self.mix[1](self.enter_16(sixteenth) + _double(self.from_32(at_32)))
        at_8 = self.mix[0](self.enter_8(eighth) + _double(self.from_16(at_16)))
        at_16 = at_16 + self.to_16(at_8)
        at_32 = at_32 + self.to_32(at_16)
        levels = [self._level(index, x) for index, x in enumerate((at_8, at_16, at_32))]
        return Cells(*(torch.cat(parts, dim=1) for parts in zip(*levels, strict=True)))

    def _level(self, index: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        classes = self.to_classes[index](self.what[index](x)).flatten(2).transpose(1, 2)
        found = self.to_boxes[index](self.where[index](x))
        stride, (height, width) = STRIDES[index], x.shape[-2:]
        cells = torch.stack(
            torch.meshgrid(torch.arange(width, device=x.device), torch.arange(height, device=x.device), indexing="xy")
        )
        center = (found[:, :2] + cells) * stride
        half = found[:, 2:4].clamp(max=6).exp() * (stride / 2)
        boxes = torch.cat([center - half, center + half], dim=1)
        return boxes.flatten(2).transpose(1, 2), found[:, 4].flatten(1), classes


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
