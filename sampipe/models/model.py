"""A loaded model: images to embeddings, embeddings and prompts to masks."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional as F

from sampipe._cores import map_on_cores, worker_count
from sampipe.errors import CheckpointError
from sampipe.graph.run.events import note_device
from sampipe.models.config import EverythingDefaults, SamConfig
from sampipe.models.precision import Precision, half_dtype, halve
from sampipe.models.prompt_encoder import PromptTensors
from sampipe.models.sam import AMBIGUOUS_MASKS, SINGLE_MASK, PreparedImage, Sam, state_digest
from sampipe.models.segmenters import OWN_TAKES, Segmenter
from sampipe.types import Frame, Image, ImageEmbedding, Masks, Prompts

_CPU_VALUES, _GPU_VALUES = 1 << 22, 1 << 26  # image values decoded at once: 4 and 64 objects of an official model


class SamModel(Segmenter):
    """A loaded model of sampipe's own: images to embeddings, embeddings and prompts to masks.

    Its methods are pure functions of their arguments: nothing is remembered between calls, so threads may share one
    model. On a CPU the objects of a call, and the images, are spread over the cores
    (:func:`sampipe._cores.map_on_cores`). After a fork the child must load its own: torch's threads stay behind.

    Args:
        sam: the network, on its device and in evaluation mode.
        name: what people call it (``"vit_b"``).
        key: digest of the weights; part of every embedding, so that caches never mix models.
        precision: see :data:`~sampipe.models.precision.Precision`; part of ``key``. The network's own encoder is
            changed by another one than "exact".

    Raises:
        DataError: a precision that the device has not.
    """

    def __init__(self, sam: Sam, *, name: str, key: str | None = None, precision: Precision = "exact") -> None:
        self.sam = sam.eval().requires_grad_(False)
        self.name = name
        self.key = (key or state_digest(sam)) + ("" if precision == "exact" else f"-{precision}")
        self.precision = precision
        self._half = half_dtype(precision, self.device)
        if self._half is not None:
            halve(sam.image_encoder, self._half)
        self._positions: Tensor | None = None  # a constant of the weights, made on first use

    def __repr__(self) -> str:
        precision = "" if self.precision == "exact" else f", precision={self.precision!r}"
        return f"SamModel({self.name!r}, key={self.key[:12]!r}, device={str(self.device)!r}{precision})"

    @property
    def config(self) -> SamConfig:
        """The shape of the network."""
        return self.sam.config

    @functools.cached_property
    def heads_key(self) -> str:
        """Digest of the weights that heads stand on: the backbone's, where there is one, else all."""
        if not self.config.image_encoder.backbone_channels:
            return self.key
        return state_digest(self.sam.image_encoder.get_submodule("backbone"))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.sam.pixel_mean.device

    @property
    def takes(self) -> frozenset[str]:
        """Points, boxes, masks; text where there is a token for it."""
        return OWN_TAKES | {"text"} if self.config.prompt_encoder.text_dim else OWN_TAKES

    @property
    def mask_size(self) -> int:
        """Side of the low-resolution logits."""
        return self.config.mask_size

    @property
    def everything(self) -> EverythingDefaults:
        """What the model's configuration says."""
        return self.config.everything

    def encode(self, images: Sequence[Image]) -> list[ImageEmbedding]:
        """Embed images: on a CPU an image a core, elsewhere all of them stacked through the network.

        The longest side is resized to the input size (bilinear, antialiased) and the rest padded with zeros after
        normalisation (paper, appendix A "Image encoder").
        """
        note_device(str(self.device))
        if self.device.type == "cpu":
            return map_on_cores(lambda image: self._encode([image])[0], images)
        return self._encode(images) if images else []

    @torch.inference_mode()
    def _encode(self, images: Sequence[Image]) -> list[ImageEmbedding]:
        squares, frames = zip(*(self.square(image) for image in images), strict=True)
        with self._autocast():
            encoded, backbone = self.sam.encode_with_backbone(torch.cat(squares))
        maps, backbone = [value.float() for value in encoded], tuple(value.float() for value in backbone)
        return [
            ImageEmbedding(
                features=maps[0][i],
                fine=tuple(value[i] for value in maps[1:]),
                backbone=tuple(value[i] for value in backbone),
                frame=frame,
                model_key=self.key,
                image_key=image.key,
            )
            for i, (image, frame) in enumerate(zip(images, frames, strict=True))
        ]

    def square(self, image: Image) -> tuple[Tensor, Frame]:
        """An image as the encoder takes it, (1, 3, s, s), normalised, and how it lies in that square."""
        size = self.config.image_size
        frame = Frame.fit(image.hw, size)
        height, width = frame.resized_hw
        resized = np.asarray(image.to_pil().resize((width, height), Pillow.Resampling.BILINEAR))
        pixels = torch.from_numpy(resized.copy()).to(self.device).permute(2, 0, 1)[None].float()
        return F.pad(self.sam.normalize(pixels), (0, size - width, 0, size - height)), frame

    def decode_batch(
        self, embeddings: Sequence[ImageEmbedding], prompts: Sequence[Prompts], *, multimask: bool
    ) -> list[Masks]:
        """:meth:`decode` of several images at once, each with its prompts; on a GPU one chunk holds several images."""
        note_device(str(self.device))
        outputs = AMBIGUOUS_MASKS if multimask else SINGLE_MASK
        questions = [self._question(*pair, outputs) for pair in zip(embeddings, prompts, strict=True)]
        chunks = self._chunks(questions)
        if self.device.type == "cpu":
            map_on_cores(self._answer, chunks)
        else:
            for chunk in chunks:
                self._answer(chunk)
        return [question.masks() for question in questions]

    @torch.inference_mode()
    def decode_above_iou(self, embedding: ImageEmbedding, prompts: Prompts, *, min_iou: float) -> Masks:
        """The candidates (whole, part, subpart) whose predicted IoU reaches ``min_iou``, each as an object of its own.

        Arguments and errors as for :meth:`decode`. Candidates that fall short are never drawn.
        """
        note_device(str(self.device))
        question = self._question(embedding, prompts, AMBIGUOUS_MASKS)
        prompts = question.prompts

        @torch.inference_mode()
        def answer(chunk: _Chunk) -> tuple[np.ndarray, np.ndarray, Tensor, np.ndarray]:
            ((_, rows),) = chunk
            tokens, dense = self._encode_prompts(prompts.select(rows), embedding.frame)
            with self._decoder_autocast():
                which, drawn, scores = question.prepared.decode_above_iou(
                    tokens, dense, outputs=AMBIGUOUS_MASKS, min_iou=min_iou
                )
            object_of, candidate = which.cpu().numpy().T
            return rows[object_of], candidate, drawn.float().cpu(), scores.float().cpu().numpy()

        chunks = self._chunks([question])
        if not chunks:
            return Masks.empty(embedding.frame.original_hw, embedding.frame)
        answers = map_on_cores(answer, chunks) if self.device.type == "cpu" else [answer(chunk) for chunk in chunks]
        rows, candidates, ious = (np.concatenate([one[i] for one in answers]) for i in (0, 1, 3))
        order = np.argsort(rows, kind="stable")  # as the prompts came, not by how they were chunked
        return Masks(
            frame=embedding.frame,
            prompts=prompts.select(rows[order]),
            iou_scores=ious[order][:, None],
            logits=torch.cat([one[2] for one in answers])[torch.from_numpy(order)][:, None],
            candidates=np.asarray(AMBIGUOUS_MASKS, dtype=np.int64)[candidates][order][:, None],
        )

    @torch.inference_mode()
    def _question(self, embedding: ImageEmbedding, prompts: Prompts, outputs: Sequence[int]) -> _Question:
        self.check(embedding, prompts)
        prompts = prompts.sanitize(embedding.frame.original_hw)
        features = [value.to(self.device)[None] for value in (embedding.features, *embedding.fine)]
        if self._positions is None:
            self._positions = self.sam.prompt_encoder.pe_layer.grid(self.config.grid, self.config.grid)
        count = len(prompts) - int(prompts.has_masks.sum())
        prepared = PreparedImage(self.sam, features, self._positions, count=count)
        return _Question(embedding.frame, prompts, prepared, features, outputs, self.config.mask_size)

    @torch.inference_mode()
    def _answer(self, chunk: _Chunk) -> None:
        """Decode objects that are prompted alike; each image's part goes where the image keeps its masks."""
        encoded = [self._encode_prompts(image.prompts.select(rows), image.frame) for image, rows in chunk]
        if len(chunk) == 1:
            prepared, dense = chunk[0][0].prepared, encoded[0][1]
        else:
            sizes = [len(rows) for _, rows in chunk]
            maps = zip(*(image.features for image, _ in chunk), strict=True)
            joined = [_repeat_each(values, sizes) for values in maps]
            prepared = PreparedImage(self.sam, joined, self._positions)
            dense = _repeat_each([dense for _, dense in encoded], sizes)
        outputs = chunk[0][0].outputs
        with self._decoder_autocast():
            logits, ious = prepared.decode(torch.cat([tokens for tokens, _ in encoded]), dense, outputs=outputs)
        logits, ious, done = logits.float().cpu(), ious.float().cpu(), 0
        for image, rows in chunk:
            image.logits[rows], image.ious[rows] = logits[done : done + len(rows)], ious[done : done + len(rows)]
            done += len(rows)

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, dtype=self._half, enabled=self._half is not None)

    def _decoder_autocast(self) -> AbstractContextManager[None]:
        """On a CPU the decoder stays exact: its own way through the caches is in float32."""
        on_device = self._half is not None and self.device.type != "cpu"
        return torch.autocast(self.device.type, dtype=self._half, enabled=on_device)

    def check(self, embedding: ImageEmbedding, prompts: Prompts) -> None:
        """See :meth:`Segmenter.check`; text has to be of the token's own CLIP space."""
        super().check(embedding, prompts)
        if prompts.text is None:
            return
        config = self.config.prompt_encoder
        given, wanted = (prompts.text_space, prompts.text.shape[1]), (config.text_space, config.text_dim)
        if given != wanted:
            raise CheckpointError(
                f"text: {given[1]} numbers of the CLIP space {given[0] or '(not said)'!r}, and the text token of "
                f"{self.name} was trained on {wanted[1]} of {wanted[0]!r}. Encode the text with that CLIP model."
            )

    def _chunks(self, images: Sequence[_Question]) -> list[_Chunk]:
        """Objects that are prompted alike, a few at a time: few on a CPU, for its cache's sake, and of one image."""
        upscaled = 4 if self.config.mask_decoder.fine_features else 1  # as many values again at each finer map
        values_each = self.config.grid**2 * self.config.embed_dim * upscaled
        if self.device.type == "cpu":
            workers, total = worker_count(), sum(len(image.prompts) for image in images)
            limit = max(1, min(_CPU_VALUES // values_each, -(-total // workers)))
            return [chunk for image in images for chunk in _chunks_across([image], limit)]
        return list(_chunks_across(images, max(1, _GPU_VALUES // values_each)))

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


class _Question:
    """One image's prompts, and room for what is answered."""

    def __init__(
        self,
        frame: Frame,
        prompts: Prompts,
        prepared: PreparedImage,
        features: Sequence[Tensor],
        outputs: Sequence[int],
        size: int,
    ) -> None:
        self.frame, self.prompts, self.prepared, self.features = frame, prompts, prepared, features
        self.outputs = outputs
        self.logits = torch.empty(len(prompts), len(outputs), size, size)
        self.ious = torch.empty(len(prompts), len(outputs))

    def masks(self) -> Masks:
        """What was answered."""
        return Masks(
            frame=self.frame,
            prompts=self.prompts,
            iou_scores=self.ious.numpy(),
            logits=self.logits,
            candidates=np.tile(np.asarray(self.outputs, dtype=np.int64), (len(self.prompts), 1)),
        )


_Chunk = list[tuple[_Question, np.ndarray]]  # images, and which of their objects


def _chunks_across(images: Sequence[_Question], limit: int) -> Iterator[_Chunk]:
    """Chunks of at most ``limit`` objects that are prompted alike, whichever image they are on."""
    signatures = [_signature(image.prompts) for image in images]
    for kind in np.unique(np.concatenate(signatures), axis=0):
        chunk: _Chunk = []
        room = limit
        for image, signature in zip(images, signatures, strict=True):
            members = np.flatnonzero((signature == kind).all(axis=1))
            while len(members):
                chunk.append((image, members[:room]))
                members, room = members[room:], room - len(chunk[-1][1])
                if room == 0:
                    yield chunk
                    chunk, room = [], limit
        if chunk:
            yield chunk


def _repeat_each(values: Sequence[Tensor], counts: Sequence[int]) -> Tensor:
    """Each of the values, (1 or count, ...), as often as its count says, in a row."""
    return torch.cat([value.expand(count, *value.shape[1:]) for value, count in zip(values, counts, strict=True)])


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
