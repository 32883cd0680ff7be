"""The text prompt of the paper: CLIP image vectors of masks in training, text vectors in their place afterwards.

(Segment Anything, section 7.5 and appendix D.5.) No caption is needed. The first prompt of an object is the CLIP image
vector of its crop; then points follow, as in the interactive training. Without an image tower, the vector of the
object's name, moved at random, stands in for that of its crop (not in the paper).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from sampipe.models.sam import Sam
from sampipe.text.clip import ClipModel, TextTower
from sampipe.text.crops import square_crop
from sampipe.text.words import WordsEncoder
from sampipe.train.config import LoopConfig, OptimizerConfig
from sampipe.train.data import Batch
from sampipe.train.examples import CropConfig, Examples
from sampipe.train.interaction import InteractionConfig
from sampipe.train.losses import MaskLoss
from sampipe.train.named import NamedThings, name_vectors
from sampipe.train.objective import InteractiveObjective
from sampipe.train.rounds import Clicks, answer_of, interact
from sampipe.train.sources import open_source
from sampipe.train.task import Task, sam_fields
from sampipe.types import RLE, Image
from sampipe.types._arrays import BoolArray, FloatArray, UInt8Array

MIN_AREA = 100**2
"""Of a mask, in px² (appendix D.5); smaller things say too little to CLIP."""
_CROPS_TOGETHER = 8
_FEATURE_BYTES = 1 << 31  # of images that come again, where the encoder stays

TOKEN_LOOP = LoopConfig(
    steps=10_000,
    batch_size=1,
    micro_batch=1,
    optimizer=OptimizerConfig(
        name="muon",
        learning_rate=3e-4,
        weight_decay=0.01,
        layer_decay=1.0,
        drop_path=0.0,
        clip=1.0,
        schedule="cosine",
        warmup=50,
    ),
)
"""Steps that suit a projection and a decoder."""


@dataclass(frozen=True, kw_only=True)
class TokenSettings:
    """How a token is trained.

    Args:
        masks: of an image, at most.
        min_area: smallest mask, in px² of the model's input.
        rounds: prompts of an object: its vector, then ``rounds - 1`` points.
        train_decoder: whether the mask decoder learns, too, or the projection alone.
        train_encoder: whether the image encoder learns, too, as in training from random weights.
        grow: the crop's side in units of the mask's box, drawn from this range.
        blank: share of the crops whose outside is painted over.
        noise: how far a name's vector is moved, in units of its length, where names stand in for crops.
        mask_loss: proportions of focal and dice.
    """

    masks: int = 8
    min_area: int = MIN_AREA
    rounds: int = 3
    train_decoder: bool = True
    train_encoder: bool = False
    grow: tuple[float, float] = (1.0, 2.0)
    blank: float = 0.5
    noise: float = 0.5
    mask_loss: MaskLoss = field(default_factory=MaskLoss)


def with_token(sam: Sam, clip: TextTower) -> Sam:
    """A copy of a network whose prompt encoder takes vectors of a CLIP model; the new projection is random."""
    dim = clip.encode_texts(["person"]).shape[1]
    prompts = replace(sam.config.prompt_encoder, text_dim=dim, text_space=clip.space)
    copy = Sam(replace(sam.config, prompt_encoder=prompts)).to(sam.pixel_mean.device)
    lacking = copy.load_state_dict(sam.state_dict(), strict=False)
    assert all(name.startswith("prompt_encoder.text_projection.") for name in lacking.missing_keys)
    return copy


def token_task(
    network: Sam,
    clip: ClipModel | WordsEncoder,
    folder: Path,
    settings: TokenSettings,
    *,
    seed: int = 0,
    start: Mapping[str, Any] | None = None,
    image_bytes: int = 1 << 29,
) -> Task:
    """What CLIP's view of a folder's masks teaches a network made by :func:`with_token`.

    Class names are used with the words inside the package alone, which have no image tower.

    Raises:
        DataError: not a folder with annotations. In training: no mask is large enough.
    """
    source = open_source(folder)
    if isinstance(clip, WordsEncoder):
        source = NamedThings(source, clip)
    size = network.config.image_size
    crop = CropConfig(size=size, native_size=size, masks=settings.masks, min_area=settings.min_area)
    data = source.describe()
    return token_task_on(
        network,
        clip,
        Examples([(source, 1.0)], crop, seed, image_bytes=image_bytes),
        settings,
        data=data["digest"],
        inputs={"data": [data], "start": dict(start or {})},
    )


def token_task_on(
    network: Sam,
    clip: ClipModel | WordsEncoder,
    examples: Dataset[Any],
    settings: TokenSettings,
    *,
    data: str,
    inputs: Mapping[str, Any],
) -> Task:
    """The same on examples of one's own; ``data`` tells them from others."""
    _unfreeze(network, settings)
    return Task(
        name="token",
        objective=TokenObjective(network, clip, settings),
        examples=examples,
        settings={"data": data, "clip": clip.space, **asdict(settings)},
        inputs=inputs,
        **sam_fields(network),
    )


