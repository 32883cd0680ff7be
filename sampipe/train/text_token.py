"""Training the text prompt of the paper: CLIP image vectors of masks go in, at run time text vectors take their place.

(Segment Anything, section 7.5 and appendix D.5.) No caption is needed. The first prompt of an object is the CLIP image
vector of its crop; then points follow, as in the interactive training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sampipe.errors import DataError
from sampipe.models.prompt_encoder import PromptTensors
from sampipe.models.sam import SINGLE_MASK, Sam, SamModel
from sampipe.text.clip import ClipModel
from sampipe.text.crops import square_crop
from sampipe.train.config import OptimizerConfig
from sampipe.train.interaction import correction_points
from sampipe.train.losses import MaskLoss, interactive_loss
from sampipe.train.muon import Muon
from sampipe.train.schedule import rate_factor
from sampipe.types import RLE, Frame, Image
from sampipe.types._arrays import FloatArray

LEAST_AREA = 100**2
"""Of a mask, in px² (appendix D.5); smaller things say too little to CLIP."""
_CROPS_TOGETHER = 8


@dataclass(frozen=True, kw_only=True)
class TokenConfig:
    """How a token is trained.

    Args:
        minutes: at most so long; None for no limit.
        steps: at most so many.
        pictures: a step.
        masks: of a picture, at most.
        rounds: prompts of an object: its vector, then ``rounds - 1`` points.
        learning_rate: after a short rise; it then falls as a cosine.
        train_decoder: whether the mask decoder learns, too, or the projection alone.
        train_encoder: whether the image encoder learns, too, as in a training from the beginning.
        least_area: smallest mask in px² of the photo.
        grow: the crop's side in units of the mask's box, drawn from this range.
        blank: share of the crops whose outside is painted over.
        mask_loss: proportions of focal and dice.
        seed: of everything that is drawn.
    """

    minutes: float | None = None
    steps: int = 10_000
    pictures: int = 1
    masks: int = 8
    rounds: int = 3
    learning_rate: float = 3e-4
    train_decoder: bool = True
    train_encoder: bool = False
    least_area: int = LEAST_AREA
    grow: tuple[float, float] = (1.0, 2.0)
    blank: float = 0.5
    mask_loss: MaskLoss = field(default_factory=MaskLoss)
    seed: int = 0


@dataclass(frozen=True)
class MaskedPicture:
    """A picture and the masks of the objects on it."""

    image: Image
    masks: tuple[RLE, ...]


def with_token(sam: Sam, clip: ClipModel) -> Sam:
    """A copy of a network whose prompt encoder takes vectors of a CLIP model; the new projection is random."""
    dim = clip.encode_texts(["a thing"]).shape[1]
    prompts = replace(sam.config.prompt_encoder, text_dim=dim, text_space=clip.space)
    copy = Sam(replace(sam.config, prompt_encoder=prompts)).to(sam.pixel_mean.device)
    lacking = copy.load_state_dict(sam.state_dict(), strict=False)
    assert all(name.startswith("prompt_encoder.text_projection.") for name in lacking.missing_keys)
    return copy


def crop_vectors(clip: ClipModel, picture: MaskedPicture, config: TokenConfig, rng: np.random.Generator) -> FloatArray:
    """The CLIP image vector (n, d) of each mask's crop (appendix D.5).

    The crop is square and 1 to 2 times the mask's box; of half of them the outside is painted over; in CLIP's last
    layer the output token attends to the mask alone.
    """
    crops = [
        square_crop(picture.image, mask, grow=rng.uniform(*config.grow), blank=bool(rng.random() < config.blank))
        for mask in picture.masks
    ]
    parts = [
        clip.encode_images([pixels for pixels, _ in chunk], [inside for _, inside in chunk])
        for chunk in (crops[start : start + _CROPS_TOGETHER] for start in range(0, len(crops), _CROPS_TOGETHER))
    ]
    return np.concatenate(parts)


def train_token(
    sam: Sam,
    clip: ClipModel,
    pictures: Callable[[np.random.Generator], MaskedPicture],
    config: TokenConfig,
    *,
    say: Callable[[str], None],
) -> None:
    """Train the text projection in place, and what else is asked for.

    Args:
        sam: a network made by :func:`with_token`.
        clip: the CLIP model.
        pictures: draws one picture with masks.
        config: how.
        say: told a line of progress now and then.

    Raises:
        DataError: a hundred pictures in a row without a mask that is large enough.
    """
    rng = np.random.default_rng(config.seed)
    generator = torch.Generator(device=sam.pixel_mean.device).manual_seed(config.seed)
    model = SamModel(sam, name="in training", key="in training")  # freezes everything
    learned = _unfreeze(sam, config)
    optimizer = Muon([{"params": learned, "weight_decay": 0.01}], lr=config.learning_rate)
    schedule = OptimizerConfig(schedule="cosine", warmup=50)
    started, told, figures, step = time.monotonic(), time.monotonic(), [], 0
    usable = _usable(pictures, config, rng)
    while (done := _progress(step, time.monotonic() - started, config)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * rate_factor(schedule, step=step, progress=done)
        batch = _batch(model, clip, [next(usable) for _ in range(config.pictures)], config, rng)
        loss, iou = _loss(model, batch, config, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        figures.append((loss.item(), iou))
        step += 1
        if time.monotonic() - told > 30:
            mean_loss, mean_iou = np.mean(figures[-50:], axis=0)
            say(f"step {step}  loss {mean_loss:.3f}  IoU by the vector alone {mean_iou:.3f}")
            told = time.monotonic()
    sam.eval().requires_grad_(False)


def _progress(step: int, seconds: float, config: TokenConfig) -> float:
    by_time = 0.0 if config.minutes is None else seconds / (60 * config.minutes)
    return max(step / config.steps, by_time)


def _unfreeze(sam: Sam, config: TokenConfig) -> list[torch.nn.Parameter]:
    projection = sam.prompt_encoder.text_projection
    assert projection is not None
    parts: list[torch.nn.Module] = [projection]
    parts += [sam.mask_decoder] if config.train_decoder else []
    parts += [sam.image_encoder.train()] if config.train_encoder else []
    learned = [parameter for part in parts for parameter in part.parameters()]
    for parameter in learned:
        parameter.requires_grad_(True)
    return learned


def _usable(
    pictures: Callable[[np.random.Generator], MaskedPicture], config: TokenConfig, rng: np.random.Generator
) -> Iterator[MaskedPicture]:
    empty = 0
    while empty < 100:
        picture = pictures(rng)
        large = [mask for mask in picture.masks if mask.area >= config.least_area]
        empty = 0 if large else empty + 1
        if large:
            chosen = rng.permutation(len(large))[: config.masks]
            yield MaskedPicture(picture.image, tuple(large[i] for i in chosen))
    raise DataError(f"a hundred pictures in a row held no mask of {config.least_area:,} px²; lower the least area")


@dataclass(frozen=True)
class _Batch:
    """n objects on several pictures.

    Attributes:
        features: the embedding and any finer maps of each object's picture, (n, ...) each.
        truth: (n, 1, m, m).
        text: (n, d), the vectors of the objects' crops.
    """

    features: list[Tensor]
    truth: Tensor
    text: Tensor


def _batch(
    model: SamModel,
    clip: ClipModel,
    pictures: Sequence[MaskedPicture],
    config: TokenConfig,
    rng: np.random.Generator,
) -> _Batch:
    squares, frames = zip(*(model.square(picture.image) for picture in pictures), strict=True)
    with torch.set_grad_enabled(config.train_encoder):
        features = model.sam.encode(torch.cat(squares))
    owner = torch.tensor([row for row, picture in enumerate(pictures) for _ in picture.masks], device=model.device)
    truth = [
        _targets(picture.masks, frame, model.config.mask_size) for picture, frame in zip(pictures, frames, strict=True)
    ]
    text = np.concatenate([crop_vectors(clip, picture, config, rng) for picture in pictures])
    return _Batch(
        [value[owner] for value in features],
        torch.cat(truth).to(model.device),
        torch.tensor(text, device=model.device),
    )


def _loss(model: SamModel, batch: _Batch, config: TokenConfig, generator: torch.Generator) -> tuple[Tensor, float]:
    """Mean loss over all rounds, and the true IoU of the first."""
    sam, truth, text = model.sam, batch.truth, batch.text
    scale = model.config.image_size / model.config.mask_size
    points, labels = text.new_zeros(len(text), 0, 2), torch.zeros(len(text), 0, dtype=torch.long, device=text.device)
    logits, total, first = None, text.new_zeros(()), 0.0
    for turn in range(config.rounds):
        if logits is not None:
            point, label = correction_points(logits[:, 0] > 0, truth[:, 0] >= 0.5, scale, generator)
            points, labels = torch.cat([points, point], dim=1), torch.cat([labels, label], dim=1)
        prompts = PromptTensors(
            points=points if turn else None,
            labels=labels if turn else None,
            boxes=None,
            masks=logits,
            extent=model.config.image_size,
            count=len(text),
            text=text,
        )
        tokens, dense = sam.prompt_encoder(prompts, grid=model.config.grid)
        answer, predicted = sam.decode(batch.features, tokens, dense, outputs=SINGLE_MASK)
        loss, true = interactive_loss(answer, predicted, truth, config.mask_loss)
        total = total + loss.mean() / config.rounds
        first = float(true.mean()) if not turn else first
        logits = answer.detach()
    return total, first


def _targets(masks: Sequence[RLE], frame: Frame, side: int) -> Tensor:
    """The share of each low-resolution cell that a mask covers, (n, 1, side, side)."""
    height, width = frame.content_hw(side)
    targets = torch.zeros(len(masks), 1, side, side)
    for row, mask in enumerate(masks):
        pixels = torch.from_numpy(mask.decode())[None, None].float()
        targets[row, 0, :height, :width] = F.interpolate(pixels, size=(height, width), mode="area")[0, 0]
    return targets


def photos(folder: Path) -> Callable[[np.random.Generator], MaskedPicture]:
    """Draws pictures of a COCO folder; their classes' names are not looked at."""
    from sampipe.types.coco import read_coco

    pictures = read_coco(folder)

    def draw(rng: np.random.Generator) -> MaskedPicture:
        picture = pictures[int(rng.integers(len(pictures)))]
        return MaskedPicture(Image.open(picture.path), tuple(item.mask for item in picture.objects))

    return draw
