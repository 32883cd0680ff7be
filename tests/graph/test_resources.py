"""Resources: built once, under a lock, shared by key, dropped by close and by pickling."""

from __future__ import annotations

import gc
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import sampipe as sp
from sampipe.graph.resources import Resource

BUILT: list[str] = []


class Model:
    """Something that takes a while to load."""

    def __init__(self, name: str) -> None:
        time.sleep(0.02)
        BUILT.append(name)


class Own(sp.Node):
    """A model for each node, and a table that needs it."""

    name: str = "own"

    @sp.resource
    def model(self) -> Model:
        """The model."""
        return Model(self.name)

    @sp.resource
    def table(self) -> dict[str, Model]:
        return {"model": self.model}

    def run(self, image: sp.Image) -> sp.Image:
        assert self.table["model"] is self.model
        return image


class Shared(sp.Node):
    weights: str
    confidence: float = 0.5

    @sp.resource(shared=lambda self: ("test", self.weights))
    def model(self) -> Model:
        return Model(self.weights)

    def run(self, image: sp.Image) -> sp.Image:
        assert self.model
        return image


@pytest.fixture(autouse=True)
def _fresh():
    BUILT.clear()


def test_nothing_is_built_until_it_is_needed():
    node = Own()
    assert BUILT == []
    assert node.model is node.model
    assert BUILT == ["own"]


def test_eight_threads_build_once():
    node = Own()
    with ThreadPoolExecutor(8) as pool:
        models = set(pool.map(lambda _: node.table["model"], range(32)))
    assert len(models) == 1
    assert BUILT == ["own"]


def test_close_drops_and_the_next_use_builds_again():
    node = Own()
    first = node.model
    node.close()
    assert node.model is not first
    assert BUILT == ["own", "own"]


def test_warm_builds_everything():
    node = Own()
    node.warm()
    assert BUILT == ["own"]
    assert node.__dict__["_resources"].keys() == {"model", "table"}


def test_pickling_leaves_resources_behind():
    node = Own()
    node.warm()
    other = pickle.loads(pickle.dumps(node))
    assert "_resources" not in other.__dict__
    assert other == node


def test_one_key_is_one_model_in_the_process():
    one, other, third = Shared(weights="a"), Shared(weights="a", confidence=0.9), Shared(weights="b")
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(lambda node: node.model, [one, other, third] * 8))
    assert len(set(models)) == 2
    assert sorted(BUILT) == ["a", "b"]


def test_a_shared_model_goes_when_nobody_holds_it():
    one, other = Shared(weights="c"), Shared(weights="c")
    assert one.model is other.model
    one.close()
    assert one.model is other.model
    assert BUILT == ["c"]
    one.close()
    other.close()
    gc.collect()
    assert one.model is not None
    assert BUILT == ["c", "c"]


def test_a_failed_build_is_tried_again():
    class Flaky(sp.Node):
        @sp.resource
        def model(self) -> str:
            BUILT.append("try")
            if len(BUILT) == 1:
                raise OSError("not yet")
            return "here"

        def run(self, image: sp.Image) -> sp.Image:
            return image

    node = Flaky()
    with pytest.raises(OSError, match="not yet"):
        _ = node.model
    assert node.model == "here"


def test_different_shared_models_load_side_by_side():
    barrier = threading.Barrier(2, timeout=5)

    class Meeting(sp.Node):
        key: int

        @sp.resource(shared=lambda self: ("meeting", self.key))
        def model(self) -> int:
            barrier.wait()  # breaks when one build waits for the other to finish
            return self.key

        def run(self, image: sp.Image) -> sp.Image:
            return image

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda key: Meeting(key=key).model, (1, 2))) == [1, 2]


def test_on_the_class_it_is_a_documented_descriptor():
    assert isinstance(Own.model, Resource)
    assert Own.model.__doc__ == "The model."
