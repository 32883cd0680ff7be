"""What every segmenter can do, and the one register of them: sampipe's own models, and families of other packages.

A family is an entry point in the group ``sampipe.segmenters``: an object like :class:`Family`. Looking it up imports no
more than its module, which leaves its package alone until a model loads.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast
from weakref import WeakValueDictionary

import numpy as np

from sampipe.errors import CheckpointError, DataError
from sampipe.graph.names import did_you_mean
from sampipe.graph.registry import load_entry, points
from sampipe.graph.requirement import Requirement
from sampipe.models.weights.hub import installed_path
from sampipe.models.weights.known import KNOWN_MODELS, is_known, known_model
from sampipe.types import Masks

if TYPE_CHECKING:
    import torch

    from sampipe.models.config import EverythingDefaults
    from sampipe.models.precision import Precision
    from sampipe.types import Frame, Image, ImageEmbedding, Prompts
    from sampipe.types._arrays import BoolArray

GROUP = "sampipe.segmenters"
KINDS = ("points", "boxes", "masks", "text", "words", "video")
"""What a segmenter may take: text means CLIP vectors, words are phrases that it reads itself, video is remembered."""
OWN_TAKES = frozenset({"points", "boxes", "masks"})


class Segmenter(ABC):
    """A loaded model: images to embeddings, embeddings and prompts to masks. Nothing is remembered between calls.

    Attributes:
        name: what people call it.
        key: digest of the weights; part of every embedding, so that caches never mix models.
        device: where it is.
        takes: which of :data:`KINDS` it takes.
        mask_size: side of its square low-resolution logits.
        everything: what ``SegmentEverything`` uses for it where the caller says nothing.
    """

    name: str
    key: str

    @property
    @abstractmethod
    def device(self) -> torch.device: ...

    @property
    @abstractmethod
    def takes(self) -> frozenset[str]: ...

    @property
    @abstractmethod
    def mask_size(self) -> int: ...

    @property
    @abstractmethod
    def everything(self) -> EverythingDefaults: ...

    @abstractmethod
    def encode(self, images: Sequence[Image]) -> list[ImageEmbedding]:
        """Embed images."""

    @abstractmethod
    def decode_batch(
        self, embeddings: Sequence[ImageEmbedding], prompts: Sequence[Prompts], *, multimask: bool
    ) -> list[Masks]:
        """:meth:`decode` of several images at once, each with its prompts."""

    def decode(self, embedding: ImageEmbedding, prompts: Prompts, *, multimask: bool) -> Masks:
        """Answer n prompts on one embedded image.

        Prompts are sanitized first (:meth:`Prompts.sanitize`); an object's masks depend on its company by rounding
        alone.

        Args:
            embedding: of this model.
            prompts: n objects, in pixels of the original image; mask logits (n, m, m) lie in the embedding's frame.
            multimask: three candidates an object (whole, part, subpart) instead of one.

        Returns:
            ``Masks`` with low-resolution logits on the CPU.

        Raises:
            DataError: the embedding is another model's, or a prompt kind that this model does not take.
            CheckpointError: text vectors of another CLIP space than the model's text token was trained in.
        """
        return self.decode_batch([embedding], [prompts], multimask=multimask)[0]

    def decode_above_iou(self, embedding: ImageEmbedding, prompts: Prompts, *, min_iou: float) -> Masks:
        """The candidates (whole, part, subpart) whose predicted IoU reaches ``min_iou``, each an object of its own.

        Arguments and errors as for :meth:`decode`.
        """
        masks = self.decode(embedding, prompts, multimask=True)
        rows, columns = np.nonzero(masks.iou_scores >= min_iou)
        assert masks.logits is not None
        return masks.select(rows).replace(
            iou_scores=masks.iou_scores[rows, columns][:, None],
            logits=masks.logits[rows, columns][:, None],
            candidates=masks.candidates[rows, columns][:, None],
        )

    def check(self, embedding: ImageEmbedding, prompts: Prompts) -> None:
        """Whether this model can answer.

        Raises:
            DataError: another model's embedding, a kind of prompt that it does not take, or logits of another size.
        """
        if embedding.model_key != self.key:
            raise DataError(
                f"This embedding was made by model {embedding.model_key[:12]}, and decoding was asked of "
                f"{self.name} ({self.key[:12]}). Encode the image with the model that decodes it."
            )
        if prompts.text is not None and "text" not in self.takes:
            raise DataError(
                f"{self.name} has no text token: it takes {_and(self.takes)}, not CLIP vectors. Turn the text "
                "into points and boxes with DensePrompts or an open-vocabulary detector, or train a token with "
                "`sampipe train token`."
            )
        given = {
            "points": prompts.has_points.any(),
            "boxes": prompts.has_boxes.any(),
            "masks": prompts.has_masks.any(),
        }
        for kind in (kind for kind, is_given in given.items() if is_given and kind not in self.takes):
            raise DataError(f"{self.name} takes {_and(self.takes)} as prompts, not {kind}; nano takes them all.")
        size = self.mask_size
        if prompts.mask_logits is not None and prompts.mask_logits.shape[1:] != (size, size):
            raise DataError(
                f"mask_logits: got {prompts.mask_logits.shape}, wanted (n, {size}, {size}) for {self.name}: "
                "low-resolution logits as this model returns them."
            )


class WordSegmenter(Protocol):
    """A loaded model that finds every instance of what a phrase names."""

    name: str
    key: str

    def find(
        self, image: Image, phrases: Sequence[str], examples: Prompts | None = None, *, confidence: float
    ) -> Masks:
        """Instances, named and scored, best first; boxes are examples. See ``SegmentText``."""


class Seen(Protocol):
    """A frame of a video as a model with a memory sees it."""

    frame: Frame


class VideoSegmenter(Protocol):
    """A loaded model that knows objects of a video again. What it remembers is in each object's track."""

    name: str
    key: str
    mask_size: int

    def see(self, image: Image, number: int) -> Seen:
        """Encode a frame; numbers go up by one."""

    def begin(self, seen: Seen, asked: Prompts | BoolArray, *, by_motion: bool = False) -> tuple[Any, Masks]:
        """A track of one object by points and box, or by its mask (h, w), and its mask.

        With ``by_motion`` a motion model chooses which frames it remembers, in place of the latest.
        """

    def carry(self, track: Any, seen: Seen) -> Masks:
        """The object in the next frame: one mask, empty where it is not in sight; its score is how sure that is."""

    def correct(self, track: Any, seen: Seen, prompts: Prompts) -> Masks:
        """The object in a frame in which it was carried already, after one more prompt for it."""


