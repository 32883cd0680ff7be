"""Stages that only the product has: what a graph costs, what a folder of photos costs, what starting costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import sampipe as sp
from sampipe.bench.inputs import boxes_in, picture
from sampipe.graph import Node
from sampipe.graph.chain import chain
from sampipe.nodes import SaveOverlay, Segment
from sampipe.types import Image, Masks, Prompts


class Same(Node):
    """Hands its image on: what is left is the graph's own cost."""

    def run(self, image: Image) -> Image:
        return image


class ThreeBoxes(Node):
    """Stands in for a detector: three boxes, always the same."""

    def run(self, image: Image) -> Prompts:
        return Prompts.from_boxes(boxes_in(3, image.hw, np.random.default_rng(0)))


def measure_graph(nodes: int = 20, runs: int = 200) -> dict[str, float]:
    """Microseconds a node of a graph that does nothing."""
    graph = chain(Same(), Same())
    for _ in range(nodes - 2):
        graph = chain(graph, Same())
    image = Image(np.zeros((8, 8, 3), np.uint8))
    graph.run(image=image)
    return {"microseconds_per_node": _median(lambda: graph.run(image=image), runs) / nodes * 1e6}


def measure_cache(model: str, device: str) -> dict[str, float]:
    """Seconds of a second prompt on a known image, beside those of the decoder alone."""
    image = Image(picture((1200, 1800), np.random.default_rng(0)))
    prompts = Prompts.from_boxes(boxes_in(1, image.hw, np.random.default_rng(1)))
    node = Segment(model=model, device=device)

    def prompted(image: Image, prompts: Prompts) -> Masks:
        return node(image, prompts)

    graph, sam = sp.trace(prompted), node.sam
    embedding = sam.encode([image])[0]
    second = _median(lambda: graph.run(image=image, prompts=prompts), 7)
    decoder = _median(lambda: sam.decode(embedding, prompts, multimask=False), 7)
    return {"second_prompt_seconds": second, "decoder_seconds": decoder, "second_prompt_over_decoder": second / decoder}


def measure_pipeline(model: str, device: str, photos: int, tell: Callable[[str], None]) -> dict[str, float]:
    """A folder of JPEG files through detector, SAM and overlay files, beside the encoder's time alone."""
    with tempfile.TemporaryDirectory() as folder:
        files = _write_photos(Path(folder), photos)
        node = Segment(model=model, device=device)
        sam = node.sam
        images = [Image.open(file) for file in files[:5]]
        sam.encode(images[:1])
        tell(f"encoder alone, {len(images)} photos")
        encoder = _seconds(lambda: sam.encode(images)) / len(images)
        graph = chain(chain(ThreeBoxes(), node), SaveOverlay(directory=f"{folder}/out"))
        tell(f"{photos} photos end to end")
        sp.configure_cache(max_bytes=0)  # every photo is new
        seconds = _seconds(lambda: sum(1 for _ in graph.map(files))) / photos
        sp.configure_cache()
    return {
        "photos": photos,
        "seconds_per_image": seconds,
        "encoder_seconds_per_image": encoder,
        "share_of_encoder_limit": encoder / seconds,
    }


def measure_start(commands: dict[str, list[str]], runs: int = 3) -> dict[str, float]:
    """Seconds of each command, the best of a few runs: how long a process takes that does only this."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}

    def run(words: list[str]) -> None:
        subprocess.run(words, check=True, env=environment, capture_output=True)

    return {name: min(_seconds(partial(run, words)) for _ in range(runs)) for name, words in commands.items()}


def start_commands(peers: dict[str, str]) -> dict[str, list[str]]:
    """``import``, first help and first mask of the product, and the ``import`` of each peer's package."""
    python = sys.executable
    return {
        "import sampipe": [python, "-c", "import sampipe"],
        "sampipe --help": [python, "-m", "sampipe.cli", "--help"],
        "first mask (nano)": [python, "-c", _FIRST_MASK],
        **{f"import {module}": [python, "-c", statement] for module, statement in peers.items()},
    }


_FIRST_MASK = (
    "import sampipe as sp; from sampipe.nodes import Segment; i = sp.Image.open('sample:coffee');"
    "print(Segment().run(i, sp.Prompts.from_boxes([[200, 100, 400, 300]])).area())"
)


def _write_photos(folder: Path, count: int) -> list[Path]:
    random = np.random.default_rng(0)
    photo = picture((640, 960), random)
    files = []
    for index in range(count):
        files.append(folder / f"{index:04}.jpg")
        Image(np.roll(photo, index * 7, axis=1)).to_pil().save(files[-1], quality=90)
    return files


def _seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _median(act: Callable[[], Any], runs: int) -> float:
    act()
    return float(np.median([_seconds(act) for _ in range(runs)]))
