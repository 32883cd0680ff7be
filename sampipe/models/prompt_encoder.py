"""Points, boxes and masks as tokens (paper, section 3 "Prompt encoder" and appendix A)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sampipe.models.config import PromptEncoderConfig
from sampipe.models.layers import LayerNorm2d

BACKGROUND, FOREGROUND, TOP_LEFT, BOTTOM_RIGHT = range(4)  # rows of ``point_embeddings``


class RandomFourierPositions(nn.Module):
    """Positions as sines and cosines of random projections (Tancik et al., 2020)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))

    def forward(self, xy: Tensor) -> Tensor:
        """Encode (..., 2) positions in 0..1 as (..., 2 * features)."""
        matrix: Tensor = self.positional_encoding_gaussian_matrix
        angles = 2 * math.pi * ((2 * xy.to(matrix.dtype) - 1) @ matrix)
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """The encoding of every cell's centre, (height * width, 2 * features), row by row."""
        device = self.positional_encoding_gaussian_matrix.device
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        return self(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)).flatten(0, 1)


class PromptEncoder(nn.Module):
    """Turns prompts, in model-input pixels, into what the mask decoder takes."""

    def __init__(self, config: PromptEncoderConfig, *, embed_dim: int, image_size: int) -> None:
        super().__init__()
        self.image_size = image_size
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

    def _positions(self, xy: Tensor, extent: int) -> Tensor:
        return self.pe_layer((xy + 0.5) / extent)

    def points(self, xy: Tensor, labels: Tensor, *, pad: bool, extent: int | None = None) -> Tensor:
        """Tokens of points.

        Args:
            xy: (n, k, 2) model-input pixels.
            labels: (n, k); 1 foreground, 0 background, -1 not a point.
            pad: add the "not a point" token that stands where a box would.
            extent: side of the square input in pixels, where it is not the model's own.

        Returns:
            (n, k or k + 1, dim).
        """
        label = labels[..., None]
        kind = torch.where(
            label == 1, self.point_embeddings[FOREGROUND].weight, self.point_embeddings[BACKGROUND].weight
        )
        tokens = self._positions(xy, extent or self.image_size) + kind
        tokens = torch.where(label == -1, self.not_a_point_embed.weight, tokens)
        if not pad:
            return tokens
        return torch.cat([tokens, self.not_a_point_embed.weight.expand(len(xy), 1, -1)], dim=1)

    def boxes(self, xyxy: Tensor, *, extent: int | None = None) -> Tensor:
        """Tokens (n, 2, dim) of the two corners of (n, 4) boxes in model-input pixels."""
        corners = self._positions(xyxy.unflatten(-1, (2, 2)), extent or self.image_size)
        kind = torch.stack([self.point_embeddings[TOP_LEFT].weight, self.point_embeddings[BOTTOM_RIGHT].weight], dim=1)
        return corners + kind

    def masks(self, logits: Tensor) -> Tensor:
        """Dense embedding (n, dim, grid, grid) of low-resolution logits (n, 1, 4 * grid, 4 * grid)."""
        return self.mask_downscaling(logits)

    def no_mask(self) -> Tensor:
        """The dense embedding that says "no mask", (1, dim, 1, 1)."""
        return self.no_mask_embed.weight[:, :, None, None]