class Family(Protocol):
    """The segmenters of one package, known before anything loads."""

    @property
    def names(self) -> Sequence[str]:
        """Short names, for lists and messages."""

    def has(self, model: str) -> bool:
        """Whether a name, folder or file is one of its models; nothing is imported."""

    def takes(self, model: str) -> frozenset[str]:
        """Which prompts the model takes; see :data:`KINDS`."""

    def requirements(self, model: str) -> Sequence[Requirement]:
        """The package and the weights."""

    def load(self, model: str, device: torch.device, precision: Precision) -> Segmenter:
        """The model, ready to use."""

    def load_words(self, model: str, device: torch.device) -> WordSegmenter:
        """What reads words, of a model that takes them."""

    def load_video(self, model: str, device: torch.device) -> VideoSegmenter:
        """What remembers, of a model that takes video."""


L = TypeVar("L", bound="Segmenter | WordSegmenter | VideoSegmenter")
_loaded: WeakValueDictionary[tuple[str, torch.device, str], Any] = WeakValueDictionary()
_lock = threading.Lock()


def load_segmenter(
    model: str | os.PathLike[str] = "nano", device: str | torch.device = "auto", precision: Precision = "exact"
) -> Segmenter:
    """Any segmenter by its name, file or folder: ``nano``, ``vit_b``, ``sam2.1_hiera_t``, ``sam3``, a hub id.

    Within a process a model is loaded once on a device and in a precision, for as long as anybody holds it.

    Args:
        model: one of :func:`segmenter_names`, a checkpoint file of sampipe's own models, or what a family knows.
        device: see :func:`sampipe.models.device.resolve_device`.
        precision: see :data:`sampipe.models.precision.Precision`.

    Raises:
        CheckpointError: no such model; offline; a damaged, wrong or unsafe file.
        DataError: no such device here, or a precision that it has not.
        MissingDependencyError: the family's package is not installed.
    """
    from sampipe.models.device import resolve_device
    from sampipe.models.load import load_model
    from sampipe.models.precision import half_dtype

    family = family_of(model)
    if family is None:
        return load_model(model, device, precision)
    place = resolve_device(device)
    half_dtype(precision, place)  # refused before anything is read
    return _once((str(model), place, precision), lambda: family.load(str(model), place, precision))


