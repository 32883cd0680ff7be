"""The paper's image encoder: a plain ViT with windows, decomposed relative positions and a small neck.

Architecture: Li et al. 2022, "Exploring Plain Vision Transformer Backbones for Object Detection"; relative
positions: Li et al. 2022, "MViTv2", section 4.1; sizes: "Segment Anything", appendix A. Parameter names are
the official ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import Self

from sampipe.models import cpu
from sampipe.models.encoders.base import EncoderConfig, ImageEncoder, Shapes, check_square, count_children, neck
from sampipe.models.layers import MLPBlock

# Scores and tokens worked on at a time: on a CPU they should stay in its cache, elsewhere only memory bounds them.
_CPU_SCORES = 1 << 21
_CPU_TOKENS = 1 << 10
_DEVICE_SCORES = 1 << 26


@dataclass(frozen=True, kw_only=True)
class ViTConfig(EncoderConfig):
    """The paper's image encoder; the defaults are ViT-B."""

    kind: ClassVar[str] = "vit"
    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    global_blocks: tuple[int, ...] = (2, 5, 8, 11)
    window: int = 14
    patch: int = 16
    out_channels: int = 256
    image_size: int = 1024
    mlp_ratio: float = 4.0

    @property
    def stride(self) -> int:
        """A cell is a patch."""
        return self.patch

    def build(self) -> ImageEncoderViT:
        """See :meth:`EncoderConfig.build`."""
        return ImageEncoderViT(self)

    @classmethod
    def from_shapes(cls, shapes: Shapes) -> Self | None:
        """See :meth:`EncoderConfig.from_shapes`; windows are known by the tables of their relative positions."""
        if "image_encoder.patch_embed.proj.weight" not in shapes:
            return None
        dim, _, _, patch = shapes["image_encoder.patch_embed.proj.weight"]
        grid = shapes["image_encoder.pos_embed"][1]
        depth = count_children(shapes, "image_encoder.blocks.")
        tables = [shapes[f"image_encoder.blocks.{index}.attn.rel_pos_h"] for index in range(depth)]
        sides = [(length + 1) // 2 for length, _ in tables]  # a window of s cells has offsets -(s - 1) to s - 1
        windows = {side for side in sides if side != grid}
        if len(windows) > 1:
            raise ValueError(f"windows of {sorted(windows)} cells on a grid of {grid}")
        return cls(
            embed_dim=dim,
            depth=depth,
            num_heads=dim // tables[0][1],
            global_blocks=tuple(index for index, side in enumerate(sides) if side == grid),
            window=windows.pop() if windows else cls.window,
            patch=patch,
            out_channels=shapes["image_encoder.neck.0.weight"][0],
            image_size=grid * patch,
            mlp_ratio=shapes["image_encoder.blocks.0.mlp.lin1.weight"][0] / dim,
        )


class PatchEmbed(nn.Module):
    """(b, 3, s, s) to one token a patch, (b, s / patch, s / patch, dim)."""

    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).permute(0, 2, 3, 1)


