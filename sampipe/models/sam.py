"""The network: image encoder, prompt encoder and mask decoder (paper, section 3)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sampipe.models.config import SamConfig
from sampipe.models.cpu import SharedImage
from sampipe.models.detector import Detector
from sampipe.models.mask_decoder import MaskDecoder
from sampipe.models.prompt_encoder import PromptEncoder

SINGLE_MASK = (0,)
AMBIGUOUS_MASKS = (1, 2, 3)
_MANY = 4  # prompts on one image, from which on what they share on a CPU is worth making


class Sam(nn.Module):
    """The network. Parameter names are those of the official checkpoints."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = config.image_encoder.build()
        self.prompt_encoder = PromptEncoder(config.prompt_encoder, embed_dim=config.embed_dim)
        self.mask_decoder = MaskDecoder(config.mask_decoder, embed_dim=config.embed_dim)
        channels = config.image_encoder.backbone_channels
        self.detector = Detector(config.detector, channels) if config.detector and channels else None
        self.register_buffer("pixel_mean", torch.tensor(config.pixel_mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(config.pixel_std).view(3, 1, 1), persistent=False)

    def normalize(self, pixels: Tensor) -> Tensor:
        """(b, 3, h, w) pixels in 0..255 to the encoder's range."""
        return (pixels - self.pixel_mean) / self.pixel_std

    def encode(self, normalized: Tensor) -> tuple[Tensor, ...]:
        """(b, 3, s, s) to the embedding (b, dim, grid, grid), then any finer maps."""
        encoded = self.image_encoder(normalized)
        return encoded if isinstance(encoded, tuple) else (encoded,)

    def encode_with_backbone(self, normalized: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """What :meth:`encode` gives, and the maps that heads stand on, of encoders that have them."""
        return self.image_encoder.with_backbone(normalized)

    def decode(
        self, features: Sequence[Tensor], prompt_tokens: Tensor, dense: Tensor, *, outputs: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Mask logits (n, c, m, m) and predicted IoU (n, c) of n prompts on one encoded image.

        Args:
            features: what :meth:`encode` gave for one image, batch 1 (or n).
            prompt_tokens: (n, t, dim) from the prompt encoder.
            dense: (1 or n, dim, grid or 1, grid or 1) dense prompt embedding.
            outputs: the mask tokens to answer with.
        """
        return PreparedImage(self, features).decode(prompt_tokens, dense, outputs=outputs)


class PreparedImage:
    """An encoded image, and what the decoder makes of it that is the same for every prompt. Threads may share it.

    Args:
        sam: the network.
        features: what :meth:`Sam.encode` gave, batch 1, or n images for the n objects of each call.
        positions: of the embedding's cells, where they are known already.
        count: how many objects without a mask prompt are going to ask.
    """

    def __init__(
        self, sam: Sam, features: Sequence[Tensor], positions: Tensor | None = None, *, count: int = 1
    ) -> None:
        embedding, *self._fine = features
        self._decoder = sam.mask_decoder
        self._embedding = embedding.contiguous(memory_format=torch.channels_last)  # the decoder works cell by cell
        grid = sam.prompt_encoder.pe_layer.grid
        self._positions = grid(*embedding.shape[-2:]) if positions is None else positions
        self._without_mask: Tensor | None = None
        self._shared: SharedImage | None = None
        if sam.prompt_encoder.drawn is None and count >= _MANY and len(embedding) == 1:
            self._without_mask = self._embedding + sam.prompt_encoder.no_mask_embed.weight[:, :, None, None]
            self._shared = self._decoder.share(self._without_mask, self._positions)

    def decode(self, prompt_tokens: Tensor, dense: Tensor, *, outputs: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See :meth:`Sam.decode`."""
        image, shared = self._prompted(dense)
        return self._decoder(image, self._positions, prompt_tokens, fine=self._fine, outputs=outputs, shared=shared)

    def decode_above_iou(
        self, prompt_tokens: Tensor, dense: Tensor, *, outputs: Sequence[int], min_iou: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Only the masks whose predicted IoU reaches ``min_iou``; the others are never drawn.

        Returns:
            which (k, 2) object and index into ``outputs``, logits (k, m, m), predicted IoU (k,).
        """
        image, shared = self._prompted(dense)
        attended = self._decoder.attend(image, self._positions, prompt_tokens, shared=shared)
        ious = self._decoder.predicted_iou(attended)[:, list(outputs)]
        which = (ious >= min_iou).nonzero()
        drawn = []
        for i in which[:, 0].unique().tolist():
            chosen = [outputs[k] for k in which[which[:, 0] == i, 1].tolist()]
            fine = [value[i : i + 1] if len(value) > 1 else value for value in self._fine]
            drawn.append(self._decoder.draw(attended.one(i), outputs=chosen, fine=fine)[0])
        side = 4 * attended.hw[0]
        logits = torch.cat(drawn) if drawn else ious.new_empty(0, side, side)
        return which, logits, ious[which[:, 0], which[:, 1]]

    def _prompted(self, dense: Tensor) -> tuple[Tensor, SharedImage | None]:
        """The embedding with the dense prompt, and what all prompts without a mask share."""
        if self._without_mask is None or dense.shape[-1] > 1:
            return self._embedding + dense, None
        return self._without_mask, self._shared


def state_digest(module: nn.Module) -> str:
    """A digest of a network's weights: names, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name}:{tuple(value.shape)}:{value.dtype};".encode())
        one = value.detach().cpu() + 0  # averaging turns -0 into 0, which is the same weight
        digest.update(one.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
