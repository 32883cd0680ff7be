"""The typical mistakes of the first day: each is answered in one helpful sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from toy_nodes import Bright, Fill, Largest, picture

import sampipe as sp

GRAPH = Bright() | Fill()
PIXELS = picture().pixels


def node_with_init() -> None:
    class Threshold(sp.Node):
        def __init__(self, level: int) -> None:
            self.level = level


def node_without_types() -> None:
    class Threshold(sp.Node):
        def run(self, image):  # type: ignore[no-untyped-def]
            return image

    _ = Threshold() | Fill()


def value_in_trace() -> None:
    def pipeline(image: sp.Image) -> sp.Masks:
        prompts = Bright()(image)
        return Fill()(image, prompts=prompts if len(prompts) else sp.Prompts.empty())

    sp.trace(pipeline)


MISTAKES: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a class in a chain": (
        lambda: Bright() | Fill,
        sp.GraphError,
        r"A chain got the class Fill; wanted a node\. Make one of the class: Fill\(\)\.",
    ),
    "classes only": (lambda: Bright | Fill, sp.GraphError, r"Make one of the class: Bright\(\)"),
    "a string in a chain": (
        lambda: Bright() | "vit_b",  # type: ignore[operator]
        sp.GraphError,
        "A chain got the text 'vit_b'; wanted a node or a graph",
    ),
    "an image before a chain": (
        lambda: "street.jpg" | Bright(),
        sp.GraphError,
        r"An image goes in when it runs: graph\.run\(image='street\.jpg'\)",
    ),
    "a lambda": (
        lambda: GRAPH | (lambda masks: masks),  # type: ignore[operator]
        sp.GraphError,
        r"got the function '<lambda>'.* Put it into the run\(\) of a Node of your own",
    ),
    "the image in the brackets of the class": (
        lambda: Bright(picture()),  # type: ignore[call-arg]
        sp.DataError,
        r"Bright takes its parameters by name: Bright\(threshold=\.\.\.\)\.",
    ),
    "a mistyped parameter": (
        lambda: Bright(treshold=3),  # type: ignore[call-arg]
        sp.DataError,
        r"no parameter 'treshold'\. Did you mean 'threshold'\? It takes threshold",
    ),
    "a node with its own __init__": (
        node_with_init,
        sp.GraphError,
        r"Threshold has an __init__ of its own\. Write its parameters as fields",
    ),
    "a node without annotations": (node_without_types, sp.GraphError, "does not say the type of 'image'. Annotate it"),
    "text where Text is wanted": (
        lambda: (sp_text() | Fill()).run(image=picture(), text="a cup"),
        sp.PortTypeError,
        r"input 'text' got the text 'a cup'; wanted text: Text\. sp\.Text\.of",
    ),
    "boxes where prompts are wanted": (
        lambda: Fill()(picture(), prompts=np.zeros((1, 4))),  # type: ignore[arg-type]
        sp.PortTypeError,
        r"Fill, input 'prompts', got an array of float64 and shape \(1, 4\).* from_boxes",
    ),
    "detections where prompts are wanted": (
        lambda: Fill()(picture(), prompts=sv.Detections.empty()),  # type: ignore[arg-type]
        sp.PortTypeError,
        r"sp\.Prompts\.from_supervision\(detections",
    ),
    "a list of prompts": (
        lambda: Fill()(picture(), prompts=[sp.Prompts.empty()]),  # type: ignore[arg-type]
        sp.PortTypeError,
        r"sp\.Prompts\.concat joins several",
    ),
    "an array where masks are wanted": (
        lambda: Largest()(np.zeros((1, 4, 4))),  # type: ignore[arg-type]
        sp.PortTypeError,
        r"sp\.Masks\.from_binary",
    ),
    "map of a glob string": (
        lambda: GRAPH.map("photos/*.jpg"),
        sp.DataError,
        r"map: got the text 'photos/\*\.jpg', wanted several .*sorted\(Path\('photos'\)\.glob\('\*\.jpg'\)\)",
    ),
    "map of one image": (lambda: GRAPH.map(picture()), sp.DataError, r"for one image run\(image=\.\.\.\)"),
    "a folder for an image": (lambda: GRAPH.run(image=Path()), sp.DataError, r"is a folder; graph\.map"),
    "a wrong key": (
        lambda: GRAPH.run(image=picture())["mask"],
        sp.UnknownPortError,
        "no output 'mask'. Did you mean 'masks'",
    ),
    "a wrong input": (lambda: GRAPH.run(img=picture()), sp.UnknownPortError, "no input 'img'. Did you mean 'image'"),
    "a float image": (
        lambda: GRAPH.run(image=PIXELS / 255),
        sp.DataError,
        r"wanted uint8 RGB .*Floats from 0 to 1 become it by \(array \* 255\)",
    ),
    "BGR with its name in capitals": (
        lambda: sp.Image.from_array(PIXELS, color="BGR"),  # type: ignore[arg-type]
        sp.DataError,
        "color: got 'BGR', wanted one of rgb, bgr",
    ),
    "channels first": (
        lambda: GRAPH.run(image=PIXELS.transpose(2, 0, 1)),
        sp.DataError,
        r"array\.transpose\(1, 2, 0\)",
    ),
    "branching on a value while tracing": (value_in_trace, sp.GraphError, "has no value yet.*inside a node's run"),
    "a chain whose parts do not fit": (lambda: Fill() | Bright(), sp.MissingInputError, "Bright takes nothing from"),
}


def sp_text() -> sp.Node:
    class Words(sp.Node):
        def run(self, image: sp.Image, text: sp.Text) -> sp.Prompts:
            return sp.Prompts.from_boxes([[0, 0, 2, 2]])

    return Words()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_typical_mistake_is_answered_in_one_sentence(name: str) -> None:
    make, error, message = MISTAKES[name]
    with pytest.raises(error, match=message) as caught:
        make()
    told = str(caught.value)
    assert len(told) < 400 and "\n" not in told
    assert "Error:" not in told and "object at 0x" not in told


def test_there_are_twenty_at_least() -> None:
    assert len(MISTAKES) >= 20


def test_unions_of_node_classes_and_none_are_types_still() -> None:
    assert (Bright | None).__args__ == (Bright, type(None))
    assert (None | Bright).__args__ == (type(None), Bright)
    assert isinstance(Bright(), Bright | None)