class WindowAttention(nn.Module):
    """Attention inside square windows; one window as wide as the grid is attention over the whole image."""

    def __init__(self, dim: int, num_heads: int, side: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.side = side
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, dim // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        """(b, h, w, dim) to the same shape.

        Grids that the windows do not divide are padded with zero tokens, which take part in the attention as
        in the official code. A zero token's query, key and value are the bias: the projection can come first.
        """
        batch, height, width, dim = x.shape
        side, down, right = self.side, -(-height // self.side), -(-width // self.side)
        q, k, v = self._windows(self.qkv(x), down, right)
        mixed = attend(q, k, v, self.rel_pos_h, self.rel_pos_w)
        mixed = mixed.view(batch, down, right, self.num_heads, side, side, -1).permute(0, 1, 4, 2, 5, 3, 6)
        return self.proj(mixed.reshape(batch, down * side, right * side, dim)[:, :height, :width])

    def _windows(self, qkv: Tensor, down: int, right: int) -> Tensor:
        """(b, h, w, 3 * dim) to queries, keys and values by window and head, (3, n, side, side, dim / heads)."""
        batch, height, width, _ = qkv.shape
        side = self.side
        if (down * side, right * side) != (height, width):
            padded = self.qkv.bias.to(qkv.dtype).repeat(batch, down * side, right * side, 1)
            padded[:, :height, :width] = qkv
            qkv = padded
        qkv = qkv.view(batch, down, side, right, side, 3, self.num_heads, -1).permute(5, 0, 1, 3, 6, 2, 4, 7)
        return qkv.reshape(3, batch * down * right * self.num_heads, side, side, -1)


def attend(q: Tensor, k: Tensor, v: Tensor, rel_pos_h: Tensor, rel_pos_w: Tensor) -> Tensor:
    """Attention of square grids with decomposed relative positions, a block of queries at a time.

    The score of a query at row i, column j and a key at row y, column x is q·k / sqrt(d) + q·rel_h[i - y] +
    q·rel_w[j - x]. Blocks keep the scores, by far the largest intermediate, in the CPU's cache.

    Args:
        q, k, v: (n, side, side, d), n heads of windows.
        rel_pos_h, rel_pos_w: (2 * side - 1, d), by offset from -(side - 1) to side - 1.

    Returns:
        (n, side, side, d).
    """
    n, side, _, width = q.shape
    offset = torch.arange(side, device=q.device)[:, None] - torch.arange(side, device=q.device) + side - 1
    by_row = torch.einsum("nijd,iyd->nijy", q, rel_pos_h[offset])
    by_column = torch.einsum("nijd,jxd->nijx", q, rel_pos_w[offset])
    keys, values = k.flatten(1, 2).transpose(1, 2), v.flatten(1, 2)
    budget = _CPU_SCORES if q.device.type == "cpu" else _DEVICE_SCORES
    rows = min(side, max(1, budget // side**3))
    heads = max(1, budget // (rows * side**3))
    mixed = []
    for first in range(0, n, heads):
        window = slice(first, first + heads)
        blocks = []
        for top in range(0, side, rows):
            block = (window, slice(top, top + rows))
            scores = (by_row[block][..., :, None] + by_column[block][..., None, :]).flatten(3).flatten(1, 2)
            scores = scores.baddbmm_(q[block].flatten(1, 2), keys[window], alpha=width**-0.5)
            blocks.append(scores.softmax(dim=-1) @ values[window])
        mixed.append(torch.cat(blocks, dim=1))
    return torch.cat(mixed).view(n, side, side, width)


class Block(nn.Module):
    """Pre-norm transformer block on a (b, h, w, dim) grid of tokens."""

    def __init__(self, config: ViTConfig, side: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.embed_dim, eps=1e-6)
        self.attn = WindowAttention(config.embed_dim, config.num_heads, side)
        self.norm2 = nn.LayerNorm(config.embed_dim, eps=1e-6)
        self.mlp = MLPBlock(config.embed_dim, round(config.embed_dim * config.mlp_ratio), nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        tokens = self.norm2(x).flatten(0, 2)
        some = _CPU_TOKENS if x.device.type == "cpu" else len(tokens)
        return x + torch.cat([self.mlp(part) for part in tokens.split(some)]).view_as(x)


class ImageEncoderViT(ImageEncoder):
    """See :class:`ImageEncoder`."""

    before_blocks = ("patch_embed", "pos_embed")

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        grid = config.image_size // config.patch
        self.patch_embed = PatchEmbed(config.patch, config.embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, config.embed_dim))
        self.blocks = nn.ModuleList(
            Block(config, grid if index in config.global_blocks else config.window) for index in range(config.depth)
        )
        self.neck = neck(config.embed_dim, config.out_channels)

    def block_names(self) -> list[str]:
        return [f"blocks.{index}" for index in range(len(self.blocks))]

    def forward(self, x: Tensor) -> Tensor:
        check_square(x, self.config.image_size)
        x = self.patch_embed(x) + self.pos_embed
        changed = cpu.vit_blocks(self.blocks, x)
        if changed is None:
            for block in self.blocks:
                x = block(x)
        else:
            x = changed
        return self.neck(x.permute(0, 3, 1, 2))
