"""Nodes: parameters, ports, equality, names, calls."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any, NamedTuple

import pytest
from toy_nodes import Bright, Darken, Fill, Largest, Split, picture

import sampipe as sp
from sampipe.graph.ports import accepts, fits, ports_of, type_name


class Shapes(sp.Node):
    pairs: list[list[float]] = dataclasses.field(default_factory=list)
    names: tuple[str, ...] = ("a",)
    extra: dict[str, Any] | None = None

    def run(self, image: sp.Image) -> sp.Image:
        return image


def test_calling_a_node_runs_it():
    prompts = Bright(threshold=100)(picture())
    assert prompts.boxes.tolist() == [[2, 3, 9, 8], [17, 5, 30, 20]]
    assert len(Fill()(picture(), prompts=prompts)) == 2


def test_parameters_are_frozen_and_keyword_only():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Bright().threshold = 3
    with pytest.raises(sp.DataError, match=r"by name: Bright\(threshold=\.\.\.\)"):
        Bright(3)
    with pytest.raises(sp.DataError, match=r"no parameter 'treshold'\. Did you mean 'threshold'"):
        Bright(treshold=3)


def test_a_node_has_no_init_of_its_own():
    with pytest.raises(sp.GraphError, match=r"Stateful has an __init__ of its own\. Write its parameters as fields"):

        class Stateful(sp.Node):
            def __init__(self) -> None:
                self.seen = 0


def test_describe_shows_what_is_not_default():
    assert Bright().describe() == "Bright()"
    assert Bright(threshold=7).describe() == "Bright(threshold=7)"
    assert Shapes(names=("a",), pairs=[]).describe() == "Shapes()"
    assert Shapes(pairs=[(1, 2)]).describe() == "Shapes(pairs=[[1, 2]])"


def test_equality_is_by_class_and_parameters_and_lists_can_be_hashed():
    assert Bright(threshold=7) == Bright(threshold=7) != Bright()
    assert Shapes(pairs=[[1, 2]], extra={"k": [1]}) == Shapes(pairs=[(1.0, 2.0)], extra={"k": (1,)})
    assert hash(Shapes(pairs=[[1, 2]])) == hash(Shapes(pairs=[(1.0, 2.0)]))
    assert Bright() != Largest()
    assert Bright() != "Bright()"


def test_digest_follows_type_version_and_parameters():
    class Bright2(Bright):
        version = 2

    assert Bright(threshold=7).digest() == Bright(threshold=7).digest()
    assert len({Bright().digest(), Bright(threshold=7).digest(), Bright2().digest()}) == 3


def test_params_are_json_values():
    assert Shapes(names=("x", "y"), extra={"k": (1, None, True)}).params() == {
        "pairs": [],
        "names": ["x", "y"],
        "extra": {"k": [1, None, True]},
    }


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {1: 2}, {"k": {3}}, b"x"])
def test_other_parameters_are_refused_by_name(value):
    with pytest.raises(sp.SpecError, match=r"Shapes\.extra is .*JSON values"):
        Shapes(extra={"k": value}).params()


def test_a_parameter_may_not_hide_what_every_node_has():
    with pytest.raises(sp.GraphError, match=r"Odd\.close hides Node\.close"):

        class Odd(sp.Node):
            close: bool = True


def test_pickles_and_copies_keep_parameters_and_name():
    node = Bright(threshold=7).named("finder")
    for other in (pickle.loads(pickle.dumps(node)), copy.copy(node), copy.deepcopy(node)):
        assert other == node
        assert (other | Fill()).nodes.keys() == {"finder", "fill"}


def test_replace_makes_another_node():
    assert dataclasses.replace(Bright(), threshold=9) == Bright(threshold=9)


def test_names_must_be_identifiers():
    with pytest.raises(sp.GraphError, match="cannot name a node"):
        Bright().named("my node")


def test_ports_come_from_the_signature():
    ports = Darken().ports
    assert [str(port) for port in ports.inputs.values()] == ["image: Image", "prompts: Prompts?"]
    assert list(ports.outputs) == ["image"]
    assert list(Split().ports.outputs) == ["left", "right"]
    assert [list(node.ports.outputs) for node in (Bright(), Fill())] == [["prompts"], ["masks"]]


def test_output_words_of_the_other_values():
    class Encode(sp.Node):
        def run(self, image: sp.Image) -> sp.ImageEmbedding: ...

    class Edges(sp.Node):
        def run(self, image: sp.Image) -> sp.EdgeMap: ...

    class Text(sp.Node):
        def run(self) -> sp.Embedding: ...

    assert [list(cls().ports.outputs) for cls in (Encode, Edges, Text)] == [
        ["embedding"],
        ["edges"],
        ["text"],
    ]


class DepthMap:
    pass


class Depth(sp.Node):
    def run(self, image: sp.Image) -> DepthMap:
        return DepthMap()


def test_a_class_of_ones_own_is_named_after_itself():
    assert list(Depth().ports.outputs) == ["depth_map"]


def _bad_runs() -> list[tuple[type, str]]:
    class NoRun(sp.Node):
        pass

    class Star(sp.Node):
        def run(self, *images: sp.Image) -> sp.Image: ...

    class Bare(sp.Node):
        def run(self, image) -> sp.Image: ...

    class NoReturn(sp.Node):
        def run(self, image: sp.Image): ...

    class ReturnsList(sp.Node):
        def run(self, image: sp.Image) -> list[sp.Image]: ...

    class ReturnsNone(sp.Node):
        def run(self, image: sp.Image) -> None: ...

    class Elsewhere(sp.Node):
        def run(self, image: Nowhere) -> sp.Image: ...  # noqa: F821 - the mistake under test

    return [
        (NoRun, "has no run"),
        (Star, "every input needs a name"),
        (Bare, "type of 'image'. Annotate it"),
        (NoReturn, "does not say what it returns"),
        (ReturnsList, r"returns list\[.*NamedTuple"),
        (ReturnsNone, "returns None, which has no port name"),
        (Elsewhere, "name 'Nowhere' is not defined.*TYPE_CHECKING"),
    ]


@pytest.mark.parametrize(("cls", "message"), _bad_runs(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_signature_that_gives_no_ports_is_explained(cls, message):
    with pytest.raises(sp.GraphError, match=message) as caught:
        ports_of(cls)
    assert cls.__name__ in str(caught.value)


def test_fits_and_accepts():
    class Pair(NamedTuple):
        one: int

    assert fits(bool, int) and fits(sp.Image, sp.Image | sp.Masks) and fits(Any, sp.Image)
    assert not fits(sp.Image | None, sp.Image)
    assert not fits(list[int], list[str])
    assert fits(list[int], list) and not fits(list, list[int])
    assert accepts(3, float) and accepts(None, int | None) and accepts([], list[int])
    assert not accepts("3", float)
    assert accepts(Pair(1), Pair)
    assert type_name(sp.Image | None) == "Image | None"
