"""Points, boxes, masks and texts as tokens (paper, section 3 "Prompt encoder" and appendix A)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sampipe.models.config import PromptEncoderConfig
from sampipe.models.layers import MLP, LayerNorm2d

BACKGROUND, FOREGROUND, TOP_LEFT, BOTTOM_RIGHT = range(4)  # rows of ``point_embeddings``


@dataclass(frozen=True)
class PromptTensors:
    """Prompts of n objects in model-input pixels; what is ``None`` no object has.

    Args:
        points: (n, k, 2) x, y.
        labels: (n, k); 1 foreground, 0 background, -1 not a point.
        boxes: (n, 4) x, y, x, y.
        masks: (n, 1, m, m) low-resolution logits.
        extent: side of the square input in pixels.
        count: n.
        text: (n, d) unit CLIP vectors.
    """

    points: Tensor | None
    labels: Tensor | None
    boxes: Tensor | None
    masks: Tensor | None
    extent: int
    count: int
    text: Tensor | None = None

    def __len__(self) -> int:
        return self.count


class RandomFourierPositions(nn.Module):
    """Positions as sines and cosines of random projections (Tancik et al., 2020)."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.empty(2, features).normal_())

    def forward(self, xy: Tensor) -> Tensor:
        """Encode (..., 2) positions in 0..1 as (..., 2 * features)."""
        matrix = self.positional_encoding_gaussian_matrix
        angles = 2 * math.pi * ((2 * xy.to(matrix.dtype) - 1) @ matrix)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """The encoding of every cell's centre, (height * width, 2 * features), row by row."""
        device = self.positional_encoding_gaussian_matrix.device
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        return self(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)).flatten(0, 1)


class DrawnPrompts(nn.Module):
    """Points and boxes drawn as maps, for a model that has too little data to learn from tokens alone where they are.

    Four maps at the resolution of the mask logits: inside the box, closeness to the box's centre in units of its
    sides, closeness to foreground points and to background points (disk maps: Benenson et al. 2019; RITM 2022).
    """

    POINT_RADIUS = 0.03  # of the input's side

    def __init__(self, embed_dim: int, inner: int) -> None:
        super().__init__()
        last = nn.Conv2d(2 * inner, embed_dim, kernel_size=1)
        nn.init.normal_(last.weight, std=0.5)  # as loud as the image, or it is not heard for long
        self.embed = nn.Sequential(
            nn.Conv2d(4, inner, kernel_size=2, stride=2),
            LayerNorm2d(inner),
            nn.GELU(),
            nn.Conv2d(inner, 2 * inner, kernel_size=2, stride=2),
            LayerNorm2d(2 * inner),
            nn.GELU(),
            last,
        )

    def forward(self, prompts: PromptTensors, *, side: int) -> Tensor:
        """Embed the drawing of n objects, (n, dim, side / 4, side / 4); ``side`` is that of the mask logits."""
        return self.embed(self.draw(prompts, side=side, device=next(self.parameters()).device))

    def draw(self, prompts: PromptTensors, *, side: int, device: torch.device | None = None) -> Tensor:
        """The maps themselves, (n, 4, side, side)."""
        scale = prompts.extent / side
        ticks = (torch.arange(side, device=device) + 0.5) * scale - 0.5
        empty = ticks.new_zeros(len(prompts), side, side)
        inside, middle = (empty, empty) if prompts.boxes is None else self._box_maps(prompts.boxes, ticks)
        if prompts.points is None or prompts.labels is None:
            foreground = background = empty
        else:
            near = self._closeness(prompts.points, ticks, self.POINT_RADIUS * prompts.extent)
            foreground, background = (
                (near * (prompts.labels == kind)[..., None, None]).sum(dim=1).clamp(max=1) for kind in (1, 0)
            )
        return torch.stack([inside, middle, foreground, background], dim=1)

    @staticmethod
    def _box_maps(boxes: Tensor, ticks: Tensor) -> tuple[Tensor, Tensor]:
        center, half = (boxes[:, :2] + boxes[:, 2:]) / 2, ((boxes[:, 2:] - boxes[:, :2]) / 2).clamp(min=0.5)
        u, v = (((ticks - center[:, axis, None]) / half[:, axis, None]).clamp(-3, 3) for axis in (0, 1))
        inside = (v.abs() <= 1).float()[:, :, None] * (u.abs() <= 1).float()[:, None, :]
        return inside, torch.exp(-(v**2))[:, :, None] * torch.exp(-(u**2))[:, None, :]

    @staticmethod
    def _closeness(points: Tensor, ticks: Tensor, radius: float) -> Tensor:
        x, y = (torch.exp(-(((ticks - points[..., axis, None]) / radius) ** 2) / 2) for axis in (0, 1))
        return y[..., :, None] * x[..., None, :]


