"""A small open_clip model of composed scenes: trained on pictures with captions, as a folder that ``local-dir:`` names.

    python tests/composed_clip.py --out composed --steps 1200

It sees crops around drawn things, and now and then whole scenes, each with a sentence about one thing that is on it
("small striped red ring"); towers and loss are those of CLIP (Radford et al. 2021), and of several pictures that one
sentence is true of each counts as a match.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional as F

from sampipe.train.captioned import CaptionedScene, Thing, compose_scene, draw_query
from sampipe.train.config import OptimizerConfig
from sampipe.train.muon import Muon
from sampipe.train.schedule import rate_factor
from sampipe.types import RLE

SIDE = 48
SHAPE: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIDE, "layers": 3, "width": 64, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
PREPROCESS: dict[str, Any] = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "size": SIDE}
SCHEDULE = OptimizerConfig(schedule="cosine", warmup=40)
_SCENE, _POOL, _FRESH = 256, 1200, 2  # side of a scene, scenes kept, new ones a step
_TEMPLATES = ("{}", "a {}", "a photo of a {}.", "a photo of the {}.", "there is a {} in the picture.")


@dataclass(frozen=True)
class Shown:
    """A picture (SIDE, SIDE, 3), the words of everything on it, and the words of a sentence about one of them."""

    pixels: NDArray[np.uint8]
    things: tuple[tuple[str, ...], ...]
    said: tuple[str, ...]


def show(scene: CaptionedScene, rng: np.random.Generator) -> Shown:
    """A square around a thing, 1 to 2.2 times its size; every sixth time the whole scene."""
    if rng.random() < 1 / 6:
        return Shown(_resized(scene.pixels), tuple(t.words for t in scene.things), _said(scene.things, rng))
    thing = scene.things[int(rng.integers(len(scene.things)))]
    rows, columns = np.flatnonzero(thing.mask.any(axis=1)), np.flatnonzero(thing.mask.any(axis=0))
    middle = np.array([columns[0] + columns[-1], rows[0] + rows[-1]]) / 2
    half = max(len(rows), len(columns)) / 2 * rng.uniform(1.0, 2.2)
    left, top = (middle - half + rng.uniform(-0.1, 0.1, 2) * half).round().astype(int)
    side = max(8, round(2 * half))
    canvas = np.full((side, side, 3), 124, np.uint8)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, _SCENE), min(top + side, _SCENE)
    canvas[y0 - top : y1 - top, x0 - left : x1 - left] = scene.pixels[y0:y1, x0:x1]
    if rng.random() < 0.3:
        outside = np.ones((side, side), bool)
        outside[y0 - top : y1 - top, x0 - left : x1 - left] = ~thing.mask[y0:y1, x0:x1]
        canvas[outside] = 124
    return Shown(_resized(canvas), (thing.words,), _said((thing,), rng))


def _said(things: Sequence[Thing], rng: np.random.Generator) -> tuple[str, ...]:
    return draw_query([thing.words for thing in things], rng)


def _resized(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.array(Pillow.fromarray(pixels).resize((SIDE, SIDE), Pillow.Resampling.BILINEAR))


def train(*, steps: int, batch: int = 64, rate: float = 3e-3, seed: int = 0, say: Callable[[str], None] = print) -> Any:
    """An open_clip network trained from nothing."""
    import open_clip

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network: Any = open_clip.CLIP(**SHAPE)
    tokenize = open_clip.SimpleTokenizer(context_length=SHAPE["text_cfg"]["context_length"])
    network.token_embedding.requires_grad_(False)  # of 49,408 random codes thirty come up; what is read can be learnt
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = Muon([{"params": learned, "weight_decay": 0.02}], lr=rate, betas=(0.9, 0.98))
    pool: list[CaptionedScene] = []
    losses, told = [], -np.inf
    for step in range(steps):
        fresh = [compose_scene(rng, _SCENE) for _ in range(_FRESH if pool else batch)]
        pool = (pool + fresh)[-_POOL:]
        shown = [show(pool[int(row)], rng) for row in rng.integers(len(pool), size=batch)]
        for group in optimizer.param_groups:
            group["lr"] = rate * rate_factor(SCHEDULE, step=step, progress=step / steps)
        loss = step_loss(network, tokenize, shown, rng)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        with torch.no_grad():
            network.logit_scale.clamp_(max=np.log(100))
        losses.append(loss.item())
        if time.monotonic() - told > 20 or step == steps - 1:
            say(f"step {step + 1} of {steps}  loss {np.mean(losses[-20:]):.3f}")
            told = time.monotonic()
    return network.eval().requires_grad_(False)


def step_loss(
    network: Any, tokenize: Callable[[list[str]], Tensor], shown: list[Shown], rng: np.random.Generator
) -> Tensor:
    """CLIP's loss, both ways, where a picture may match several sentences and a sentence several pictures."""
    pixels = torch.from_numpy(np.stack([one.pixels for one in shown])).permute(0, 3, 1, 2).float() / 255
    sentences = [str(rng.choice(_TEMPLATES)).format(" ".join(one.said)) for one in shown]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = network.encode_image((pixels - 0.5) / 0.25)
        said = network.encode_text(tokenize(sentences))
    scores = network.logit_scale.exp() * F.normalize(seen.float(), dim=-1) @ F.normalize(said.float(), dim=-1).T
    true = torch.tensor([[any(set(other.said) <= set(t) for t in one.things) for other in shown] for one in shown])
    return (_matching(scores, true) + _matching(scores.T, true.T)) / 2


def _matching(scores: Tensor, true: Tensor) -> Tensor:
    likely = scores.log_softmax(dim=1)
    return -((likely * true).sum(dim=1) / true.sum(dim=1)).mean()


def write(network: Any, folder: Path) -> str:
    """Write the folder; returns ``local-dir:FOLDER``."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": SHAPE, "preprocess_cfg": PREPROCESS}))
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def write_scenes(folder: Path, count: int, *, side: int = 512, seed: int = 7) -> None:
    """A COCO folder of scenes, for ``sampipe train token``; all things are of one class."""
    rows: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        scene = compose_scene(np.random.default_rng([seed, number]), side)
        name = f"{number:04}.jpg"
        Pillow.fromarray(scene.pixels).save(folder / "images" / name, quality=92)
        images.append({"id": number, "file_name": name, "height": side, "width": side})
        for thing in scene.things:
            rle = RLE.from_mask(thing.mask)
            rows.append(
                {"id": len(rows) + 1, "image_id": number, "category_id": 1, "segmentation": rle.to_coco(), "iscrowd": 0}
            )
    document = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(document))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--scenes", type=int, default=300)
    options = parser.parse_args()
    write_scenes(options.out / "scenes", options.scenes)
    print(write(train(steps=options.steps), options.out / "clip"))


if __name__ == "__main__":
    main()
