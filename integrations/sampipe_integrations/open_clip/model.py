"""One open_clip model as vectors: of phrases, of images, and of the places of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional as F

import sampipe as sp
from sampipe.text.words import load_words
from sampipe_integrations.open_clip import vision

_TEXTS, _IMAGES_TOGETHER = 64, 32  # at a time
_PROBES = ("dog", "bicycle", "umbrella", "pizza", "horse", "keyboard")
_SAME_SPACE = 0.98


class OpenClip:
    """Both towers of a model.

    Args:
        network: an open_clip CLIP in evaluation mode.
        tokenizer: its tokenizer.
        name: as it was asked for.
    """

    def __init__(self, network: Any, tokenizer: Callable[[list[str]], Tensor], *, name: str) -> None:
        from sampipe.models.sam import state_digest

        self.network, self.tokenizer, self.name = network, tokenizer, name
        config = network.visual.preprocess_cfg
        self._mean = np.array(config["mean"], np.float32)
        self._std = np.array(config["std"], np.float32)
        side = config["size"]
        self.side = int(side if isinstance(side, int) else side[0])
        self.digest = state_digest(network)
        self.space = self._space()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def encode_texts(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, d) of sentences.

        Raises:
            DataError: a sentence of more tokens than the model reads.
        """
        rows = [self._texts(list(chunk)) for chunk in _chunks(phrases, _TEXTS)]
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)

    @torch.inference_mode()
    def _texts(self, phrases: list[str]) -> NDArray[np.float32]:
        tokens = self.tokenizer(phrases)
        self._check_length(phrases, tokens)
        vectors = F.normalize(self.network.encode_text(tokens.to(self.device)).float(), dim=-1)
        return np.asarray(vectors.cpu().numpy())

    def _check_length(self, phrases: list[str], tokens: Tensor) -> None:
        """A tokenizer cuts what is too long in silence; a row without padding may have been cut."""
        for row in torch.nonzero(tokens[:, -1] != 0).flatten().tolist():
            whole = phrases[row].strip()
            shorter = self.tokenizer([whole.rpartition(" ")[0] or whole[:-1]])
            if shorter[0].equal(tokens[row]):
                raise sp.DataError(
                    f"text: {phrases[row][:40]!r}... is longer than the {tokens.shape[1]} tokens that {self.name} "
                    "reads; name the thing in fewer words."
                )

    def encode_images(
        self, images: Sequence[NDArray[np.uint8]], masks: Sequence[NDArray[np.bool_]] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors (n, d) of square images; see :class:`sampipe.text.clip.ClipModel`.

        Raises:
            DataError: masks for a tower whose attention cannot be masked (not a plain ViT).
        """
        rows = []
        for chunk in _chunks(range(len(images)), _IMAGES_TOGETHER):
            batch = torch.stack([self._prepared(images[i]) for i in chunk]).to(self.device)
            inside = None if masks is None else torch.stack([self._patches_inside(masks[i]) for i in chunk])
            rows.append(self._images(batch, inside))
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)

    @torch.inference_mode()
    def _images(self, batch: Tensor, inside: Tensor | None) -> NDArray[np.float32]:
        if inside is None:
            vectors = self.network.encode_image(batch)
        else:
            vectors = vision.masked(self.network.visual, batch, inside.to(self.device))
        return np.asarray(F.normalize(vectors.float(), dim=-1).cpu().numpy())

    @torch.inference_mode()
    def patches(self, image: sp.Image) -> tuple[NDArray[np.float32], sp.Frame]:
        """Unit vectors (d, side, side) of the places of an image; see :func:`vision.dense`."""
        side = max(self.side, round(vision.DENSE_SCALE * self.side))
        side -= side % vision.patch_size(self.network.visual)
        frame = sp.Frame.fit(image.hw, side)
        height, width = frame.resized_hw
        canvas = np.tile((self._mean * 255).astype(np.uint8), (side, side, 1))
        canvas[:height, :width] = np.asarray(image.to_pil().resize((width, height), Pillow.Resampling.BICUBIC))
        found = vision.dense(self.network.visual, self._normalized(canvas)[None].to(self.device))[0]
        return np.asarray(F.normalize(found.float(), dim=0).cpu().numpy()), frame

    def _prepared(self, picture: NDArray[np.uint8]) -> Tensor:
        resized = Pillow.fromarray(picture).resize((self.side, self.side), Pillow.Resampling.BICUBIC)
        return self._normalized(np.asarray(resized))

    def _normalized(self, picture: NDArray[np.uint8]) -> Tensor:
        values = (picture.astype(np.float32) / 255 - self._mean) / self._std
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))

    def _patches_inside(self, mask: NDArray[np.bool_]) -> Tensor:
        """The patches that an object meets, bool (patches,); all where it is too small to meet one."""
        count = self.side // vision.patch_size(self.network.visual)
        picture = Pillow.fromarray(mask.astype(np.uint8) * 255).resize((count, count), Pillow.Resampling.BOX)
        inside = torch.from_numpy(np.asarray(picture) > 0).flatten()
        return inside if bool(inside.any()) else torch.ones_like(inside)

    def _space(self) -> str:
        """The known space whose published vectors it gives, whatever file it came from; else its own digest."""
        known = load_words()
        vectors = self.encode_texts([f"a {word}" for word in _PROBES])
        published = known.encode_texts(_PROBES)
        if vectors.shape == published.shape and float((vectors * published).sum(axis=1).mean()) > _SAME_SPACE:
            return known.space
        return f"clip-{self.digest[:16]}"


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