class TextProjection(MLP):
    """A CLIP vector as a token (paper, section 7.5 and appendix D.5).

    As loud as the other tokens from the beginning, or a decoder learns to do without it.
    """

    def __init__(self, text_dim: int, embed_dim: int) -> None:
        super().__init__(text_dim, embed_dim, embed_dim, depth=2)
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.scale = math.sqrt(text_dim)  # of unit vectors the numbers become about 1

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.scale)


class PromptEncoder(nn.Module):
    """Turns prompts, in model-input pixels, into what the mask decoder takes."""

    def __init__(self, config: PromptEncoderConfig, *, embed_dim: int) -> None:
        super().__init__()
        self.pe_layer = RandomFourierPositions(embed_dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, embed_dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, embed_dim)
        inner = config.mask_channels
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, inner // 4, kernel_size=2, stride=2),
            LayerNorm2d(inner // 4),
            nn.GELU(),
            nn.Conv2d(inner // 4, inner, kernel_size=2, stride=2),
            LayerNorm2d(inner),
            nn.GELU(),
            nn.Conv2d(inner, embed_dim, kernel_size=1),
        )
        self.no_mask_embed = nn.Embedding(1, embed_dim)
        self.drawn = DrawnPrompts(embed_dim, inner) if config.draw else None
        self.text_projection = TextProjection(config.text_dim, embed_dim) if config.text_dim else None

    def forward(self, prompts: PromptTensors, *, grid: int) -> tuple[Tensor, Tensor]:
        """Encode n objects that are prompted alike.

        Args:
            prompts: the prompts, in model-input pixels.
            grid: side of the image embedding, in cells.

        Returns:
            tokens (n, t, dim) and the dense embedding, (n, dim, grid, grid) or (1, dim, 1, 1).
        """
        tokens = [self.no_mask_embed.weight.new_zeros(len(prompts), 0, self.no_mask_embed.weight.shape[1])]
        if prompts.points is not None and prompts.labels is not None:
            tokens.append(self._points(prompts.points, prompts.labels, prompts.extent, pad=prompts.boxes is None))
        if prompts.boxes is not None:
            tokens.append(self._boxes(prompts.boxes, prompts.extent))
        if prompts.text is not None and self.text_projection is not None:
            tokens.append(self.text_projection(prompts.text)[:, None])
        if prompts.masks is None:
            dense = self.no_mask_embed.weight[:, :, None, None]
        else:
            dense = self.mask_downscaling(prompts.masks)
        if self.drawn is not None:
            dense = dense + self.drawn(prompts, side=4 * grid)
        return torch.cat(tokens, dim=1), dense

    def _positions(self, xy: Tensor, extent: int) -> Tensor:
        return self.pe_layer((xy + 0.5) / extent)

    def _points(self, xy: Tensor, labels: Tensor, extent: int, *, pad: bool) -> Tensor:
        """Tokens (n, k, dim), and one more for "not a point" where there is no box to stand there."""
        label = labels[..., None]
        kind = torch.where(label == 1, self._kind(FOREGROUND), self._kind(BACKGROUND))
        tokens = torch.where(label == -1, self.not_a_point_embed.weight, self._positions(xy, extent) + kind)
        if not pad:
            return tokens
        return torch.cat([tokens, self.not_a_point_embed.weight.expand(len(xy), 1, -1)], dim=1)

    def _boxes(self, xyxy: Tensor, extent: int) -> Tensor:
        """Tokens (n, 2, dim) of the corners."""
        corners = self._positions(xyxy.unflatten(-1, (2, 2)), extent)
        return corners + torch.stack([self._kind(TOP_LEFT), self._kind(BOTTOM_RIGHT)], dim=1)

    def _kind(self, row: int) -> Tensor:
        """The learned vector (1, dim) of a kind of point."""
        embedding = self.point_embeddings[row]
        assert isinstance(embedding, nn.Embedding)
        return embedding.weight
