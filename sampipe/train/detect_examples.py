"""What a detector's head learns from: views of images that the frozen backbone has read once, and what is on them.

Annotated boxes of known classes say what is there; a teacher says it of everything, softly. Its cells are the head's,
so no assignment is needed: the head learns to say what the teacher's cells say, and an annotated object overrules the
teacher in the cells at its centre.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor
from torch.utils.data import Dataset

from sampipe._files import atomic_file
from sampipe.data.annotated import AnnotatedImage
from sampipe.models.sam import Sam
from sampipe.train.crops import Window, choose_window, cut
from sampipe.train.image_cache import ImageCache
from sampipe.train.sources import MaskDataset
from sampipe.train.teacher import YoloxTeacher, grid
from sampipe.types._arrays import UInt8Array

_HEARD = 0.005  # teacher's cells of less objectness say nothing
_LEAST_SEEN = 0.4  # of an annotated box; of less, nobody is told
_SURE = 0.9  # objectness of an annotated object
_REACH = (0.0, 64.0, 128.0)  # side from which on an object belongs to strides 8, 16, 32
_ALIASES = {"fire truck": "truck", "mandarin": "orange", "pedestrian": "person", "bicyclist": "person"}


@dataclass(frozen=True)
class View:
    """One view.

    Args:
        maps: the backbone's at strides 8, 16 and 32, float16 (channels, h, w).
        cells: (k,) the cells where something is.
        told: (k, 5 + classes) their boxes (xyxy), objectness and classes, float16.
        content: height and width of what is not padding, in pixels.
    """

    maps: tuple[Tensor, ...]
    cells: Tensor
    told: Tensor
    content: tuple[int, int]


@dataclass(frozen=True)
class DetectBatch:
    """Views together.

    Args:
        maps: (b, channels, h, w) at each stride.
        told: (b, n, 5 + classes) what each cell should say.
        inside: (b, n) whether a cell's centre lies on the image.
    """

    maps: tuple[Tensor, ...]
    told: Tensor
    inside: Tensor

    def to(self, device: torch.device) -> DetectBatch:
        """The same on another device."""
        maps = tuple(value.to(device, non_blocking=True) for value in self.maps)
        return DetectBatch(maps, self.told.to(device), self.inside.to(device))


class Views(Dataset[View]):
    """Views by number, for ever, in an order that the seed decides."""

    def __init__(self, views: Sequence[View], seed: int) -> None:
        self._views, self._seed = views, seed

    def __getitem__(self, index: int) -> View:
        epoch, place = divmod(index, len(self._views))
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._views))
        return self._views[int(order[place])]


def together(size: int) -> Callable[[Sequence[View]], DetectBatch]:
    """What puts views of ``size`` pixels together."""
    cells, strides = grid(size)
    middle = (cells + 0.5) * strides

    def collate(views: Sequence[View]) -> DetectBatch:
        told = torch.zeros(len(views), len(cells), views[0].told.shape[1])
        for row, view in zip(told, views, strict=True):
            row[view.cells] = view.told.float()
        inside = [(middle[:, 1] < view.content[0]) & (middle[:, 0] < view.content[1]) for view in views]
        maps = tuple(torch.stack(parts).float() for parts in zip(*(view.maps for view in views), strict=True))
        return DetectBatch(maps, told, torch.stack(inside))

    return collate


def build_views(
    network: Sam,
    teacher: YoloxTeacher,
    names: Sequence[str],
    sources: Sequence[tuple[MaskDataset, float]],
    *,
    count: int,
    seed: int,
    log: Callable[[str], None],
) -> list[View]:
    """``count`` views of the sources by their shares: whole images and crops, half of them mirrored."""
    rng, views = np.random.default_rng(seed), []
    images = ImageCache(1 << 28)
    numbers = {name: number for number, name in enumerate(names)}
    total = sum(share for _, share in sources)
    for source, share in sources:
        wanted = round(count * share / total)
        order = np.concatenate([rng.permutation(len(source)) for _ in range(-(-wanted // len(source)))])[:wanted]
        for number in sorted(order):  # the views of an image follow each other
            views.append(_view(network, teacher, numbers, source.image(int(number)), images, rng))
            if len(views) % 200 == 0:
                log(f"{len(views)} views encoded")
    return views


def save_views(views: Sequence[View], path: Path, *, backbone: str) -> None:
    """Keep views for the next run on the same backbone."""
    with atomic_file(path) as partial:
        torch.save({"backbone": backbone, "views": [tuple(vars(view).values()) for view in views]}, partial)


def load_views(path: Path, *, backbone: str) -> list[View] | None:
    """What :func:`save_views` wrote, if that backbone read it."""
    if not path.is_file():
        return None
    said = torch.load(path, weights_only=True)
    return [View(*fields) for fields in said["views"]] if said["backbone"] == backbone else None


@torch.inference_mode()
def _view(
    network: Sam,
    teacher: YoloxTeacher,
    numbers: dict[str, int],
    annotated: AnnotatedImage,
    images: ImageCache,
    rng: np.random.Generator,
) -> View:
    image, size = images.open(annotated.path), teacher.size
    if not annotated.objects or rng.random() < 0.4:
        window = Window(0, 0, max(image.size), max(image.size))
    else:
        relative = size / network.config.image_size
        window = choose_window(annotated, rng, relative=relative, zoom=(0.7, 1.5), stretch=0.1)
    pixels = np.array(cut(image, window, size, Pillow.Resampling.BILINEAR))
    wide, high = window.content(image.size, size)
    mirrored = bool(rng.random() < 0.5)
    if mirrored:
        pixels[:, :wide] = pixels[:, :wide][:, ::-1]
    pixels = _lit(pixels, rng)
    told = teacher(pixels, (high, wide))
    _overrule(told, _annotated(annotated, numbers, window, size, wide if mirrored else None), len(numbers))
    cells = (told[:, 4] > _HEARD).nonzero()[:, 0]
    shown = torch.zeros(1, 3, size, size)
    whole = network.normalize(torch.from_numpy(pixels).permute(2, 0, 1)[None].float())
    shown[..., :high, :wide] = whole[..., :high, :wide]
    maps = network.image_encoder.get_submodule("backbone")(shown)[1:]
    return View(tuple(one[0].half().clone() for one in maps), cells, told[cells].half(), (high, wide))


def _lit(pixels: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """In another light, a little."""
    scale = rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3)
    return np.clip(pixels * scale, 0, 255).astype(np.uint8)


def _annotated(
    annotated: AnnotatedImage, numbers: dict[str, int], window: Window, size: int, mirror: int | None
) -> list[tuple[int, tuple[float, float, float, float]]]:
    """Class and box, in pixels of the view, of what is seen well enough."""
    found = []
    for item in annotated.objects:
        number = numbers.get(_ALIASES.get(item.category, item.category))
        if number is None:
            continue
        x0, x1 = ((x - window.left) * size / window.width for x in item.xyxy[::2])
        y0, y1 = ((y - window.top) * size / window.height for y in item.xyxy[1::2])
        if mirror is not None:
            x0, x1 = mirror - x1, mirror - x0
        left, right, top, bottom = max(x0, 0), min(x1, size), max(y0, 0), min(y1, size)
        seen = max(right - left, 0) * max(bottom - top, 0)
        if seen > max(_LEAST_SEEN * (x1 - x0) * (y1 - y0), 16):
            found.append((number, (left, top, right, bottom)))
    return found


def _overrule(told: Tensor, objects: list[tuple[int, tuple[float, float, float, float]]], classes: int) -> None:
    """Cells at the centre of an annotated object say it, whatever the teacher thought; smaller objects last."""
    cells, strides = grid(round((len(told) / (1 / 64 + 1 / 256 + 1 / 1024)) ** 0.5))
    middle = (cells + 0.5) * strides
    sides = [((x1 - x0) * (y1 - y0)) ** 0.5 for _, (x0, y0, x1, y1) in objects]
    for place in sorted(range(len(objects)), key=lambda one: -sides[one]):
        number, box = objects[place]
        center = torch.tensor([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        stride = (8, 16, 32)[sum(sides[place] >= reach for reach in _REACH) - 1]
        near = (strides[:, 0] == stride) & ((middle - center).abs() <= stride).all(dim=1)
        told[near, :4] = torch.tensor(box, dtype=torch.float32)
        told[near, 4] = told[near, 4].clamp(min=_SURE)
        told[near, 5:] = torch.nn.functional.one_hot(torch.tensor(number), classes).float()
