"""From image embedding and prompt tokens to masks and their predicted IoU (paper, section 3 and appendix A)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sampipe.models import cpu
from sampipe.models.config import MaskDecoderConfig
from sampipe.models.layers import MLP, LayerNorm2d
from sampipe.models.mixing import FineMixing, mixing
from sampipe.models.transformer import TwoWayTransformer


class Attended(NamedTuple):
    """Prompts and image after the transformer. On a CPU the cells may lie in memory that the next call writes to.

    Args:
        tokens: (n, t, dim): the IoU token, the mask tokens, the prompts.
        cells: (n, h * w, dim).
        hw: h and w.
    """

    tokens: Tensor
    cells: Tensor
    hw: tuple[int, int]

    def one(self, i: int) -> Attended:
        """Object ``i`` alone."""
        return self._replace(tokens=self.tokens[i : i + 1], cells=self.cells[i : i + 1])


class MaskDecoder(nn.Module):
    """Token 0 answers when the prompts are unambiguous; tokens 1 to 3 are whole, part and subpart."""

    def __init__(self, config: MaskDecoderConfig, *, embed_dim: int) -> None:
        super().__init__()
        outputs = config.ambiguous_masks + 1
        self.fine_features = config.fine_features
        self.mixing = mixing(config.mixing_blocks, embed_dim, embed_dim // 2)
        self.mixes = config.mixing_blocks > 0
        self.mixing_half = FineMixing(embed_dim // 4) if self.mixes else nn.Identity()
        self.transformer = TwoWayTransformer(embed_dim, config.depth, config.num_heads, config.mlp_dim)
        self.iou_token = nn.Embedding(1, embed_dim)
        self.mask_tokens = nn.Embedding(outputs, embed_dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(embed_dim, embed_dim // 4, kernel_size=2, stride=2),
            LayerNorm2d(embed_dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(embed_dim // 4, embed_dim // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(embed_dim, embed_dim, embed_dim // 8, depth=3) for _ in range(outputs)
        )
        self.iou_prediction_head = MLP(embed_dim, config.iou_head_dim, outputs, config.iou_head_depth)

    def forward(
        self,
        image: Tensor,
        image_pe: Tensor,
        prompt_tokens: Tensor,
        *,
        fine: Sequence[Tensor] = (),
        outputs: Sequence[int],
        shared: cpu.SharedImage | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Decode n prompts on one image.

        Args:
            image: (1 or n, dim, grid, grid) embedding with the dense prompt added.
            image_pe: (grid * grid, dim) position encoding of its cells.
            prompt_tokens: (n, t, dim).
            fine: finer maps, (1 or n, dim / 4, 2 * grid, 2 * grid) and (1 or n, dim / 8, 4 * grid, 4 * grid), for
                models that use them.
            outputs: which mask tokens to answer with: ``(0,)`` or ``(1, 2, 3)``.
            shared: what :meth:`share` gave for this image.

        Returns:
            logits (n, len(outputs), 4 * grid, 4 * grid) and predicted IoU (n, len(outputs)).
        """
        attended = self.attend(image, image_pe, prompt_tokens, shared=shared)
        return self.draw(attended, outputs=outputs, fine=fine), self.predicted_iou(attended)[:, list(outputs)]

    def attend(
        self, image: Tensor, image_pe: Tensor, prompt_tokens: Tensor, *, shared: cpu.SharedImage | None = None
    ) -> Attended:
        """What prompts and image make of each other; arguments as in :meth:`forward`."""
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(len(prompt_tokens), -1, -1), prompt_tokens], dim=1)
        hw = (image.shape[-2], image.shape[-1])
        cells = self.mixing(image).flatten(2).transpose(1, 2)
        attended = cpu.two_way(self.transformer, tokens, cells, image_pe[None], shared)
        tokens, cells = attended or self.transformer(tokens, cells, image_pe[None])
        return Attended(tokens, cells, hw)

    def share(self, image: Tensor, image_pe: Tensor) -> cpu.SharedImage | None:
        """What many prompts on one image (1, dim, grid, grid) have in common, to be given with them."""
        return cpu.share(self.transformer, self.mixing(image).flatten(2).transpose(1, 2), image_pe[None])

    def predicted_iou(self, attended: Attended) -> Tensor:
        """(n, mask tokens): known before any mask is drawn."""
        return self.iou_prediction_head(attended.tokens[:, 0])

    def draw(self, attended: Attended, *, outputs: Sequence[int], fine: Sequence[Tensor] = ()) -> Tensor:
        """Logits (n, len(outputs), 4 * h, 4 * w)."""
        tokens, cells, hw = attended
        weights = torch.stack([self.output_hypernetworks_mlps[i](tokens[:, 1 + i]) for i in outputs], dim=1)
        if not self.fine_features and not self.mixes:
            logits = cpu.mask_logits(self.output_upscaling, cells, weights, hw)
            if logits is not None:
                return logits
        upscaled = self._upscale(cells.transpose(1, 2).unflatten(2, hw), fine)
        return (weights @ upscaled.flatten(2)).unflatten(2, upscaled.shape[-2:])

    def _upscale(self, cells: Tensor, fine: Sequence[Tensor]) -> Tensor:
        widen, norm, plain, widen_again, _ = self.output_upscaling
        half, quarter = fine if self.fine_features else (0.0, 0.0)
        # in inference GELU where it lies: fresh memory costs more than the arithmetic
        gelu = torch.ops.aten.gelu_ if torch.is_inference_mode_enabled() else plain
        x = self.mixing_half(gelu(norm(widen(cells).add_(half))))
        return gelu(widen_again(x).add_(quarter))
