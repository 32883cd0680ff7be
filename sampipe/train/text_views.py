"""Images for a text head: images whole, cut and with things of other images pasted on, and composed scenes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.formats import read_images
from sampipe.data.report import ReadReport
from sampipe.models import SamModel
from sampipe.models.text_head import text_maps
from sampipe.text.words import WordsEncoder
from sampipe.train.captioned import compose_scene
from sampipe.train.text_examples import ExampleSet, TextExample, pack
from sampipe.types import Image
from sampipe.types._arrays import BoolArray, UInt8Array

SCENE = "scene"
_LEAST_CELLS = 6  # of the map; smaller things are not taught
_LEAST_CUT_OUT = 1500  # px² of a thing that is pasted
_KEPT_CUT_OUTS = 500
_MOST_VIEWS = 5  # of one image


@dataclass(frozen=True)
class View:
    """A square image (s, s, 3), where on it phrases are, and how much of it is image."""

    pixels: UInt8Array
    where: dict[str, BoolArray]
    source: str
    content_hw: tuple[int, int]


def build_examples(
    sam: SamModel,
    words: WordsEncoder,
    folders: Sequence[tuple[Path, float]],
    *,
    views: int,
    scenes: int,
    scene_share: float,
    seed: int,
    say: Callable[[str], None],
) -> ExampleSet:
    """Make and encode all views; the encoder runs once for each.

    Args:
        sam: the model whose encoder stays frozen.
        words: what knows the classes' names; classes that it does not know are left out, and said.
        folders: COCO folders and how often each is drawn.
        views: about so many of images, divided like the shares: of some images one, or up to five of each.
        scenes: how many composed scenes.
        scene_share: how often one is drawn, beside the folders' shares, which are taken as proportions of the rest.
        seed: of crops, pastes and scenes.
        say: told a line now and then.
    """
    rng, side = np.random.default_rng(seed), sam.config.image_size
    examples: list[TextExample] = []
    vocabulary: dict[str, list[str]] = {SCENE: []}
    total = sum(share for _, share in folders)
    shares = {SCENE: scene_share if scenes else 0.0}
    for folder, share in folders:
        report = ReadReport()
        images = read_images(folder, report=report)
        for line in report.lines():
            say(f"{folder.name}: {line}")
        names = {item.category for annotated in images for item in annotated.objects}
        known = {name for name in names if words.knows(name)}
        if names - known:
            say(f"{folder.name}: left out, unknown to the words: {', '.join(sorted(names - known))}")
        vocabulary[folder.name], shares[folder.name] = sorted(known), (1 - shares[SCENE]) * share / total
        wanted = round(views * share / total)
        each = int(np.clip(round(wanted / len(images)), 1, _MOST_VIEWS))
        chosen = [images[int(row)] for row in rng.permutation(len(images))[:wanted]]
        for view in image_views(chosen, known, side, rng, source=folder.name, each=each):
            if example := _encoded(sam, view):
                examples.append(example)
                if len(examples) % 200 == 0:
                    say(f"{len(examples)} views encoded")
    for number in range(scenes):
        if example := _encoded(sam, _scene_view(np.random.default_rng([seed, number]), side)):
            examples.append(example)
    say(f"{len(examples)} views encoded")
    return ExampleSet(examples, vocabulary, shares, model_key=sam.heads_key, seed=seed)


def image_views(
    images: Sequence[AnnotatedImage], known: set[str], side: int, rng: np.random.Generator, *, source: str, each: int
) -> Iterator[View]:
    """Of each image ``each`` views: the whole, crops, and both again with things of earlier images pasted on.

    A single view is the whole image three times out of five, and a crop otherwise.
    """
    bank: deque[View] = deque(maxlen=_KEPT_CUT_OUTS)
    for number in rng.permutation(len(images)):
        annotated = images[int(number)]
        pixels = Image.open(annotated.path).pixels
        where: dict[str, BoolArray] = {}
        for item in annotated.objects:
            if item.category in known:
                where[item.category] = where.get(item.category, False) | item.mask.decode()
        if not where:
            continue
        bank.extend(_cut_outs(pixels, where, annotated, known, source))
        whole = _placed(pixels, where, (0, 0, pixels.shape[1], pixels.shape[0]), side, source)
        crops = [_placed(pixels, where, _zoomed(annotated, rng), side, source) for _ in range(1 if each == 1 else 2)]
        if each == 1:
            yield whole if rng.random() < 0.6 else crops[0]
            continue
        plain = [whole, *crops]
        yield from [*plain, *(_pasted(view, bank, rng) for view in plain[: each - 3])][:each]


def _zoomed(annotated: AnnotatedImage, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A window of 1/2.3 to 1/1.15 of the image's longer side, near one of its things."""
    item = annotated.objects[int(rng.integers(len(annotated.objects)))]
    height, width = item.mask.hw
    length = max(height, width) / np.exp(rng.uniform(np.log(1.15), np.log(2.3)))
    across, down = min(length, width), min(length, height)
    x0, y0, x1, y1 = (float(value) for value in item.mask.box)
    x, y = np.array([x0 + x1, y0 + y1]) / 2 + rng.uniform(-0.3, 0.3, 2) * length
    left, top = np.clip(x - across / 2, 0, width - across), np.clip(y - down / 2, 0, height - down)
    return float(left), float(top), float(left + across), float(top + down)