def _unfreeze(sam: Sam, settings: TokenSettings) -> None:
    projection = sam.prompt_encoder.text_projection
    assert projection is not None, "a network made by with_token"
    sam.requires_grad_(False)
    learning: list[nn.Module] = [projection]
    learning += [sam.mask_decoder] if settings.train_decoder else []
    learning += [sam.image_encoder] if settings.train_encoder else []
    for part in learning:
        part.requires_grad_(True)


class TokenObjective(InteractiveObjective):
    """The interactive loss whose first prompt is a CLIP vector.

    Args:
        sam: made by :func:`with_token`.
        clip: not changed.
        settings: of the crops and rounds.
    """

    def __init__(self, sam: Sam, clip: ClipModel | WordsEncoder, settings: TokenSettings) -> None:
        super().__init__(
            sam,
            interaction=InteractionConfig(rounds=settings.rounds),
            mask_loss=settings.mask_loss,
            feature_bytes=_FEATURE_BYTES,
        )
        self._vectors = partial(first_vectors, clip, settings=settings)  # a function: its mode is not ours to change

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """``loss``, and detached ``iou_first`` and ``iou_last``: by the vector alone, and after all points."""
        count, device = len(batch.masks), batch.masks.device
        drawn = torch.randint(1 << 31, (), generator=generator, device=device)
        text = self._vectors(batch, rng=np.random.default_rng(int(drawn)))
        losses, ious = interact(
            answer_of(
                self.network,
                [value[batch.owner] for value in self.features(batch)],
                extent=batch.pixels.shape[-1],
            ),
            Clicks(
                points=torch.zeros(count, 0, 2, device=device),
                labels=torch.zeros(count, 0, dtype=torch.long, device=device),
                boxes=None,
                text=torch.tensor(text, device=device),
            ),
            batch.masks,
            scale=batch.pixels.shape[-1] / batch.masks.shape[-1],
            config=self._interaction,
            mask_loss=self._mask_loss,
            generator=generator,
        )
        return {"loss": losses.mean(), "iou_first": ious[0].mean(), "iou_last": ious[-1].mean()}


def first_vectors(
    clip: ClipModel | WordsEncoder, batch: Batch, settings: TokenSettings, rng: np.random.Generator
) -> FloatArray:
    """The vector (n, d) that is the first prompt of each mask: of its crop, else of its name."""
    if isinstance(clip, WordsEncoder):
        return name_vectors(clip, batch.names, settings.noise, rng)
    return crop_vectors(clip, batch, settings, rng)


def crop_vectors(clip: ClipModel, batch: Batch, settings: TokenSettings, rng: np.random.Generator) -> FloatArray:
    """The CLIP image vector (n, d) of each mask's crop (appendix D.5).

    The crop is square and 1 to 2 times the mask's box; of half of them the outside is painted over; in CLIP's last
    layer the output token attends to the mask alone.
    """
    images = [Image.from_array(pixels.permute(1, 2, 0).cpu().numpy().copy()) for pixels in batch.pixels]
    crops = [
        square_crop(images[owner], mask, grow=rng.uniform(*settings.grow), blank=bool(rng.random() < settings.blank))
        for owner, mask in zip(batch.owner.tolist(), _full_size(batch), strict=True)
    ]
    return np.concatenate([_seen(clip, crops[i : i + _CROPS_TOGETHER]) for i in range(0, len(crops), _CROPS_TOGETHER)])


def _full_size(batch: Batch) -> list[RLE]:
    """The masks in pixels of the example."""
    size = batch.pixels.shape[-1]
    large = F.interpolate(batch.masks[:, None], size=(size, size), mode="bilinear", align_corners=False)[:, 0]
    return [RLE.from_mask(mask) for mask in (large >= large.amax(dim=(1, 2), keepdim=True) / 2).cpu().numpy()]


def _seen(clip: ClipModel, crops: Sequence[tuple[UInt8Array, BoolArray]]) -> FloatArray:
    return clip.encode_images([pixels for pixels, _ in crops], [inside for _, inside in crops])
