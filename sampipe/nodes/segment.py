"""Segment Anything as nodes: encode, decode, both at once, refine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sampipe.errors import DataError
from sampipe.graph import Node, Requirement, resource
from sampipe.nodes._checks import check_choice, check_number, check_same_size, check_text
from sampipe.nodes._lowres import logits_of_mask, resample_logits
from sampipe.types import Image, ImageEmbedding, Masks, Prompts

if TYPE_CHECKING:
    from sampipe.models import SamModel

Multimask = Literal["auto", "always", "never"]
_MULTIMASK = ("auto", "always", "never")
_MAX_LOGIT_BYTES = 512 << 20
_STRENGTH = 10.0  # logit of a cell wholly inside a mask that has no logits of its own


class SamNode(Node):
    """What every node with a Segment Anything model has in common.

    Args:
        model: "nano" (embedded), "vit_b", "vit_l", "vit_h", "mobile_sam", or a checkpoint file.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".

    Raises:
        DataError: a parameter that does not fit.
        CheckpointError: when it runs: weights that are missing, damaged or of another architecture.
    """

    model: str = "nano"
    device: str = "auto"

    def __post_init__(self) -> None:
        check_text(self, "model", what="a model's name such as 'nano' or 'vit_b', or a checkpoint file")
        check_text(self, "device", what="a device such as 'auto', 'cpu' or 'cuda'")

    def requirements(self) -> Sequence[Requirement]:
        """The weights and the device."""
        weights = Requirement.weights(
            self.model,
            is_met=lambda: _is_here(self.model),
            fix=f"sampipe models download {self.model}, or the path of a file that is there",
        )
        return (weights, Requirement.device(self.device))

    def weights_digest(self) -> str:
        """The model's."""
        return self.sam.key

    @resource
    def sam(self) -> SamModel:
        """The loaded model; one per process for all nodes that name it."""
        from sampipe.models import load_model

        return load_model(self.model, self.device)


def _is_here(model: str) -> bool:
    from sampipe.models.hub import installed_path
    from sampipe.models.known import is_known, known_model

    return installed_path(known_model(model)) is not None if is_known(model) else Path(model).expanduser().is_file()


class EncodeImage(SamNode):
    """An image as one model sees it, from the process's embedding cache or computed now.

    Args:
        model, device: see :class:`SamNode`.
    """

    def run(self, image: Image) -> ImageEmbedding:
        return encode(self.sam, image)


class DecodeMasks(SamNode):
    """Prompts on an image that is encoded already.

    Args:
        model, device: see :class:`SamNode`; the model must be the one that encoded.
        multimask: "always" gives three candidates an object (whole, part, subpart), "never" the single mask,
            "auto" three when an object has nothing but one point, which is ambiguous (paper, section 3).

    Raises:
        DataError: another word, or an embedding of another model.
    """

    multimask: Multimask = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "multimask", _MULTIMASK)

    def run(self, embedding: ImageEmbedding, prompts: Prompts) -> Masks:
        return decode(self.sam, embedding, prompts, self.multimask).add_step(self.describe())


class Segment(SamNode):
    """Masks of whatever the prompts point at.

    The image is encoded once per model, however many nodes and graphs ask: embeddings live in the process's
    cache.

    Args:
        model, device: see :class:`SamNode`.
        multimask: see :class:`DecodeMasks`.

    Raises:
        DataError: another word.
    """

    multimask: Multimask = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "multimask", _MULTIMASK)

    def run(self, image: Image, prompts: Prompts) -> Masks:
        usable = prompts.sanitize(image.hw)
        if not len(usable):
            return Masks.empty(image.hw).with_prompts(usable)
        return decode(self.sam, encode(self.sam, image), usable, self.multimask).add_step(self.describe())


class Refine(SamNode):
    """Masks decoded again, each with its own logits as a mask prompt beside its points and box.

    As in the paper's interactive training (appendix A, "Training algorithm"): the best candidate's
    unthresholded logits go back in and the single mask comes out. Masks without logits (cleaned, loaded) go
    back in as ±10.

    Args:
        model, device: see :class:`SamNode`.
        iterations: how often.

    Raises:
        DataError: ``iterations`` is not a whole number, at least 1; masks of another image size, or prompts
            outside the image.
    """

    iterations: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "iterations", least=1, whole=True)

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        if not len(masks):
            return masks
        model, embedding = self.sam, encode(self.sam, image)
        refined = masks.best()
        for _ in range(self.iterations):
            logits = low_resolution(refined, model.config.mask_size)
            refined = decode(model, embedding, masks.prompts.replace(mask_logits=logits), "never")
            if len(refined) != len(masks):
                raise DataError(
                    f"Refine: the prompts of {len(masks) - len(refined)} masks lie outside the image; wanted "
                    "masks together with the prompts that gave them."
                )
        kept = refined.replace(prompts=masks.prompts, history=masks.history)
        return kept.add_step(self.describe())


def encode(model: SamModel, image: Image) -> ImageEmbedding:
    """The image's embedding, from the process's cache if any node made it before."""
    from sampipe.models import default_cache

    return default_cache().get_or_encode(model, image)


def decode(model: SamModel, embedding: ImageEmbedding, prompts: Prompts, multimask: Multimask) -> Masks:
    """Masks with low-resolution logits, or with RLE where so many logits would not fit into memory."""
    prompts = _with_fitting_masks(prompts.sanitize(embedding.frame.original_hw), model.config.mask_size)
    several = multimask == "always" or (multimask == "auto" and is_ambiguous(prompts))
    bytes_each = (3 if several else 1) * model.config.mask_size**2 * 4
    at_once = max(1, _MAX_LOGIT_BYTES // bytes_each)
    if len(prompts) <= at_once:
        return model.decode(embedding, prompts, multimask=several)
    pieces = [prompts.select(slice(start, start + at_once)) for start in range(0, len(prompts), at_once)]
    decoded = [run_lengths(model.decode(embedding, piece, multimask=several)) for piece in pieces]
    return Masks.concat(decoded).with_prompts(prompts)


def is_ambiguous(prompts: Prompts) -> bool:
    """Whether any object has nothing but a single point, which may mean the whole, a part or a subpart."""
    if prompts.point_labels is None:
        return False
    lone_point = (prompts.point_labels >= 0).sum(axis=1) == 1
    return bool((lone_point & ~(prompts.has_boxes | prompts.has_masks | prompts.has_text)).any())


def run_lengths(masks: Masks) -> Masks:
    """The same masks as RLE, their stability noted before the logits go."""
    stability = masks.stability if masks.stability is not None else masks.stability_scores()
    return masks.replace(logits=None, rles=masks.all_rles(), stability=stability)


def _with_fitting_masks(prompts: Prompts, size: int) -> Prompts:
    logits = prompts.mask_logits
    if logits is None or logits.shape[1] == size:
        return prompts
    return prompts.replace(mask_logits=np.stack([resample_logits(one, size) for one in logits]))


def low_resolution(masks: Masks, size: int) -> np.ndarray:
    """Logits (n, size, size) of masks with one candidate."""
    if masks.logits is None:
        return np.stack([logits_of_mask(mask, size, _STRENGTH) for mask in masks.iter_binary()])
    return np.stack([resample_logits(one, size) for one in masks.logits[:, 0].numpy()])