def _placed(
    pixels: UInt8Array, where: dict[str, BoolArray], box: tuple[float, float, float, float], side: int, source: str
) -> View:
    """A window of an image, as large as it gets in the top left of a square."""
    scale = side / max(box[2] - box[0], box[3] - box[1])
    width, height = (max(1, min(side, round(length * scale))) for length in (box[2] - box[0], box[3] - box[1]))

    def cut(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
        resized = Pillow.fromarray(layer).resize((width, height), Pillow.Resampling.BILINEAR, box=box)
        canvas = np.zeros((side, side, *layer.shape[2:]), dtype=np.uint8)
        canvas[:height, :width] = np.asarray(resized)
        return canvas

    placed = {name: cut(mask.astype(np.uint8) * 255) > 127 for name, mask in where.items()}
    return View(cut(pixels), placed, source, (height, width))


def _cut_outs(
    pixels: UInt8Array, where: dict[str, BoolArray], annotated: AnnotatedImage, known: set[str], source: str
) -> Iterator[View]:
    """Things of an image, each with whatever else is marked on it."""
    for item in annotated.objects:
        if item.category not in known or item.mask.area < _LEAST_CUT_OUT:
            continue
        x0, y0, x1, y1 = (int(value) for value in item.mask.box)
        inside = item.mask.decode()[y0:y1, x0:x1]
        on_it = {name: mask[y0:y1, x0:x1] & inside for name, mask in where.items() if name != item.category}
        on_it = {name: mask for name, mask in on_it.items() if mask.mean() > 0.01}
        yield View(pixels[y0:y1, x0:x1].copy(), {**on_it, item.category: inside}, source, inside.shape)


def _pasted(view: View, bank: Sequence[View], rng: np.random.Generator) -> View:
    """The view with one or two cut-outs on it, some of them reaching beyond its edge."""
    pixels, where = view.pixels.copy(), dict(view.where)
    height, width = view.content_hw
    for _ in range(int(rng.integers(1, 3)) if bank else 0):
        cut = bank[int(rng.integers(len(bank)))]
        shape = np.any(list(cut.where.values()), axis=0)
        longest = max(shape.shape)
        scale = min(np.exp(rng.uniform(np.log(0.45), np.log(1.25))), 0.9 * max(height, width) / longest)
        size = [max(8, round(length * scale)) for length in shape.shape]
        mirror = slice(None, None, -1 if rng.random() < 0.5 else 1)
        top, left = (int(rng.integers(-length // 4, max(1, extent - 3 * length // 4))) for length, extent in
                     zip(size, (height, width), strict=True))  # fmt: skip
        rows = slice(max(top, 0), min(top + size[0], height))
        columns = slice(max(left, 0), min(left + size[1], width))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        part = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)

        def fitted(layer: NDArray[np.uint8], size: list[int] = size, mirror: slice = mirror) -> NDArray[np.uint8]:
            resized = Pillow.fromarray(layer).resize((size[1], size[0]), Pillow.Resampling.BILINEAR)
            return np.asarray(resized)[:, mirror]

        covered = fitted(shape.astype(np.uint8) * 255)[part] > 127
        pixels[rows, columns][covered] = fitted(cut.pixels)[part][covered]
        for name in where:
            where[name] = where[name].copy()
            where[name][rows, columns] &= ~covered
        for name, mask in cut.where.items():
            where[name] = where[name] if name in where else np.zeros(pixels.shape[:2], dtype=bool)
            where[name][rows, columns] |= (fitted(mask.astype(np.uint8) * 255)[part] > 127) & covered
    return View(pixels, where, view.source, view.content_hw)


def _scene_view(rng: np.random.Generator, side: int) -> View:
    scene = compose_scene(rng, side)
    where: dict[str, BoolArray] = {}
    for thing in scene.things:
        where[thing.name] = where.get(thing.name, False) | thing.mask
    return View(scene.pixels, where, SCENE, (side, side))


def _shrunk(pixels: UInt8Array, side: int) -> UInt8Array:
    """A square image (k * side, k * side, 3) in a smaller size, by the mean of k by k."""
    k = len(pixels) // side
    return np.asarray(pixels.reshape(side, k, side, k, 3).mean(axis=(1, 3)).round(), dtype=np.uint8)


@torch.inference_mode()
def _encoded(sam: SamModel, view: View) -> TextExample | None:
    """None where nothing on the view is large enough to teach."""
    side = 2 * sam.config.grid
    cell = view.pixels.shape[0] // side
    maps = {name: mask.reshape(side, cell, side, cell).mean(axis=(1, 3)) >= 0.5 for name, mask in view.where.items()}
    least = 3 if view.source == SCENE else _LEAST_CELLS
    maps = {name: covered for name, covered in maps.items() if covered.sum() >= least}
    if not maps:
        return None
    height, width = view.content_hw
    shown = Image.from_array(view.pixels[: view.content_hw[0], : view.content_hw[1]])  # its longer side fills the input
    read = text_maps(sam.encode([shown])[0])
    features, fine, deep = (torch.zeros(0, 1, 1) if one is None else one.half().cpu() for one in read)
    return TextExample(
        features=features.clone(),
        fine=fine.clone(),
        deep=deep.clone(),
        pixels=torch.from_numpy(_shrunk(view.pixels, 4 * side)).permute(2, 0, 1).contiguous(),
        phrases=tuple(maps),
        masks=pack(list(maps.values())),
        source=view.source,
        content=(-(-height // cell), -(-width // cell)),
    )
