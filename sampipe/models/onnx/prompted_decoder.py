"""Prompt encoder and mask decoder as one network of plain tensors, for formats that know no optional inputs.

The conventions are those of Segment Anything's own ONNX model: the corners of a box are points of the labels 2 and 3,
a prompt without a box ends with a point of the label -1, and a flag says whether the mask counts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sampipe.models.prompt_encoder import DrawnPrompts, PromptEncoder, PromptTensors
from sampipe.models.sam import Sam

BACKGROUND, FOREGROUND, TOP_LEFT, BOTTOM_RIGHT, PADDING = 0, 1, 2, 3, -1
OUTPUTS = (0, 1, 2, 3)


class PromptedDecoder(nn.Module):
    """Embedding and prompts to all four masks of each object.

    Args:
        sam: the network that it is a part of; its weights are shared, not copied.
    """

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.sam = sam

    def forward(
        self, points: Tensor, labels: Tensor, masks: Tensor, has_mask: Tensor, maps: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Decode n objects on one image.

        Args:
            points: (n, k, 2) x, y in pixels of the model's input.
            labels: (n, k): 1 foreground, 0 background, 2 and 3 the corners of a box, -1 no point.
            masks: (n, 1, m, m) low-resolution logits; anything where ``has_mask`` is 0.
            has_mask: (1,), 0 or 1.
            maps: the image embedding, (1, dim, grid, grid), then the finer maps of models that have them.

        Returns:
            logits (n, 4, m, m) and predicted IoU (n, 4): the single mask, then the three of an ambiguous prompt.
        """
        encoder, grid = self.sam.prompt_encoder, self.sam.config.grid
        tokens = _tokens(encoder, points, labels, self.sam.config.image_size)
        with_mask = encoder.mask_downscaling(masks)
        dense = torch.where(has_mask.view(1, 1, 1, 1) > 0, with_mask, encoder.no_mask_embed.weight[:, :, None, None])
        if encoder.drawn is not None:
            dense = dense + encoder.drawn.embed(self._drawing(encoder.drawn, points, labels, side=4 * grid))
        return self.sam.decode(maps, tokens, dense, outputs=OUTPUTS)

    def _drawing(self, drawn: DrawnPrompts, points: Tensor, labels: Tensor, side: int) -> Tensor:
        """What :meth:`DrawnPrompts.draw` gives, the box taken from its corners and left out where there is none."""
        corners = [(points * (labels == kind)[..., None]).sum(dim=1) for kind in (TOP_LEFT, BOTTOM_RIGHT)]
        prompts = PromptTensors(
            points=points,
            labels=labels,
            boxes=torch.cat(corners, dim=-1),
            masks=None,
            extent=self.sam.config.image_size,
            count=points.shape[0],
        )
        maps = drawn.draw(prompts, side=side)
        has_box = (labels == TOP_LEFT).any(dim=1).to(maps.dtype)[:, None, None, None]
        return torch.cat([maps[:, :2] * has_box, maps[:, 2:]], dim=1)


def _tokens(encoder: PromptEncoder, points: Tensor, labels: Tensor, extent: int) -> Tensor:
    """A token (n, k, dim) for each point, whatever its kind."""
    kinds = torch.cat([embedding.weight for embedding in encoder.point_embeddings])  # type: ignore[misc]
    place = encoder.pe_layer((points + 0.5) / extent)
    kind = sum((labels == row)[..., None] * kinds[row] for row in range(len(OUTPUTS)))
    return torch.where((labels == PADDING)[..., None], encoder.not_a_point_embed.weight, place + kind)
