"""map: order, laziness, batches, errors, paths, early ends."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from toy_nodes import Bright, Fill, Largest, picture

import sampipe as sp
from sampipe.graph.result import Result
from sampipe.graph.run.memory import MemoryRise


class Invert(sp.Node):
    """Has a batch of its own and remembers how large each was."""

    fail_above: int = 1000

    @sp.resource
    def calls(self) -> list[int]:
        return []

    def run(self, image: sp.Image, prompts: sp.Prompts | None = None) -> sp.Image:
        self.calls.append(1)
        return self._invert(image)

    def run_batch(self, image: list[sp.Image], prompts: list[sp.Prompts] | None = None) -> list[sp.Image]:
        self.calls.append(len(image))
        if len(image) > self.fail_above:
            raise MemoryError(f"{len(image)} do not fit")
        return [self._invert(one) for one in image]

    def _invert(self, image: sp.Image) -> sp.Image:
        if image.hw == (1, 1):
            raise ValueError("too small")
        return sp.Image(255 - image.pixels)


class Collect(sp.Node):
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

    def run_batch(self, image: list[sp.Image]) -> list[sp.Image]:
        raise AssertionError("effects are not batched: a batch that fails is run again")

    def flush(self) -> None:
        self.jobs.append(list(self.seen))
        self.seen.clear()


PIXEL = sp.Image(np.zeros((1, 1, 3), np.uint8), source="pixel.png")


def photos(count: int) -> list[sp.Image]:
    return [picture((1, 1, 4 + index % 12, 9), source=f"{index}.png") for index in range(count)]


WANTED = [3 + index % 12 for index in range(7)]


@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_results_come_in_order(batch_size):
    results = list(Bright().__or__(Fill()).map(photos(7), batch_size=batch_size))
    assert [one.masks.area()[0] for one in results] == [8 * width for width in WANTED]
    assert [one.item for one in results] == [f"{index}.png" for index in range(7)]


def test_batches_reach_run_batch_and_share_a_report():
    node = Invert()
    results = list((node | Bright(threshold=30)).map(photos(7), batch_size=3))
    assert node.calls == [3, 3, 1]
    assert [one.report.batch for one in results] == [3, 3, 3, 3, 3, 3, 1]
    assert results[0].report is results[2].report is not results[3].report


def test_a_batch_that_does_not_fit_is_halved():
    node = Invert(fail_above=2)
    results = list((node | Bright(threshold=250)).map(photos(7), batch_size=7))
    assert len(results) == 7
    assert node.calls == [7, 3, 1, 2, 4, 2, 2]


def test_one_bad_item_in_a_batch_fails_alone():
    node = Invert()
    items = [*photos(3), PIXEL, *photos(2)]
    results = list((node | Bright()).map(items, batch_size=6, on_error="return"))
    assert [type(one) for one in results] == [Result] * 3 + [sp.NodeError] + [Result] * 2
    error = results[3]
    assert (error.node, error.item) == ("invert", "pixel.png")
    assert str(error) == "'invert' (Invert()) failed on pixel.png: ValueError: too small"


def test_a_batch_gets_an_optional_input_for_all_or_for_none():
    node = Invert()
    some = sp.Prompts.from_boxes([0, 0, 1, 1])
    items = [{"image": one, "prompts": some if index % 2 else None} for index, one in enumerate(photos(5))]
    assert len(list((node | Bright()).map(items, batch_size=5))) == 5
    assert sorted(node.calls) == [2, 3]


class WrongLength(sp.Node):
    def run(self, image: sp.Image) -> sp.Image:
        raise AssertionError("not this way")

    def run_batch(self, image: list[sp.Image]) -> list[sp.Image]:
        return image[1:]


def test_raise_stops_at_the_first_bad_item():
    items = [*photos(2), PIXEL, *photos(2)]
    results = (Invert() | Bright()).map(items)
    assert [one.item for one in itertools.islice(results, 2)] == ["0.png", "1.png"]
    with pytest.raises(sp.NodeError, match=r"pixel\.png"):
        next(results)
    assert list(results) == []


def test_it_is_lazy_and_holds_few_items():
    drawn = []

    def endless():
        for index in itertools.count():
            drawn.append(index)
            yield picture((1, 1, 5, 5))

    results = Bright().__or__(Fill()).map(endless(), batch_size=2)
    assert drawn == []
    for _ in range(4):
        next(results)
    assert 4 <= len(drawn) <= 4 + 2 * 2 + 1
    results.close()
    assert len(drawn) <= 4 + 2 * 2 + 1


def test_memory_does_not_grow_with_the_number_of_items():
    def large():
        for index in range(50):
            yield sp.Image(np.full((500, 1000, 3), index, np.uint8))  # 1.5 MB each

    graph = Bright() | Fill()
    rise = MemoryRise()
    assert sum(len(one.masks) for one in graph.map(large(), batch_size=2)) == 0
    assert rise.bytes() < 45_000_000


def test_items_load_in_another_thread():
    threads = set()

    def items():
        threads.add(threading.current_thread().name)
        yield picture()

    list(Bright().__or__(Fill()).map(items()))
    assert threads == {"sampipe-prefetch"}
    assert "sampipe-prefetch" not in {thread.name for thread in threading.enumerate()}


def test_ending_early_flushes_and_closes_the_source():
    closed = []

    def items():
        try:
            yield from photos(100)
        finally:
            closed.append(True)

    node = Collect()
    results = (node | Bright()).map(items(), batch_size=2)
    next(results)
    assert node.jobs == []
    results.close()
    assert node.jobs == [["0", "1"]]
    assert closed == [True]


def test_flushed_once_at_the_end():
    node = Collect()
    list((node | Bright()).map(photos(5), batch_size=2))
    assert node.jobs == [["0", "1", "2", "3", "4"]]


def test_an_error_of_the_source_comes_after_the_items_before_it():
    def items():
        yield from photos(3)
        raise OSError("the disk went away")

    results = Bright().__or__(Fill()).map(items(), batch_size=2, on_error="return")
    assert len([next(results) for _ in range(3)]) == 3
    with pytest.raises(OSError, match="the disk went away"):
        next(results)


def test_paths_are_opened_when_their_turn_comes(tmp_path: Path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    picture().to_pil().save(good)
    bad.write_bytes(b"not an image")
    items: list[object] = [str(good), bad, {"image": good}, tmp_path / "missing.png", 3, {"imgae": good}]
    results = list((Bright() | Fill()).map(items, on_error="return", batch_size=4))
    assert [isinstance(one, Result) for one in results] == [True, False, True, False, False, False]
    assert results[0].item == str(good)
    assert (results[1].node, results[1].item) == ("$image", os.fspath(bad))
    assert isinstance(results[1].__cause__, sp.DataError)
    assert "bad.png cannot be loaded" in str(results[1])
    assert "got an int; wanted image: Image" in str(results[4]) and results[4].item == "#4"
    assert "Did you mean 'image'" in str(results[5])
    with pytest.raises(sp.NodeError, match=r"missing\.png cannot be loaded"):
        list((Bright() | Fill()).map([tmp_path / "missing.png"]))


def test_items_of_a_graph_with_several_inputs_are_mappings():
    graph = Fill() | Largest()
    boxes = sp.Prompts.from_boxes([0, 0, 3, 4])
    assert next(graph.map([{"image": picture(), "prompts": boxes}])).masks.area().tolist() == [12]
    with pytest.raises(sp.NodeError, match=r"the graph needs image, prompts\. Give each item as a mapping"):
        next(graph.map([picture()]))


@pytest.mark.parametrize(
    ("options", "message"), [({"batch_size": 0}, "batch_size is 0"), ({"on_error": "skip"}, "'skip'")]
)
def test_options_are_checked_at_once(graph, options, message):
    with pytest.raises(sp.DataError, match=message):
        graph.map([], **options)


def test_no_items(graph):
    assert list(graph.map([])) == []


def test_a_progress_bar_on_standard_error(graph, capfd):
    results = list(graph.map([*photos(2), 3], progress=True, on_error="return"))
    assert len(results) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert "3/3" in err and "1 failed" in err


def test_a_wrong_number_from_run_batch():
    results = list((WrongLength() | Bright()).map(photos(2), batch_size=2, on_error="return"))
    assert all("not this way" in str(one) for one in results)
