"""Segment Anything as nodes: encode, decode, both at once, refine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from sampipe.errors import DataError
from sampipe.graph import Node, Requirement, resource
from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import Count, Device, SamName
from sampipe.nodes.segment._lowres import logits_of_mask, reframed, resample_logits
from sampipe.nodes.segment._placed import repeated
from sampipe.nodes.segment._zoom import zoomed
from sampipe.types import Frame, Image, ImageEmbedding, Masks, Prompts

if TYPE_CHECKING:
    from sampipe.models.segmenters import Segmenter

Multimask = Literal["auto", "always", "never"]
Precision = Literal["exact", "bf16", "fp16"]
"""As :data:`sampipe.models.precision.Precision`, without loading it."""
_MAX_LOGIT_BYTES = 512 << 20
_STRENGTH = 10.0  # logit of a cell wholly inside a mask that has no logits of its own


class SamNode(Node):
    """What every node with a Segment Anything model has in common.

    Args:
        model: a name of ``sampipe models`` ("nano", which is embedded, "vit_b", "sam2.1_hiera_t", "sam3" and more), a
            folder of transformers, a name on its hub, or a checkpoint file.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: "exact" (float32), "bf16", or "fp16" on CUDA and MPS: faster where the device has units for it, masks
            a little different (``sampipe doctor`` says whether it pays here).

    Raises:
        DataError: a parameter that does not fit.
        CheckpointError: when it runs: weights that are missing, damaged or of another architecture.
        MissingDependencyError: when it runs: a model of a package that is not installed.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    """Kinds of prompts that the node itself gives to the model, beside those that come in."""

    model: SamName = "nano"
    device: Device = "auto"
    precision: Precision = "exact"

    def requirements(self) -> Sequence[Requirement]:
        """The package, the weights, the device, and the prompts that the model has to take."""
        from sampipe.models.segmenters import requirements

        return [*requirements(self.model, needs=self.needs, of=type(self).__name__), Requirement.device(self.device)]

    def weights_digest(self) -> str:
        """The model's."""
        return self.sam.key

    @resource
    def sam(self) -> Segmenter:
        """The loaded model; one per process for all nodes that name it."""
        from sampipe.models.segmenters import load_segmenter

        return load_segmenter(self.model, self.device, self.precision)


class EncodeImage(SamNode):
    """An image as one model sees it, from the process's embedding cache or computed now.

    Args:
        model, device, precision: see :class:`SamNode`.
    """

    def run(self, image: Image) -> ImageEmbedding:
        return encode(self.sam, image)

    def run_batch(self, image: Sequence[Image]) -> list[ImageEmbedding]:
        """Those of several images at once."""
        return encode_batch(self.sam, image)


class DecodeMasks(SamNode):
    """Prompts on an image that is encoded already.

    Args:
        model, device, precision: see :class:`SamNode`; the model must be the one that encoded.
        multimask: "always" gives three candidates an object (whole, part, subpart), "never" the single mask,
            "auto" three to each object that has nothing but one point, which is ambiguous (paper, section 3). Beside
            those, an object with a single mask has it three times.

    Raises:
        DataError: a choice that is not listed, or an embedding of another model.
    """

    multimask: Multimask = "auto"

    def run(self, embedding: ImageEmbedding, prompts: Prompts) -> Masks:
        return decode(self.sam, embedding, _placed(prompts, embedding), self.multimask).add_step(self.describe())


