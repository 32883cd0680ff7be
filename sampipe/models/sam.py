"""The whole model: a network (:class:`Sam`) and the values it turns into each other (:class:`SamModel`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe._report import note_device
from sampipe.errors import CheckpointError, DataError
from sampipe.models.config import NanoConfig, SamConfig, TinyViTConfig, ViTConfig
from sampipe.models.folded import SharedImage
from sampipe.models.mask_decoder import MaskDecoder
from sampipe.models.nano import NanoEncoder
from sampipe.models.prompt_encoder import PromptEncoder, PromptTensors
from sampipe.models.tiny_vit import TinyViT
from sampipe.models.vit import ImageEncoderViT
from sampipe.types import Frame, Image, ImageEmbedding, Masks, Prompts

SINGLE_MASK = (0,)
AMBIGUOUS_MASKS = (1, 2, 3)
_MANY = 4  # prompts on one image, from which on what they share on a CPU is worth making
_CPU_VALUES, _GPU_VALUES = 1 << 22, 1 << 26  # image values decoded at once: 4 and 64 objects of an official model


def _build_encoder(config: SamConfig) -> nn.Module:
    match config.image_encoder:
        case ViTConfig() as vit:
            return ImageEncoderViT(vit)
        case TinyViTConfig() as tiny:
            return TinyViT(tiny)
        case NanoConfig() as nano:
            return NanoEncoder(nano)


class Sam(nn.Module):
    """The network. Parameter names are those of the official checkpoints."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = _build_encoder(config)
        self.prompt_encoder = PromptEncoder(config.prompt_encoder, embed_dim=config.embed_dim)
        self.mask_decoder = MaskDecoder(config.mask_decoder, embed_dim=config.embed_dim)
        self.register_buffer("pixel_mean", torch.tensor(config.pixel_mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(config.pixel_std).view(3, 1, 1), persistent=False)

    def normalize(self, pixels: Tensor) -> Tensor:
        """(b, 3, h, w) pixels in 0..255 to the encoder's range."""
        return (pixels - self.pixel_mean) / self.pixel_std

    def encode(self, normalized: Tensor) -> tuple[Tensor, ...]:
        """(b, 3, s, s) to the embedding (b, dim, grid, grid), then any finer maps."""
        encoded = self.image_encoder(normalized)
        return encoded if isinstance(encoded, tuple) else (encoded,)

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
    """An encoded image, and what the decoder makes of it that is the same for every prompt.

    Args:
        sam: the network.
        features: what :meth:`Sam.encode` gave.
        positions: of the embedding's cells, where they are known already.
    """

    def __init__(self, sam: Sam, features: Sequence[Tensor], positions: Tensor | None = None) -> None:
        embedding, *self._fine = features
        self._decoder = sam.mask_decoder
        self._embedding = embedding.contiguous(memory_format=torch.channels_last)  # the decoder works cell by cell
        grid = sam.prompt_encoder.pe_layer.grid
        self._positions = grid(*embedding.shape[-2:]) if positions is None else positions
        self._without_mask: Tensor | None = None
        self._shared: SharedImage | None = None
        self._asked = 0

    def decode(self, prompt_tokens: Tensor, dense: Tensor, *, outputs: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See :meth:`Sam.decode`."""
        image, shared = self._prompted(dense, len(prompt_tokens))
        return self._decoder(image, self._positions, prompt_tokens, fine=self._fine, outputs=outputs, shared=shared)

    def decode_good(
        self, prompt_tokens: Tensor, dense: Tensor, *, outputs: Sequence[int], iou: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Only the masks whose predicted IoU reaches ``iou``; of the others nothing is drawn.

        Returns:
            which (k, 2) object and index into ``outputs``, logits (k, m, m), predicted IoU (k,).
        """
        image, shared = self._prompted(dense, len(prompt_tokens))
        attended = self._decoder.attend(image, self._positions, prompt_tokens, shared=shared)
        ious = self._decoder.predicted_iou(attended)[:, list(outputs)]
        which = (ious >= iou).nonzero()
        drawn = []
        for i in which[:, 0].unique().tolist():
            chosen = [outputs[k] for k in which[which[:, 0] == i, 1].tolist()]
            fine = [value[i : i + 1] if len(value) > 1 else value for value in self._fine]
            drawn.append(self._decoder.draw(attended.one(i), outputs=chosen, fine=fine)[0])
        side = 4 * attended.hw[0]
        logits = torch.cat(drawn) if drawn else ious.new_empty(0, side, side)
        return which, logits, ious[which[:, 0], which[:, 1]]

    def _prompted(self, dense: Tensor, count: int) -> tuple[Tensor, SharedImage | None]:
        """The embedding with the dense prompt, and what all prompts share once they have been many."""
        image = self._with(dense)
        if image is not self._without_mask or image.device.type != "cpu":
            return image, None
        self._asked += count
        if self._shared is None and self._asked >= _MANY:
            self._shared = self._decoder.share(image, self._positions)
        return image, self._shared

    def _with(self, dense: Tensor) -> Tensor:
        if dense.shape[-1] > 1:
            return self._embedding + dense
        if self._without_mask is None:  # one vector says "no mask", whatever else is asked
            self._without_mask = self._embedding + dense
        return self._without_mask


def state_digest(module: nn.Module) -> str:
    """A digest of a network's weights: names, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name}:{tuple(value.shape)}:{value.dtype};".encode())
        digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


class SamModel:
    """A loaded model: images to embeddings, embeddings and prompts to masks.

    Both methods are pure functions of their arguments: nothing is remembered between calls, so threads may share one
    model.

    Args:
        sam: the network, on its device and in evaluation mode.
        name: what people call it (``"vit_b"``).
        key: digest of the weights; part of every embedding, so that caches never mix models.
    """

    def __init__(self, sam: Sam, *, name: str, key: str | None = None) -> None:
        self.sam = sam.eval().requires_grad_(False)
        self.name = name
        self.key = key or state_digest(sam)
        self._positions: Tensor | None = None  # a constant of the weights, made on first use

    def __repr__(self) -> str:
        return f"SamModel({self.name!r}, key={self.key[:12]!r}, device={str(self.device)!r})"

    @property
    def config(self) -> SamConfig:
        """The shape of the network."""
        return self.sam.config

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.sam.pixel_mean.device

    def encode(self, images: Sequence[Image]) -> list[ImageEmbedding]:
        """Embed images, one at a time through the network's square input.

        The longest side is resized to the input size (bilinear, antialiased) and the rest padded with zeros after
        normalisation (paper, appendix A "Image encoder").
        """
        note_device(str(self.device))
        return [self._encode_one(image) for image in images]

    @torch.inference_mode()
    def _encode_one(self, image: Image) -> ImageEmbedding:
        square, frame = self.square(image)
        features, *fine = (value[0] for value in self.sam.encode(square))
        return ImageEmbedding(features=features, fine=tuple(fine), frame=frame, model_key=self.key, image_key=image.key)

    def square(self, image: Image) -> tuple[Tensor, Frame]:
        """An image as the encoder takes it, (1, 3, s, s), normalised, and how it lies in that square."""
        size = self.config.image_size
        frame = Frame.fit(image.hw, size)
        height, width = frame.resized_hw
        resized = np.asarray(image.to_pil().resize((width, height), Pillow.Resampling.BILINEAR))
        pixels = torch.from_numpy(resized.copy()).to(self.device).permute(2, 0, 1)[None].float()
        return F.pad(self.sam.normalize(pixels), (0, size - width, 0, size - height)), frame

    @torch.inference_mode()
    def decode(self, embedding: ImageEmbedding, prompts: Prompts, *, multimask: bool) -> Masks:
        """Answer n prompts on one embedded image.

        Prompts are sanitized first (:meth:`Prompts.sanitize`); objects prompted in the same way go through the decoder
        together, a few at a time, so an object's masks depend on its company by rounding alone.

        Args:
            embedding: of this model.
            prompts: n objects, in pixels of the original image.
            multimask: three candidates an object (whole, part, subpart) instead of one.

        Returns:
            ``Masks`` with low-resolution logits on the CPU.

        Raises:
            DataError: the embedding is another model's, or a prompt kind this model has no encoder for.
            CheckpointError: text vectors of another CLIP space than the model's text token was trained in.
        """
        note_device(str(self.device))
        self._check(embedding, prompts)
        prompts = prompts.sanitize(embedding.frame.original_hw)
        outputs = AMBIGUOUS_MASKS if multimask else SINGLE_MASK
        size = self.config.mask_size
        logits = torch.empty(len(prompts), len(outputs), size, size)
        ious = torch.empty(len(prompts), len(outputs))
        prepared = self._prepared(embedding)
        for chunk in self._chunks(prompts):
            tokens, dense = self._encode_prompts(prompts.select(chunk), embedding.frame)
            chunk_logits, chunk_ious = prepared.decode(tokens, dense, outputs=outputs)
            logits[chunk], ious[chunk] = chunk_logits.cpu(), chunk_ious.cpu()
        return Masks(
            frame=embedding.frame,
            prompts=prompts,
            iou_scores=ious.numpy(),
            logits=logits,
            candidates=np.tile(np.asarray(outputs, dtype=np.int64), (len(prompts), 1)),
        )

    @torch.inference_mode()
    def decode_good(self, embedding: ImageEmbedding, prompts: Prompts, *, iou: float) -> Masks:
        """The candidates (whole, part, subpart) whose predicted IoU reaches ``iou``, each as an object of its own.

        Arguments and errors as for :meth:`decode`. Candidates that fall short are never drawn.
        """
        note_device(str(self.device))
        self._check(embedding, prompts)
        prompts = prompts.sanitize(embedding.frame.original_hw)
        prepared = self._prepared(embedding)
        rows, candidates, logits, ious = [], [], [], []
        for chunk in self._chunks(prompts):
            tokens, dense = self._encode_prompts(prompts.select(chunk), embedding.frame)
            which, drawn, scores = prepared.decode_good(tokens, dense, outputs=AMBIGUOUS_MASKS, iou=iou)
            rows.append(chunk[which[:, 0].cpu().numpy()])
            candidates.append(np.asarray(AMBIGUOUS_MASKS, dtype=np.int64)[which[:, 1].cpu().numpy()])
            logits.append(drawn.cpu())
            ious.append(scores.cpu().numpy())
        if not rows:
            return Masks.empty(embedding.frame.original_hw, embedding.frame)
        order = np.argsort(np.concatenate(rows), kind="stable")  # as the prompts came, not by how they were chunked
        return Masks(
            frame=embedding.frame,
            prompts=prompts.select(np.concatenate(rows)[order]),
            iou_scores=np.concatenate(ious)[order][:, None],
            logits=torch.cat(logits)[torch.from_numpy(order)][:, None],
            candidates=np.concatenate(candidates)[order][:, None],
        )

    def _prepared(self, embedding: ImageEmbedding) -> PreparedImage:
        features = [value.to(self.device)[None] for value in (embedding.features, *embedding.fine)]
        if self._positions is None:
            self._positions = self.sam.prompt_encoder.pe_layer.grid(self.config.grid, self.config.grid)
        return PreparedImage(self.sam, features, self._positions)

    def _check(self, embedding: ImageEmbedding, prompts: Prompts) -> None:
        if embedding.model_key != self.key:
            raise DataError(
                f"This embedding was made by model {embedding.model_key[:12]}, and decoding was asked of "
                f"{self.name} ({self.key[:12]}). Encode the image with the model that decodes it."
            )
        if prompts.text is not None:
            self._check_text(prompts)
        size = self.config.mask_size
        if prompts.mask_logits is not None and prompts.mask_logits.shape[1:] != (size, size):
            raise DataError(
                f"mask_logits: got {prompts.mask_logits.shape}, wanted (n, {size}, {size}) for {self.name}: "
                "low-resolution logits as this model returns them."
            )

    def _check_text(self, prompts: Prompts) -> None:
        assert prompts.text is not None
        config = self.config.prompt_encoder
        if not config.text_dim:
            raise DataError(
                f"{self.name} has no text token: it takes points, boxes and masks, not CLIP vectors. Turn the text "
                "into points and boxes with DensePrompts or an open-vocabulary detector, or train a token with "
                "`sampipe train token`."
            )
        given, wanted = (prompts.text_space, prompts.text.shape[1]), (config.text_space, config.text_dim)
        if given != wanted:
            raise CheckpointError(
                f"text: {given[1]} numbers of the CLIP space {given[0] or '(not said)'!r}, and the text token of "
                f"{self.name} was trained on {wanted[1]} of {wanted[0]!r}. Encode the text with that CLIP model."
            )

    def _chunks(self, prompts: Prompts) -> Iterator[np.ndarray]:
        """Indices of objects that are prompted alike, a few at a time (few on a CPU, for its cache's sake)."""
        values_each = self.config.grid**2 * self.config.embed_dim
        limit = max(1, (_CPU_VALUES if self.device.type == "cpu" else _GPU_VALUES) // values_each)
        signature = _signature(prompts)
        for kind in np.unique(signature, axis=0):
            members = np.flatnonzero((signature == kind).all(axis=1))
            for start in range(0, len(members), limit):
                yield members[start : start + limit]

    def _encode_prompts(self, prompts: Prompts, frame: Frame) -> tuple[Tensor, Tensor]:
        """Tokens and dense embedding of objects that are prompted alike."""
        points, box, mask, text = (int(value) for value in _signature(prompts)[0])
        xy = labels = None
        if points:
            coordinates, kinds = _valid_points(prompts, points)
            xy, labels = self._tensor(frame.points_to_input(coordinates)), torch.from_numpy(kinds).to(self.device)
        tensors = PromptTensors(
            points=xy,
            labels=labels,
            boxes=self._tensor(frame.boxes_to_input(_given(prompts.boxes))) if box else None,
            masks=self._tensor(_given(prompts.mask_logits))[:, None] if mask else None,
            extent=self.config.image_size,
            count=len(prompts),
            text=self._tensor(_given(prompts.text)) if text else None,
        )
        return self.sam.prompt_encoder(tensors, grid=self.config.grid)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.as_tensor(np.array(array, dtype=np.float32), device=self.device)


def _signature(prompts: Prompts) -> np.ndarray:
    """How each object is prompted, (n, 4): number of points, has a box, has a mask, has a text."""
    labels = prompts.point_labels
    points = np.zeros(len(prompts), dtype=np.int64) if labels is None else (labels >= 0).sum(axis=1)
    return np.stack([points, prompts.has_boxes, prompts.has_masks, prompts.has_text], axis=1)


def _valid_points(prompts: Prompts, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` points of each object, in their order, without the padding."""
    points, labels = _given(prompts.points), _given(prompts.point_labels)
    order = np.argsort(labels < 0, axis=1, kind="stable")[:, :count]
    xy = np.take_along_axis(points, order[..., None], axis=1)
    return xy, np.take_along_axis(labels, order, axis=1).astype(np.int64)


def _given(values: NDArray[Any] | None) -> NDArray[Any]:
    """What :func:`_signature` found to be there."""
    assert values is not None
    return values