def load_words(model: str = "sam3", device: str | torch.device = "auto") -> WordSegmenter:
    """A model that reads words by itself; arguments and errors as for :func:`load_segmenter`.

    Raises:
        CheckpointError: it does not.
    """
    from sampipe.models.device import resolve_device

    family, place = family_of(model), resolve_device(device)
    if family is None or "words" not in family.takes(model):
        raise CheckpointError(f"{model} reads no words: it takes {_and(takes(model))}. sam3 does.")
    return _once((model, place, "words"), lambda: family.load_words(model, place))


def load_video(model: str, device: str | torch.device = "auto") -> VideoSegmenter:
    """A model with a memory of earlier frames; arguments and errors as for :func:`load_segmenter`.

    Raises:
        CheckpointError: it has none.
    """
    from sampipe.models.device import resolve_device

    family, place = family_of(model), resolve_device(device)
    if family is None or "video" not in family.takes(model):
        raise CheckpointError(f"{model} remembers no frames: it takes {_and(takes(model))}. sam2.1_hiera_t does.")
    return _once((model, place, "video"), lambda: family.load_video(model, place))


def _once(key: tuple[str, torch.device, str], load: Callable[[], L]) -> L:
    """What was loaded under that key and is still held, or what is loaded now."""
    with _lock:
        loaded = _loaded.get(key)
        if loaded is None:
            loaded = _loaded[key] = load()
        return cast("L", loaded)


def family_of(model: str | os.PathLike[str]) -> Family | None:
    """Whose model that is; None for sampipe's own.

    Raises:
        CheckpointError: nobody's: no name that is known, and no file that is there.
    """
    name = str(model)
    if is_own(name):
        return None
    family = _claimant(name)
    if family is not None:
        return family
    names = segmenter_names()
    raise CheckpointError(
        f"{name!r} is neither a known model nor a file that is there.{did_you_mean(name, names)} Known models: "
        f"{', '.join(names)}; a folder of transformers, or a name on its hub."
    )


def is_own(model: str) -> bool:
    """Whether that is the name of one of sampipe's own models, or a file that no family knows by its name."""
    return is_known(model) or (Path(model).expanduser().is_file() and _claimant(model) is None)


def segmenter_names() -> list[str]:
    """Every segmenter that has a name: sampipe's own first."""
    return [*(one.name for one in KNOWN_MODELS), *(name for family in _families() for name in family.names)]


class Other(NamedTuple):
    """A named segmenter of another package: where its weights come from, and whether they and the package are here."""

    name: str
    place: str
    is_here: bool


def others_table() -> list[Other]:
    """The named segmenters of other packages; nothing is downloaded."""
    return [
        Other(name, ", ".join(one.name for one in needed), all(one.is_met() for one in needed))
        for family in _families()
        for name in family.names
        for needed in [family.requirements(name)]
    ]


def takes(model: str) -> frozenset[str]:
    """Which prompts a model takes for certain, before it loads."""
    family = family_of(model)
    return OWN_TAKES if family is None else family.takes(model)


def requirements(model: str, *, needs: frozenset[str] = frozenset(), of: str = "") -> list[Requirement]:
    """What a model must have here, and the prompts that a node will give it.

    Args:
        model: as for :func:`load_segmenter`.
        needs: kinds of prompts that the node gives.
        of: the node's class, for the message.
    """
    try:
        family = family_of(model)
    except CheckpointError as error:
        return [Requirement.weights(model, is_met=lambda: False, fix=str(error))]
    lacking = sorted(needs - takes(model))
    unfit = [
        Requirement(
            kind="prompts",
            name=kind,
            fix=f"{model} takes {_and(takes(model))}; give {of} a model that takes {kind}, such as {_taker(kind)}",
            is_met=lambda: False,
        )
        for kind in lacking
    ]
    if family is not None:
        return [*family.requirements(model), *unfit]
    weights = Requirement.weights(
        model,
        is_met=lambda: not is_known(model) or installed_path(known_model(model)) is not None,
        fix=f"sampipe models download {model}, or the path of a file that is there",
    )
    return [weights, *unfit]


def _claimant(model: str) -> Family | None:
    return next((family for family in _families() if family.has(model)), None)


def _families() -> Iterator[Family]:
    for _, point in sorted(points(GROUP).items()):
        yield load_entry(point)


def _taker(kind: str) -> str:
    return {"words": "sam3", "video": "sam2.1_hiera_t"}.get(kind, "nano")


def _and(kinds: frozenset[str]) -> str:
    words = [kind for kind in KINDS if kind in kinds]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