class Segment(SamNode):
    """Masks of whatever the prompts point at.

    The image is encoded once per model, however many nodes and graphs ask: embeddings live in the process's
    cache.

    Args:
        model, device, precision: see :class:`SamNode`.
        multimask: see :class:`DecodeMasks`.
        zoom: segment each object whose box covers less than an eighth of the image in a crop around it: finer masks,
            for an encoding an object.

    Raises:
        DataError: a choice that is not listed.
    """

    multimask: Multimask = "auto"
    zoom: bool = False

    def run(self, image: Image, prompts: Prompts) -> Masks:
        usable = prompts.sanitize(image.hw)
        if not len(usable):
            return Masks.empty(image.hw).with_prompts(usable)
        if not self.zoom:
            return self._whole(image, usable).add_step(self.describe())
        decode_each = partial(decode_batch, self.sam, multimask=self.multimask)
        found = zoomed(self.sam, image, usable, decode_each, partial(self._whole, image))
        return found.add_step(self.describe())

    def _whole(self, image: Image, prompts: Prompts) -> Masks:
        embedding = encode(self.sam, image)
        return decode(self.sam, embedding, _placed(prompts, embedding), self.multimask)

    def run_batch(self, image: Sequence[Image], prompts: Sequence[Prompts]) -> list[Masks]:
        """Those of several images at once."""
        if self.zoom:
            return [self.run(one, its) for one, its in zip(image, prompts, strict=True)]
        usable = [one.sanitize(one_image.hw) for one_image, one in zip(image, prompts, strict=True)]
        prompted = [i for i, one in enumerate(usable) if len(one)]
        embeddings = encode_batch(self.sam, [image[i] for i in prompted])
        asked = [_placed(usable[i], embedding) for i, embedding in zip(prompted, embeddings, strict=True)]
        decoded = decode_batch(self.sam, embeddings, asked, self.multimask)
        found = {i: one.add_step(self.describe()) for i, one in zip(prompted, decoded, strict=True)}
        return [
            found[i] if i in found else Masks.empty(one_image.hw).with_prompts(usable[i])
            for i, one_image in enumerate(image)
        ]


