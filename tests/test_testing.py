"""check_node: good nodes pass, and every planted fault is found and named."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import sampipe as sp
from sampipe.testing import NodeCheckError, check_node


@sp.register("checked")
class Dark(sp.Node):
    """A box around the dark pixels, alone or in batches."""

    threshold: int = 100

    def run(self, image: sp.Image) -> sp.Prompts:
        rows, columns = np.nonzero(image.pixels.mean(axis=2) < self.threshold)
        if not len(rows):
            return sp.Prompts.empty()
        return sp.Prompts.from_boxes([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])

    def run_batch(self, image: list[sp.Image]) -> list[sp.Prompts]:
        return [self.run(one) for one in image]


@sp.register("checked")
class Halve(sp.Node):
    """Logits of half the strength; masks without logits stay."""

    factor: float = 0.5
    points: tuple[tuple[float, float], ...] = ((1.0, 2.0),)

    @sp.resource
    def table(self) -> dict[str, float]:
        return {"factor": self.factor}

    def run(self, masks: sp.Masks) -> sp.Masks:
        if masks.logits is None:
            return masks.add_step(self.describe())
        return masks.replace(logits=masks.logits * self.table["factor"])


class Both(NamedTuple):
    masks: sp.Masks
    edges: sp.EdgeMap


@sp.register("checked")
class Everything(sp.Node):
    def run(self, image: sp.Image, prompts: sp.Prompts, edges: sp.EdgeMap, text: sp.Embedding | None = None) -> Both:
        masks = np.zeros((len(prompts), *image.hw), bool)
        for mask, (x0, y0, x1, y1) in zip(masks, np.asarray(prompts.boxes, int), strict=True):
            mask[y0:y1, x0:x1] = True
        return Both(sp.Masks.from_binary(masks, prompts), edges)


@sp.register("checked")
class Constant(sp.Node):
    """Takes nothing."""

    points: tuple[tuple[float, float], ...] = ((3.0, 4.0),)

    def run(self) -> sp.Prompts:
        return sp.Prompts.from_points(self.points)


def logits_masks() -> sp.Masks:
    import torch

    frame = sp.Frame.fit((48, 64), 64)
    logits = torch.linspace(-1, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16)
    prompts = sp.Prompts.from_boxes([[0, 0, 5, 5], [3, 3, 9, 9]])
    return sp.Masks(frame=frame, prompts=prompts, iou_scores=np.ones((2, 3)), logits=logits)


def test_good_nodes_pass():
    made = check_node(Dark(threshold=50))
    assert {"example", "grey image", "1x1 image", "batch equals loop", "threads", "yaml", "pickle"} <= {*made}
    assert {"one object", "no object"} <= {*check_node(Halve())}
    check_node(Halve(factor=0.25), masks=logits_masks())
    check_node(Everything())
    check_node(Everything(), text=sp.Embedding.normalized([[1.0, 0.0]], "clip"), image=sp.Image.open("sample:coins"))
    check_node(Constant())


def faults(node: sp.Node, **examples: Any) -> dict[str, str]:
    """What check_node says, by the name of the check."""
    with pytest.raises(NodeCheckError) as caught:
        check_node(node, **examples)
    assert type(node).__name__ in str(caught.value)
    return dict(line.split(": ", 1) for line in caught.value.failures)


@sp.register("faulty")
class Unannotated(sp.Node):
    def run(self, image):
        return image


@sp.register("faulty")
class NotJson(sp.Node):
    extra: Any = object()

    def run(self, image: sp.Image) -> sp.Image:
        return image


@sp.register("faulty")
class Indescribable(Dark):
    def describe(self) -> str:
        return "a node\nof two lines"


@sp.register("faulty")
class BadNeeds(Dark):
    def requirements(self) -> Sequence[Any]:
        return ["numpy"]


@sp.register("faulty")
class Forgetful(sp.Node):
    """Keeps something that a pickle does not carry."""

    def __post_init__(self) -> None:
        self.__dict__["born"] = next(COUNT)

    def run(self, image: sp.Image) -> sp.Prompts:
        return sp.Prompts.from_boxes([0, 0, 1 + self.__dict__["born"], 1])


COUNT = itertools.count()


@sp.register("faulty")
class Unpicklable(Dark):
    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle a socket")


class Unregistered(Dark):
    pass


@sp.register("faulty")
class Rewrites(sp.Node):
    """A graph file gives it back changed: the field's type and its default do not agree."""

    size: float = 3.0
    names: tuple[str, ...] = ("a",)

    def __post_init__(self) -> None:
        if self.names != ("a",):
            object.__setattr__(self, "size", self.size + 1)

    def run(self, image: sp.Image) -> sp.Image:
        return image


