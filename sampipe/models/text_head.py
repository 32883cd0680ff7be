"""Where on an encoded image a phrase is: a small network on top of a frozen Segment Anything encoder.

A text token needs a decoder that has seen a million captions' worth of masks. With a few hundred images it is better to
ask every place of the image which vectors it would answer to (as LSeg does: Li et al. 2022), and to let the answer, a
map, prompt the decoder as points and boxes do. The head reads the image embedding, the finer map beside it, and the
image itself at half its size, since an encoder made for outlines keeps little of colors and patterns. It looks
around at strides 32 and 64, and gives each place at stride 8 a key; a phrase's CLIP vector becomes a query.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe._files import atomic_file
from sampipe.errors import CheckpointError
from sampipe.models.weights.checkpoints import read_checkpoint
from sampipe.types import ImageEmbedding

METADATA_KEY = "sampipe_text_head"
_PRIOR = -2.0  # logit that a place begins with: most places are not what is asked for


@dataclass(frozen=True, kw_only=True)
class TextHeadConfig:
    """The shape of a head.

    Args:
        text_dim: length of the CLIP vectors.
        features: channels of the map at stride 16.
        fine: channels of the map at stride 8; 0 for models without one.
        deep: channels of the map at stride 32; 0 for models without one.
        pixels: channels that are made of the image itself (stride 8); 0 for heads that do not look at it.
        widths: channels at strides 16, 32 and 64.
        depths: residual blocks at strides 32 and 64.
        keys: length of keys and queries.
        dropout: share of channels that training hides.
    """

    text_dim: int = 512
    features: int = 128
    fine: int = 32
    deep: int = 0
    pixels: int = 0
    widths: tuple[int, int, int] = (64, 128, 192)
    depths: tuple[int, int] = (2, 2)
    keys: int = 96
    dropout: float = 0.1


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm2.weight)  # a block starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))


def _step(channels: int, width: int, *, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())


class _Look(nn.Module):
    """The image itself at stride 8, (b, channels, 2 s, 2 s), and how it joins what comes from the encoder."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.eighth = nn.Sequential(
            _step(3, channels // 2, kernel=3, stride=2),
            _step(channels // 2, channels, kernel=3, stride=2),
            _Residual(channels),
        )
        self.coarser = _step(channels, width, kernel=3, stride=2)
        self.join = _Residual(width)
        self.same = nn.Conv2d(channels, width, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.eighth(pixels)
        return out


class TextHead(nn.Module):
    """Logits of phrases at stride 8.

    Args:
        config: the shape.
        center: (text_dim,) the mean of the text vectors, which lie close together; what differs is what counts.
    """

    center: Tensor

    def __init__(self, config: TextHeadConfig, center: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        first, second, third = config.widths
        self.enter = nn.Sequential(nn.BatchNorm2d(config.features), *_step(config.features, first, kernel=1))
        self.down = _step(first, second, kernel=3, stride=2)
        self.middle = nn.Sequential(*(_Residual(second) for _ in range(config.depths[0])))
        self.down_again = _step(second, third, kernel=3, stride=2)
        self.deep = nn.Sequential(*(_Residual(third) for _ in range(config.depths[1])))
        self.whole = nn.Linear(third, third)  # what the image is of, told to every place
        self.hide = nn.Dropout2d(config.dropout)
        self.up, self.join = nn.Conv2d(third, second, 1), _Residual(second)
        self.up_again, self.join_again = nn.Conv2d(second, first, 1), _Residual(first)
        fine = config.fine
        self.fine = nn.Sequential(nn.BatchNorm2d(fine), nn.Conv2d(fine, first, 1)) if fine else None
        self.deepest = (
            nn.Sequential(nn.BatchNorm2d(config.deep), nn.Conv2d(config.deep, second, 1)) if config.deep else None
        )
        self.look = _Look(config.pixels, first) if config.pixels else None
        self.smooth = nn.Sequential(
            nn.Conv2d(first, first, 3, padding=1, groups=first, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        )
        self.keys = nn.Conv2d(first, config.keys, 1)
        self.queries = nn.Linear(config.text_dim, config.keys + 1)
        self.queries_again = nn.Sequential(nn.Linear(config.text_dim, 256), nn.GELU(), nn.Linear(256, config.keys + 1))
        self.register_buffer("center", torch.zeros(config.text_dim) if center is None else center.float())

    def places(
        self, features: Tensor, fine: Tensor | None, deep: Tensor | None = None, pixels: Tensor | None = None
    ) -> Tensor:
        """Keys (b, keys, 2 s, 2 s).

        Args:
            features: the map at stride 16, (b, features, s, s).
            fine: the map at stride 8, (b, fine, 2 s, 2 s), if there is any.
            deep: the map at stride 32, (b, deep, s / 2, s / 2), if there is any.
            pixels: for heads that look at it, the image at half the size of the encoder's input,
                (b, 3, 8 s, 8 s) from -1 to 1, 0 beyond its edges.
        """
        sixteenth = self.enter(features)
        eighth = None
        if self.look is not None and pixels is not None:
            eighth = self.look(pixels)
            sixteenth = self.look.join(sixteenth + self.look.coarser(eighth))
        thirty_second = self.down(sixteenth)
        if self.deepest is not None and deep is not None:
            thirty_second = thirty_second + self.deepest(deep)
        thirty_second = self.middle(thirty_second)
        sixty_fourth = self.deep(self.down_again(thirty_second))
        sixty_fourth = self.hide(sixty_fourth + self.whole(sixty_fourth.mean(dim=(2, 3)))[:, :, None, None])
        x = self.join(F.relu(thirty_second + _double(self.up(sixty_fourth))))
        x = self.join_again(F.relu(sixteenth + _double(self.up_again(self.hide(x)))))
        x = _double(x)
        if self.fine is not None and fine is not None:
            x = x + self.fine(fine)
        if self.look is not None and eighth is not None:
            x = x + self.look.same(eighth)
        x = F.relu(x)
        return self.keys(x + self.smooth(x))

    def query(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (..., keys) and thresholds (...) of unit CLIP vectors (..., text_dim)."""
        centered = F.normalize(text - self.center, dim=-1)
        both = self.queries(centered) + self.queries_again(centered)
        return both[..., :-1] / math.sqrt(self.config.keys), both[..., -1] + _PRIOR

    def forward(
        self,
        features: Tensor,
        fine: Tensor | None,
        text: Tensor,
        deep: Tensor | None = None,
        pixels: Tensor | None = None,
    ) -> Tensor:
        """Logits (b, n, 2 s, 2 s) of n phrases on b images; see :meth:`places`."""
        queries, thresholds = self.query(text)
        maps = torch.einsum("bkhw,nk->bnhw", self.places(features, fine, deep, pixels), queries.to(features.dtype))
        return maps + thresholds[None, :, None, None]


def text_maps(embedding: ImageEmbedding) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """What a head reads of an encoded image, (channels, h, w) at strides 16, 8 and 32: the backbone's maps where there
    are any, since what things are is lost on the way to the embedding; else the embedding and the finer map.
    """
    if embedding.backbone:
        eighth, sixteenth, deepest = embedding.backbone
        return sixteenth, eighth, deepest
    return embedding.features, embedding.fine[0] if embedding.fine else None, None


def as_pixels(images: Tensor, content: Tensor) -> Tensor:
    """Images as :meth:`TextHead.places` takes them.

    Args:
        images: uint8 (b, 3, h, w).
        content: (b, 1, h / k, w / k): 1 where there is image, 0 beyond its edges.
    """
    shown = F.interpolate(content.float(), size=images.shape[-2:], mode="nearest")
    return (images.float() / 127.5 - 1) * shown


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class LoadedTextHead:
    """A head in evaluation mode, the CLIP space that it answers to, and the digest of the model it was trained on."""

    head: TextHead
    space: str
    sam_digest: str


def save_text_head(
    head: TextHead,
    path: str | Path,
    *,
    space: str,
    sam_digest: str,
    state: Mapping[str, Tensor] | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write a head as float16 safetensors, whole or not at all.

    Args:
        head: its shape and, where ``state`` is None, its weights.
        path: where.
        space: the CLIP space.
        sam_digest: of the model under it.
        state: other weights, such as averaged ones.
        notes: more text for the file's header.
    """
    from safetensors.torch import save_file

    said = {"config": dataclasses.asdict(head.config), "space": space, "sam_digest": sam_digest}
    tensors = {
        name: value.detach().cpu().to(torch.float16 if value.is_floating_point() else value.dtype).contiguous()
        for name, value in (state or head.state_dict()).items()
    }
    with atomic_file(path) as partial:
        save_file(tensors, partial, metadata={**(notes or {}), METADATA_KEY: json.dumps(said)})


def load_text_head(path: str | Path) -> LoadedTextHead:
    """Read what :func:`save_text_head` wrote, onto the CPU.

    Raises:
        CheckpointError: missing, damaged, or something else.
    """
    checkpoint = read_checkpoint(path)
    try:
        said: dict[str, Any] = json.loads(checkpoint.metadata[METADATA_KEY])
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in said["config"].items()
        }
        with torch.device("meta"):
            head = TextHead(TextHeadConfig(**fields))
        tensors = {
            name: value.float() if value.is_floating_point() else value for name, value in checkpoint.tensors.items()
        }
        head.load_state_dict(tensors, strict=True, assign=True)
        loaded = LoadedTextHead(head.eval().requires_grad_(False), str(said["space"]), str(said["sam_digest"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: not a text head that this version reads ({reason}).") from error
    if not all(bool(value.isfinite().all()) for value in tensors.values() if value.is_floating_point()):
        raise CheckpointError(f"{path}: damaged: it holds values that are not finite.")
    return loaded


def earlier_head(path: str | Path, shape: TextHeadConfig, *, space: str) -> dict[str, Tensor]:
    """The weights of a head that another training starts from; it may have been trained on another encoder.

    Raises:
        CheckpointError: no head, or one of another shape or CLIP space.
    """
    loaded = load_text_head(path)
    if loaded.head.config != shape or loaded.space != space:
        raise CheckpointError(
            f"{path}: a head of {loaded.head.config} for {loaded.space}; wanted {shape} for {space}. Begin without it."
        )
    return loaded.head.state_dict()