class Refine(SamNode):
    """Masks decoded again, each with its own logits as a mask prompt beside its points and box.

    As in the paper's interactive training (appendix A, "Training algorithm"): the best candidate's
    unthresholded logits go back in and the single mask comes out. Masks without logits (cleaned, loaded) go
    back in as ±10.

    Args:
        model, device, precision: see :class:`SamNode`.
        iterations: how often.

    Raises:
        DataError: ``iterations`` is not a whole number, at least 1; masks of another image size, or prompts
            outside the image.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"masks"})

    iterations: Count = 1

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        if not len(masks):
            return masks
        model, embedding = self.sam, encode(self.sam, image)
        refined = masks.best()
        for _ in range(self.iterations):
            logits = low_resolution(refined, embedding.frame, model.mask_size)
            refined = decode(model, embedding, masks.prompts.replace(mask_logits=logits), "never")
            if len(refined) != len(masks):
                raise DataError(
                    f"Refine: the prompts of {len(masks) - len(refined)} masks lie outside the image; wanted "
                    "masks together with the prompts that gave them."
                )
        kept = refined.replace(prompts=masks.prompts, history=masks.history)
        return kept.add_step(self.describe())


def encode(model: Segmenter, image: Image) -> ImageEmbedding:
    """The image's embedding, from the process's cache if any node made it before."""
    from sampipe.models import default_cache

    return default_cache().get_or_encode(model, image)


def encode_batch(model: Segmenter, images: Sequence[Image]) -> list[ImageEmbedding]:
    """:func:`encode` of several images: what the cache has not is computed together."""
    from sampipe.models import default_cache

    return default_cache().get_or_encode_batch(model, images)


def decode(model: Segmenter, embedding: ImageEmbedding, prompts: Prompts, multimask: Multimask) -> Masks:
    """Masks with low-resolution logits, or with RLE where so many logits would not fit into memory.

    With "auto" each object is decided for itself (:attr:`Prompts.ambiguous`): its masks do not depend on its company.
    """
    return decode_batch(model, [embedding], [prompts], multimask)[0]


def decode_batch(
    model: Segmenter, embeddings: Sequence[ImageEmbedding], prompts: Sequence[Prompts], multimask: Multimask
) -> list[Masks]:
    """:func:`decode` of several images, each with its prompts."""
    hw_of = [embedding.frame.original_hw for embedding in embeddings]
    asked = [one.sanitize(hw) for one, hw in zip(prompts, hw_of, strict=True)]
    asked = [_with_fitting_masks(one, model.mask_size) for one in asked]
    several = [one.ambiguous if multimask == "auto" else np.full(len(one), multimask == "always") for one in asked]
    three = _decode_alike(model, embeddings, [one.select(s) for one, s in zip(asked, several, strict=True)], True)
    single = _decode_alike(model, embeddings, [one.select(~s) for one, s in zip(asked, several, strict=True)], False)
    return [_joined(*parts) for parts in zip(asked, several, three, single, strict=True)]


def _decode_alike(
    model: Segmenter, embeddings: Sequence[ImageEmbedding], prompts: Sequence[Prompts], several: bool
) -> list[Masks]:
    """Masks of prompts that all get several candidates, or all get one; together where memory allows."""
    bytes_each = (3 if several else 1) * model.mask_size**2 * 4
    at_once = max(1, _MAX_LOGIT_BYTES // bytes_each)
    masks = [Masks.empty(embedding.frame.original_hw, embedding.frame) for embedding in embeddings]
    members = [i for i, one in enumerate(prompts) if len(one)]
    if not members:
        return masks
    if sum(len(prompts[i]) for i in members) <= at_once:
        chosen = [embeddings[i] for i in members], [prompts[i] for i in members]
        decoded = model.decode_batch(*chosen, multimask=several)
    else:
        decoded = [_decode_in_pieces(model, embeddings[i], prompts[i], several, at_once) for i in members]
    for i, one in zip(members, decoded, strict=True):
        masks[i] = one
    return masks


def _decode_in_pieces(
    model: Segmenter, embedding: ImageEmbedding, prompts: Prompts, several: bool, at_once: int
) -> Masks:
    if len(prompts) <= at_once:
        return model.decode(embedding, prompts, multimask=several)
    pieces = [prompts.select(slice(start, start + at_once)) for start in range(0, len(prompts), at_once)]
    decoded = [run_lengths(model.decode(embedding, piece, multimask=several)) for piece in pieces]
    return Masks.concat(decoded).with_prompts(prompts)


def _joined(prompts: Prompts, several: np.ndarray, three: Masks, single: Masks) -> Masks:
    """The masks of an image in the order of its prompts."""
    if several.all() or not several.any():
        return (three if len(three) else single).with_prompts(prompts)
    if three.logits is None or single.logits is None:
        three, single = run_lengths(three), run_lengths(single)
    rows = np.argsort(np.concatenate([np.flatnonzero(several), np.flatnonzero(~several)]))
    return Masks.concat([three, repeated(single, three.num_candidates)]).select(rows).with_prompts(prompts)


def run_lengths(masks: Masks) -> Masks:
    """The same masks as RLE, their stability noted before the logits go."""
    stability = masks.stability if masks.stability is not None else masks.stability_scores()
    return masks.replace(logits=None, rles=masks.all_rles(), stability=stability)


def _with_fitting_masks(prompts: Prompts, size: int) -> Prompts:
    logits = prompts.mask_logits
    if logits is None or logits.shape[1] == size:
        return prompts
    return prompts.replace(mask_logits=np.stack([resample_logits(one, size) for one in logits]))


def low_resolution(masks: Masks, frame: Frame, size: int) -> np.ndarray:
    """Logits (n, size, size), in the square of ``frame``, of masks with one candidate."""
    if masks.logits is None or not masks.frame.is_like(frame):
        return np.stack([logits_of_mask(mask, frame, size, _STRENGTH) for mask in masks.iter_binary()])
    return np.stack([resample_logits(one, size) for one in masks.logits[:, 0].numpy()])


def _placed(prompts: Prompts, embedding: ImageEmbedding) -> Prompts:
    """Mask prompts come in the square that the image fits into; some models stretch the image over their square."""
    logits = prompts.mask_logits
    if logits is None or embedding.frame.is_like(Frame.fit(embedding.frame.original_hw, embedding.frame.input_size)):
        return prompts
    return prompts.replace(mask_logits=np.stack([reframed(one, embedding.frame) for one in logits]))