@sp.register("faulty")
class WantsObjects(sp.Node):
    def run(self, image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        prompts.boxes[0]
        return sp.Masks.from_binary(np.ones((len(prompts), *image.hw), bool), prompts)


@sp.register("faulty")
class OneTooMany(sp.Node):
    def run(self, image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        return sp.Masks.from_binary(np.ones((1, *image.hw), bool))


@sp.register("faulty")
class WantsTwo(sp.Node):
    def run(self, masks: sp.Masks) -> sp.Masks:
        if len(masks) == 1:
            raise ZeroDivisionError
        return masks


@sp.register("faulty")
class WantsColor(sp.Node):
    def run(self, image: sp.Image) -> sp.Image:
        if np.ptp(image.pixels, axis=2).max() == 0:
            raise ValueError("no colors")
        return image


@sp.register("faulty")
class WantsSpace(sp.Node):
    def run(self, image: sp.Image) -> sp.Image:
        return image.crop((1, 1, image.width, image.height))


@sp.register("faulty")
class WrongSize(sp.Node):
    def run(self, masks: sp.Masks) -> sp.Masks:
        return sp.Masks.empty((masks.hw[1] + 1, masks.hw[0]))


@sp.register("faulty")
class WrongType(sp.Node):
    def run(self, image: sp.Image) -> sp.Prompts:
        return image


@sp.register("faulty")
class Mutates(sp.Node):
    def run(self, masks: sp.Masks) -> sp.Masks:
        if masks.logits is not None:
            masks.logits.mul_(2)
        return masks


@sp.register("faulty")
class Remembers(sp.Node):
    @sp.resource
    def seen(self) -> list[int]:
        return []

    def run(self, image: sp.Image) -> sp.Prompts:
        self.seen.append(1)
        return sp.Prompts.from_boxes([0, 0, len(self.seen), 1])


@sp.register("faulty")
class Racy(sp.Node):
    """Parks its input on itself."""

    def run(self, image: sp.Image) -> sp.Prompts:
        busy = self.__dict__.setdefault("busy", [])
        busy.append(1)
        time.sleep(0.02)
        boxes = [[0, 0, len(busy), 1]]
        busy.pop()
        return sp.Prompts.from_boxes(boxes)


@sp.register("faulty")
class ClosesForGood(Dark):
    def run(self, image: sp.Image) -> sp.Prompts:
        if "gone" in self.__dict__:
            raise RuntimeError("closed")
        return super().run(image)

    def close(self) -> None:
        self.__dict__["gone"] = True


@sp.register("faulty")
class BatchDiffers(Dark):
    def run_batch(self, image: list[sp.Image]) -> list[sp.Prompts]:
        return [self.run(one) for one in reversed(image)]


@sp.register("faulty")
class BatchShort(Dark):
    def run_batch(self, image: list[sp.Image]) -> list[sp.Prompts]:
        return [self.run(one) for one in image if one.hw != (1, 1)]


@pytest.mark.parametrize(
    ("node", "check", "message"),
    [
        (Unannotated(), "ports", "does not say"),
        (NotJson(), "parameters", "JSON values"),
        (Indescribable(), "describe", "wanted one line that names Indescribable"),
        (BadNeeds(), "requirements", "gave a str; wanted Requirement"),
        (Unpicklable(), "pickle", "TypeError: cannot pickle a socket"),
        (Forgetful(), "pickled run", "the copy gives something else: boxes"),
        (Unregistered(), "yaml", "not registered"),
        (Rewrites(names=("b",)), "yaml", "is not equal"),
        (WantsObjects(), "no object", "IndexError"),
        (OneTooMany(), "no object", "no object went in, 1 masks came out"),
        (WantsTwo(), "one object", "(an error without a message)"),
        (WantsColor(), "grey image", "ValueError: no colors"),
        (WantsSpace(), "1x1 image", "DataError"),
        (WrongSize(), "example", "masks are of size (65, 48) on an image of {(48, 64)}"),
        (WrongType(), "example", "run returned a Image; it promises prompts: Prompts"),
        (Remembers(), "repeatable", "a node with a memory is not pure"),
        (Racy(), "threads", "threads at once give something else"),
        (ClosesForGood(), "close", "RuntimeError: closed"),
        (BatchDiffers(), "batch equals loop", "item 0 of 3 differs from run"),
        (BatchShort(), "batch equals loop", "3 items in, 2 out"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, sp.Node) else "",
)
def test_a_planted_fault_is_found(node, check, message):
    found = faults(node)
    assert check in found, found
    assert message in found[check]


def test_changing_an_input_is_found():
    assert "the input changed while it ran: masks.logits" in faults(Mutates(), masks=logits_masks())["example"]


def test_examples_are_checked():
    assert "there is no input 'picture'" in faults(Dark(), picture=1)["examples"]
    assert "'image' is a int; wanted image: Image" in faults(Dark(), image=1)["examples"]
    assert "give an example of text: Embedding" in faults(NeedsText())["examples"]


@sp.register("checked")
class NeedsText(sp.Node):
    def run(self, text: sp.Embedding) -> sp.Prompts:
        return sp.Prompts(text=text.vectors)


def test_one_fault_does_not_hide_the_others():
    class Unlucky(WantsColor):
        pass

    assert faults(Unlucky()).keys() == {"pickle", "yaml", "grey image", "1x1 image"}
