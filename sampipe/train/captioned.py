"""Composed scenes with captions: drawn shapes whose sentences and masks are true by construction.

"The small striped red ring" names a size, a pattern, a color and a shape; scenes hold near misses on purpose (the same
ring, but big or blue), so that every word of a sentence has to be understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

SHAPES = ("disc", "square", "triangle", "ring", "star", "cross")
COLORS = {
    "red": (205, 40, 40),
    "green": (45, 150, 60),
    "blue": (45, 80, 205),
    "yellow": (235, 205, 45),
    "purple": (135, 55, 165),
    "orange": (240, 135, 30),
    "white": (245, 245, 245),
    "black": (20, 20, 22),
}
PATTERNS = ("plain", "striped", "dotted", "checked")
SIZES = ("small", "big")
WORDS = (SIZES, PATTERNS, tuple(COLORS), SHAPES)
"""The words of a sentence by their kind, in the order of English."""
_RADIUS = {"small": (0.055, 0.085), "big": (0.13, 0.19)}  # of the image's side
_OVERSAMPLING = 2
_TRIES = 40


@dataclass(frozen=True)
class Thing:
    """One drawn object: what it is, and its visible pixels as bool (side, side)."""

    size: str
    pattern: str
    color: str
    shape: str
    mask: NDArray[np.bool_]

    @property
    def words(self) -> tuple[str, str, str, str]:
        """All that a sentence may say of it, in the order of English."""
        return self.size, self.pattern, self.color, self.shape

    @property
    def name(self) -> str:
        """``"small striped red ring"``."""
        return " ".join(self.words)


@dataclass(frozen=True)
class CaptionedScene:
    """An image, uint8 (side, side, 3), and the things in it."""

    pixels: NDArray[np.uint8]
    things: tuple[Thing, ...]

    def matching(self, words: tuple[str, ...]) -> list[Thing]:
        """The things of which all ``words`` are true."""
        return [thing for thing in self.things if set(words) <= set(thing.words)]

    def mask(self, words: tuple[str, ...]) -> NDArray[np.bool_]:
        """Every pixel of every thing of which all ``words`` are true, (side, side)."""
        masks = [thing.mask for thing in self.matching(words)]
        return np.any(masks, axis=0) if masks else np.zeros(self.pixels.shape[:2], dtype=bool)


def compose_scene(
    rng: np.random.Generator,
    side: int = 512,
    *,
    most: int = 6,
    words: Sequence[Sequence[str]] = WORDS,
    scale: float = 1.0,
) -> CaptionedScene:
    """Two to ``most`` things on a background of color gradients and noise; none touches another.

    Half of the things after the first differ from an earlier one in one word only.

    Args:
        rng: draws everything.
        side: of the image, in pixels.
        most: how many things at most.
        words: what things may be: words of each kind, from :data:`WORDS`.
        scale: of the things, 1 for their usual size.
    """
    pixels = _background(rng, side)
    things: list[Thing] = []
    taken: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(2, most + 1))):
        drawn = _near_miss(things, rng, words) or _anything(rng, words)
        radius = rng.uniform(*_RADIUS[drawn[0]]) * side * scale
        center = _free_place(radius, taken, side, rng)
        if center is not None:
            taken.append((*center, radius))
            things.append(_draw(drawn, center, radius, pixels, rng))
    return CaptionedScene(pixels, tuple(things))


def draw_query(things: Sequence[tuple[str, ...]], rng: np.random.Generator) -> tuple[str, ...]:
    """The words of a sentence about a random one of the things (size, pattern, color, shape): its shape and some of
    the rest, in the order of English."""
    *said, shape = things[int(rng.integers(len(things)))]
    kept = rng.random(len(said)) < rng.choice([0.35, 0.75, 1.0])
    return (*(word for word, keep in zip(said, kept, strict=True) if keep), shape)


def _anything(rng: np.random.Generator, words: Sequence[Sequence[str]]) -> tuple[str, str, str, str]:
    size, pattern, color, shape = (str(rng.choice(list(kind))) for kind in words)
    return size, pattern, color, shape


def _near_miss(
    things: list[Thing], rng: np.random.Generator, words: Sequence[Sequence[str]]
) -> tuple[str, str, str, str] | None:
    """One of the things with one word exchanged; None half of the time."""
    if not things or rng.random() < 0.5:
        return None
    changed, fresh = list(things[int(rng.integers(len(things)))].words), _anything(rng, words)
    place = int(rng.integers(4))
    changed[place] = fresh[place]
    return changed[0], changed[1], changed[2], changed[3]


def _free_place(
    radius: float, taken: list[tuple[float, float, float]], side: int, rng: np.random.Generator
) -> tuple[float, float] | None:
    for _ in range(_TRIES):
        x, y = rng.uniform(radius + 2, side - radius - 2, 2)
        if all(np.hypot(x - other_x, y - other_y) > radius + other + 4 for other_x, other_y, other in taken):
            return float(x), float(y)
    return None


def _background(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """A smooth field of muted colors with noise."""
    coarse = rng.uniform(70, 185, (int(rng.integers(2, 5)),) * 2 + (3,))
    grey = coarse.mean(axis=2, keepdims=True)
    coarse = grey + 0.45 * (coarse - grey)  # muted: the things are what is colorful
    smooth = Pillow.fromarray(coarse.astype(np.uint8)).resize((side, side), Pillow.Resampling.BICUBIC)
    noisy = np.asarray(smooth, dtype=np.float32) + rng.normal(0, rng.uniform(2, 10), (side, side, 1))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _outline(shape: str, radius: float, turn: float) -> NDArray[np.float64]:
    """Corners (k, 2) of a shape around the origin."""
    if shape == "star":
        radii, corners = np.where(np.arange(10) % 2, 0.45, 1.0) * radius, 10
    elif shape == "cross":
        arm = 0.32
        unit = np.array([[-arm, -1], [arm, -1], [arm, -arm], [1, -arm], [1, arm], [arm, arm]], dtype=float)
        points = np.concatenate([unit, -unit])
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return points / np.hypot(1, arm) * radius @ turned.T
    else:
        corners = {"square": 4, "triangle": 3}.get(shape, 64)
        radii = np.full(corners, radius)
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None]


def _draw(
    words: tuple[str, str, str, str],
    center: tuple[float, float],
    radius: float,
    pixels: NDArray[np.uint8],
    rng: np.random.Generator,
) -> Thing:
    """Draw a thing onto ``pixels``; only the square around it is touched."""
    size, pattern, color, shape = words
    side, reach = len(pixels), int(np.ceil(radius)) + 2
    left, top = (max(int(place) - reach, 0) for place in center)
    right, bottom = (min(int(place) + reach + 1, side) for place in center)
    inner = np.array([center[0] - left, center[1] - top])
    wh = right - left, bottom - top
    window = _shape_mask(shape, inner, radius, rng.uniform(0, 2 * np.pi), wh)
    pixels[top:bottom, left:right][window] = _paint(pattern, color, inner, radius, wh, rng)[window]
    mask = np.zeros((side, side), dtype=bool)
    mask[top:bottom, left:right] = window
    return Thing(size, pattern, color, shape, mask)


def _shape_mask(
    shape: str, center: NDArray[np.float64], radius: float, turn: float, wh: tuple[int, int]
) -> NDArray[np.bool_]:
    canvas = Pillow.new("L", (_OVERSAMPLING * wh[0], _OVERSAMPLING * wh[1]))
    pen = ImageDraw.Draw(canvas)

    def polygon(size: float, fill: int) -> None:
        corners = (center + _outline(shape, size, turn)) * _OVERSAMPLING
        pen.polygon([(float(x), float(y)) for x, y in corners], fill=fill)

    polygon(radius, 255)
    if shape == "ring":
        polygon(0.55 * radius, 0)
    return np.asarray(canvas.resize(wh, Pillow.Resampling.BOX)) > 127


def _paint(
    pattern: str, color: str, center: NDArray[np.float64], radius: float, wh: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A patch of a thing's paint; patterns alternate with a darker or lighter tone of the color."""
    base = np.array(COLORS[color], dtype=np.float32) + rng.uniform(-12, 12, 3)
    other = base * 0.45 if base.mean() > 90 else base * 0.5 + 160
    turn, period = rng.uniform(0, np.pi), max(7.0, radius * rng.uniform(0.34, 0.42))
    y, x = np.mgrid[0 : wh[1], 0 : wh[0]].astype(np.float32)
    x, y = x - center[0], y - center[1]
    u = (np.cos(turn) * x + np.sin(turn) * y) / period % 1.0
    v = (-np.sin(turn) * x + np.cos(turn) * y) / period % 1.0
    if pattern == "striped":
        second = u < 0.5
    elif pattern == "checked":
        second = (u < 0.5) ^ (v < 0.5)
    elif pattern == "dotted":
        second = np.hypot(u - 0.5, v - 0.5) < 0.27
    else:
        second = np.zeros_like(u, dtype=bool)
    paint = np.where(second[..., None], other, base) + rng.normal(0, 3, (*u.shape, 1))
    return np.clip(paint, 0, 255).astype(np.uint8)
