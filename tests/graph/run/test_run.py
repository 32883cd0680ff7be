"""run, stream and arun: outputs, reports, errors, flushing, threads."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from toy_nodes import Bright, Darken, Fill, Largest, Split, picture

import sampipe as sp
from sampipe.graph.run.events import count, note_device


class Reports(sp.Node):
    """Does what a model does: hits a cache, uses a device, takes memory and time."""

    def run(self, image: sp.Image) -> sp.Image:
        count("cache_hits", 2)
        note_device("cpu")
        block = np.ones(40_000_000, np.uint8)
        block[:] = 3
        time.sleep(0.01)
        return sp.Image(image.pixels + block[0])


class Fails(sp.Node):
    """Fails on an image with a white corner."""

    def run(self, image: sp.Image) -> sp.Image:
        if image.pixels[0, 0, 0] == 255:
            raise ValueError("the corner is white")
        return image


class Lies(sp.Node):
    what: str = "none"

    def run(self, image: sp.Image) -> sp.Prompts:
        return {"none": None, "image": image}[self.what]


class Collect(sp.Node):
    """An effect of its own: remembers what it saw until the job ends."""

    pure = False

    @sp.resource
    def seen(self) -> list[str]:
        return []

    @sp.resource
    def jobs(self) -> list[list[str]]:
        return []

    def run(self, image: sp.Image) -> sp.Image:
        self.seen.append(image.name)
        return image

    def flush(self) -> None:
        self.jobs.append(list(self.seen))
        self.seen.clear()


WHITE = sp.Image(np.full((4, 4, 3), 255, np.uint8), source="white.png")


def test_run_gives_outputs_and_a_report(graph, image):
    result = graph.run(image=image)
    assert result.masks.area().tolist() == [195]
    assert list(result.report) == ["bright", "fill", "largest"]
    assert all(one.seconds > 0 and one.cache_hits == 0 for one in result.report.values())


def test_the_report_tells_what_a_node_did(image):
    report = (Reports() | Bright()).run(image=image).report
    node = report["reports"]
    assert (node.cache_hits, node.device) == (2, "cpu")
    assert node.seconds >= 0.01
    assert report["bright"].device is None


def test_the_report_tells_how_far_memory_rose():
    """In a process of its own: the system keeps the highest size ever, and other tests may have gone higher."""
    folder = Path(__file__).parent
    script = (
        "from test_run import Reports\nfrom toy_nodes import Bright, picture\n"
        "print((Reports() | Bright()).run(image=picture()).report['reports'].peak_memory)"
    )
    path = os.pathsep.join([str(folder), str(folder.parent)])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert 30_000_000 < int(done.stdout) < 400_000_000


def test_several_outputs():
    split, bright = Split(), Bright()

    def function(image: sp.Image):
        halves = split(image)
        return {"left": bright(halves.left), "right": bright(halves.right), "whole": image}

    result = sp.trace(function).run(image=(photo := picture()))
    assert result.left.boxes.tolist() == [[2, 3, 8, 8], [8, 3, 9, 8]]
    assert result.right.boxes.tolist() == [[1, 5, 8, 20], [8, 5, 14, 20]]
    assert result.whole is photo


def test_an_optional_output_is_none():
    graph = sp.trace(_maybe)
    assert graph.run(image=picture()).prompts is None


def _maybe(image: sp.Image, prompts: sp.Prompts | None = None):
    return {"image": Darken()(image, prompts=prompts), "prompts": prompts}


def test_a_failing_node_is_named_and_its_cause_kept():
    with pytest.raises(sp.NodeError) as caught:
        (Fails() | Bright()).run(image=WHITE)
    error = caught.value
    assert str(error) == "'fails' (Fails()) failed: ValueError: the corner is white"
    assert (error.node, error.item, list(error.inputs)) == ("fails", None, ["image"])
    assert error.inputs["image"] is WHITE
    assert isinstance(error.__cause__, ValueError)


@pytest.mark.parametrize(("what", "got"), [("none", "NoneType"), ("image", "Image")])
def test_a_node_must_return_what_it_promises(what, got, image):
    with pytest.raises(sp.NodeError, match=f"run returned {got}; it promises prompts: Prompts"):
        (Lies(what=what) | Fill()).run(image=image)


def test_stream_gives_each_node_as_it_comes(graph, image):
    seen = [(name, list(outputs)) for name, outputs in graph.stream(image=image)]
    assert seen == [("bright", ["prompts"]), ("fill", ["masks"]), ("largest", ["masks"])]
    stream = graph.stream(image=image)
    name, outputs = next(stream)
    assert name == "bright" and len(outputs["prompts"]) == 2
    stream.close()


def test_stream_checks_inputs_before_anything_runs(graph):
    with pytest.raises(sp.MissingInputError):
        graph.stream()


def test_stream_raises_where_the_node_stands():
    stream = (Darken(factor=1.0) | Fails() | Bright()).stream(image=WHITE)
    assert next(stream)[0] == "darken"
    with pytest.raises(sp.NodeError, match="the corner is white"):
        next(stream)


def test_nodes_are_flushed_when_a_job_ends_however_it_ends(image):
    node = Collect()
    graph = node | Fails() | Bright()
    graph.run(image=image)
    with pytest.raises(sp.NodeError):
        graph.run(image=WHITE)
    stream = graph.stream(image=image)
    next(stream)
    stream.close()
    assert node.jobs == [[image.name], ["white"], [image.name]]


def test_effects_happen_and_dead_ends_do_not(image):
    collect, fails, bright = Collect(), Fails(), Bright()

    def function(image: sp.Image):
        collect(image)
        fails(image)
        return bright(image)

    result = sp.trace(function).run(image=WHITE)
    assert list(result.report) == ["collect", "bright"]
    assert collect.jobs == [["white"]]


def test_arun_does_not_block_the_loop(graph, image):
    async def both():
        return await asyncio.gather(graph.arun(image=image), graph.arun(image=picture((1, 1, 5, 5))))

    with ThreadPoolExecutor(1) as thread:  # another test's browser may have a loop running in this one
        first, second = thread.submit(asyncio.run, both()).result()
    assert first.masks.area().tolist() == [195]
    assert second.masks.area().tolist() == [16]


BUILT: list[int] = []


class Slow(sp.Node):
    """A node whose resource takes a while to build and whose work is not instant."""

    @sp.resource
    def table(self) -> np.ndarray:
        time.sleep(0.02)
        BUILT.append(1)
        return np.minimum(np.arange(256) + 10, 255).astype(np.uint8)

    def run(self, image: sp.Image) -> sp.Image:
        return sp.Image(self.table[image.pixels])


def test_eight_threads_on_one_graph_give_the_same():
    BUILT.clear()
    graph = Slow() | Darken(factor=0.9) | Bright(threshold=180) | Fill() | Largest(count=2)
    photos = [picture((x, y, x + 6, y + 5), (20, 2, 25, 9 + x)) for x in range(8) for y in range(3)]

    def digest(photo: sp.Image) -> str:
        return hashlib.sha256(graph.run(image=photo).masks.binary().tobytes()).hexdigest()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(digest, photos * 4))
    assert BUILT == [1]
    assert together == [digest(photo) for photo in photos] * 4
    assert len(set(together)) > 10


def test_an_engine_of_ones_own(graph, image):
    from sampipe.graph.run.local import LocalEngine

    class Twice(LocalEngine):
        def run(self, graph, inputs):
            super().run(graph, inputs)
            return super().run(graph, inputs)

    assert graph.run(image=image, engine=Twice()).masks.area().tolist() == [195]
