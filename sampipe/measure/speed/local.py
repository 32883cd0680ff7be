"""Stages that only the product has: what a graph costs, what a folder of images costs, what starting costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.measure.speed.first_mask import OFFLINE
from sampipe.measure.speed.inputs import boxes_in, noisy_image
from sampipe.nodes import Boxes, SaveOverlay, Segment

_PHOTO = (640, 960)


class Same(sp.Node):
    """Hands its image on: what is left is the graph's own cost."""

    def run(self, image: sp.Image) -> sp.Image:
        """The image."""
        return image


def measure_graph(nodes: int = 20, runs: int = 200) -> dict[str, float]:
    """Microseconds a node of a graph that does nothing."""
    graph = Same() | Same()
    for _ in range(nodes - 2):
        graph = graph | Same()
    image = sp.Image(np.zeros((8, 8, 3), np.uint8))
    return {"microseconds_per_node": _median(lambda: graph.run(image=image), runs) / nodes * 1e6}


def measure_cache(model: str, device: str) -> dict[str, float]:
    """Seconds of a second prompt on a known image, beside those of the decoder alone."""
    image = sp.Image(noisy_image((1200, 1800), np.random.default_rng(0)))
    prompts = sp.Prompts.from_boxes(boxes_in(1, image.hw, np.random.default_rng(1)))
    node = Segment(model=model, device=device)

    def prompted(image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        return node(image, prompts)

    graph, sam = sp.trace(prompted), sp.load_model(model, device)
    embedding = sam.encode([image])[0]
    second = _median(lambda: graph.run(image=image, prompts=prompts), 7)
    decoder = _median(lambda: sam.decode(embedding, prompts, multimask=False), 7)
    return {"second_prompt_seconds": second, "decoder_seconds": decoder, "second_prompt_over_decoder": second / decoder}


def measure_pipeline(model: str, device: str, photos: int, log: Callable[[str], None]) -> dict[str, float]:
    """A folder of JPEG files through boxes, SAM and overlay files, beside the encoder's time alone."""
    with tempfile.TemporaryDirectory() as folder:
        files = _write_photos(Path(folder), photos)
        sam = sp.load_model(model, device)
        images = [sp.Image.open(file) for file in files[:5]]
        sam.encode(images[:1])
        log(f"encoder alone, {len(images)} images")
        encoder = _seconds(lambda: sam.encode(images)) / len(images)
        boxes = boxes_in(3, _PHOTO, np.random.default_rng(0)).tolist()
        save = SaveOverlay(directory=f"{folder}/out")
        graph = Boxes(boxes=boxes) | Segment(model=model, device=device) | save
        log(f"{photos} images end to end")
        with _no_cache():
            seconds = _seconds(lambda: sum(1 for _ in graph.map(files))) / photos
    return {
        "photos": photos,
        "seconds_per_image": seconds,
        "encoder_seconds_per_image": encoder,
        "share_of_encoder_limit": encoder / seconds,
    }


def measure_nano(device: str, photos: int, log: Callable[[str], None]) -> dict[str, float]:
    """A detector (scikit-image's faces) and its masks on an image, and a folder of images, by the embedded model."""
    image = sp.Image.open("sample:astronaut")
    find, segment = detector("face"), Segment(model="nano", device=device)

    def pipeline(image: sp.Image) -> sp.Masks:
        prompts: sp.Prompts = find(image)  # type: ignore[misc, arg-type]  # a detector by name is any node
        return segment(image, prompts=prompts)

    graph = sp.trace(pipeline)
    log("nano: detector and masks")
    with _no_cache():
        seconds = _median(lambda: graph.run(image=image), 5)
    folder = measure_pipeline("nano", device, photos, log)
    return {"detector_and_masks_seconds": seconds, **{f"folder_{key}": value for key, value in folder.items()}}


def measure_start(peers: dict[str, str], runs: int) -> dict[str, float]:
    """Seconds of a process that imports the product, prints its help, or imports a peer: the best of a few runs."""
    python = sys.executable
    commands = {
        "import sampipe": [python, "-c", "import sampipe"],
        "sampipe --help": [python, "-m", "sampipe.cli", "--help"],
        **{f"import {module}": [python, "-c", statement] for module, statement in peers.items()},
    }

    def run(words: list[str]) -> None:
        subprocess.run(words, check=True, env={**os.environ, **OFFLINE}, capture_output=True)

    return {name: min(_seconds(partial(run, words)) for _ in range(runs)) for name, words in commands.items()}


def _write_photos(folder: Path, count: int) -> list[Path]:
    """A photograph, moved on from file to file: noise would compress as no image does."""
    height, width = _PHOTO
    photo = np.asarray(sp.Image.open("sample:rocket").to_pil().resize((width, height)))
    files = [folder / f"{index:04}.jpg" for index in range(count)]
    for index, file in enumerate(files):
        sp.Image(np.roll(photo, index * 7, axis=1)).to_pil().save(file, quality=90)
    return files


@contextmanager
def _no_cache() -> Iterator[None]:
    """No embedding is remembered: every image is new."""
    sp.configure_cache(max_bytes=0)
    try:
        yield
    finally:
        sp.configure_cache()


def _seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _median(act: Callable[[], Any], runs: int) -> float:
    act()
    return float(np.median([_seconds(act) for _ in range(runs)]))
