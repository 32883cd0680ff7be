"""For authors of nodes: does my node behave?

::

    from sampipe.testing import check_node

    def test_my_node(tmp_path):
        check_node(MyNode(count=3))                             # an image, prompts and masks are made up
        check_node(MyOtherNode(), image=image, text=sentence)   # or give examples of what it takes
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from sampipe.errors import GraphError
from sampipe.graph.chain import as_graph
from sampipe.graph.graph import Graph
from sampipe.graph.node import Node
from sampipe.graph.ports import Ports, accepts
from sampipe.graph.registry import is_registered
from sampipe.graph.requirement import Requirement
from sampipe.types import RLE, EdgeMap, Image, ImageEmbedding, Masks, Prompts

__all__ = ["NodeCheckError", "check_node"]

Inputs = dict[str, Any]
_THREADS = 4
_TOLERANCE = 1e-3


class NodeCheckError(AssertionError):
    """A node that does not behave; ``failures`` has one line for each thing that went wrong."""

    def __init__(self, node: str, failures: tuple[str, ...]) -> None:
        super().__init__(f"{node} does not behave:\n" + "\n".join(f"- {line}" for line in failures))
        self.failures = failures


def check_node(node: Node, /, **examples: Any) -> tuple[str, ...]:
    """Try a node on ordinary and on awkward inputs, and in every way that an engine uses it.

    Looked at: ports; parameters are JSON; ``describe()``; ``requirements()``; pickling; a graph file and
    back; runs on the example, one object, no object, a grey image and an image of one pixel; no input
    is changed; the same inputs give the same outputs (for ``pure`` nodes), also from several threads, after
    ``close()`` and after pickling; ``run_batch`` gives what ``run`` gives.

    Args:
        node: the node, with parameters that keep it quick.
        examples: one value for each input that the made-up image, prompts, masks and edge map do not cover
            or should not. An optional input is left out unless an example is given. With an ImageEmbedding
            among the inputs the image stays as it is.

    Returns:
        The names of the checks that were made.

    Raises:
        NodeCheckError: with all that failed, each line beginning with the name of its check.
    """
    checker = _Checker(node)
    with checker.check("ports"):
        _ = node.ports
    if not checker.failures:
        with checker.check("examples"):
            _check_examples(node, examples)
        runnable = not checker.failures
        checker.declarations()
        if runnable:
            checker.behaviour(_cases(node.ports, examples))
    if checker.failures:
        lines = tuple(f"{name}: {text}" for name, text in checker.failures.items())
        raise NodeCheckError(type(node).__name__, lines)
    return tuple(checker.made)


class _Checker:
    """Collects what fails; every check has a name."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.made: list[str] = []
        self.failures: dict[str, str] = {}

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        self.made.append(name)
        try:
            yield
        except _Failed as failed:
            self.failures[name] = str(failed)
        except Exception as error:
            text = str(error) or "(an error without a message)"
            self.failures[name] = f"{type(error).__name__}: {text}"

    def declarations(self) -> None:
        """What can be checked without running it."""
        node, name = self.node, type(self.node).__name__
        with self.check("parameters"):
            node.params()
            hash(node)
        with self.check("describe"):
            text = node.describe()
            _expect(name in text and "\n" not in text, f"{text!r}; wanted one line that names {name}")
        with self.check("requirements"):
            for one in node.requirements():
                _expect(isinstance(one, Requirement), f"gave a {type(one).__name__}; wanted Requirement")
                _expect(isinstance(one.is_met(), bool), f"{one.name}: is_met() gave no bool")
        with self.check("pickle"):
            _expect(pickle.loads(pickle.dumps(node)) == node, "what comes back is not equal")
        with self.check("yaml"):
            _expect(
                is_registered(type(node)),
                f'not registered; declare an entry point "sampipe.nodes" whose module lists {name} in '
                '__all__, or put @sampipe.register("your_name") above the class',
            )
            graph = as_graph(node)
            _expect(Graph.from_yaml(graph.to_yaml()) == graph, "the graph that comes back is not equal")

    def behaviour(self, cases: Mapping[str, Inputs]) -> None:
        """What it does when it runs."""
        outputs = {}
        for name, inputs in cases.items():
            with self.check(name):
                before = dict(_leaves(inputs, copy=True))
                value = self.node.run(**inputs)  # type: ignore[attr-defined]
                _check_output(self.node.ports, inputs, value)
                changed = _difference(before, dict(_leaves(inputs)), tolerance=0.0)
                _expect(changed is None, f"the input changed while it ran: {changed}")
                outputs[name] = value
        if "example" not in outputs:
            return
        example = cases["example"]
        if self.node.pure:
            self._repeats(example, outputs["example"])
        with self.check("close"):
            self.node.close()
            self.node.run(**example)  # type: ignore[attr-defined]
            self.node.close()
        if hasattr(self.node, "run_batch") and example:
            with self.check("batch equals loop"):
                self._batch([cases[name] for name in outputs], list(outputs.values()))

    def _repeats(self, example: Inputs, first: Any) -> None:
        run: Any = self.node.run  # type: ignore[attr-defined]
        with self.check("repeatable"):
            _expect_same(first, run(**example), "the second run differs; a node with a memory is not pure")
        with self.check("threads"), ThreadPoolExecutor(_THREADS) as pool:
            for again in pool.map(lambda _: run(**example), range(_THREADS)):
                _expect_same(first, again, f"{_THREADS} threads at once give something else")
        if "pickle" in self.failures:
            return
        with self.check("pickled run"):
            copy = pickle.loads(pickle.dumps(self.node))
            _expect_same(first, copy.run(**example), "the copy gives something else")

    def _batch(self, cases: list[Inputs], outputs: list[Any]) -> None:
        lists = {port: [case[port] for case in cases] for port in cases[0]}
        together = self.node.run_batch(**lists)  # type: ignore[attr-defined]
        _expect(isinstance(together, (list, tuple)), f"gave a {type(together).__name__}; wanted a list")
        _expect(len(together) == len(cases), f"{len(cases)} items in, {len(together)} out")
        for index, (one, other) in enumerate(zip(outputs, together, strict=True)):
            _expect_same(one, other, f"item {index} of {len(cases)} differs from run")


class _Failed(Exception):
    """A check that did not hold."""


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Failed(otherwise)


def _expect_same(one: Any, other: Any, otherwise: str) -> None:
    difference = _difference(dict(_leaves(one)), dict(_leaves(other)), _TOLERANCE)
    _expect(difference is None, f"{otherwise}: {difference}")


# -- inputs ----------------------------------------------------------------------------------------------


def _check_examples(node: Node, examples: Inputs) -> None:
    ports = node.ports.inputs
    for name, value in examples.items():
        _expect(name in ports, f"there is no input {name!r}; it takes {', '.join(map(str, ports.values()))}")
        _expect(accepts(value, ports[name].type), f"{name!r} is a {type(value).__name__}; wanted {ports[name]}")
    for name, port in ports.items():
        made_up = port.type in (Image, Prompts, Masks, EdgeMap)
        _expect(
            name in examples or not port.required or made_up,
            f"give an example of {port}: check_node(node, {name}=...)",
        )


def _cases(ports: Ports, examples: Inputs) -> dict[str, Inputs]:
    """Inputs by name of the case; made up where no example is given."""
    wanted = {name: port.type for name, port in ports.inputs.items() if port.required or name in examples}
    image = next((value for value in examples.values() if isinstance(value, Image)), _image())
    base = {name: examples.get(name, _made(kind, image)) for name, kind in wanted.items()}
    cases = {"example": base}
    counted = [name for name, value in base.items() if isinstance(value, (Prompts, Masks))]
    if counted:
        cases["one object"] = base | {name: base[name].select([0]) for name in counted if len(base[name])}
        cases["no object"] = base | {name: _none_like(base[name]) for name in counted}
    images = [name for name, value in base.items() if isinstance(value, Image)]
    if images and not any(isinstance(value, ImageEmbedding) for value in base.values()):
        grey = Image.from_array(image.pixels.mean(axis=2).astype(np.uint8), color="gray")
        pixel = Image.from_array(np.full((1, 1, 3), 200, np.uint8))
        cases["grey image"] = base | dict.fromkeys(images, grey)
        cases["1x1 image"] = {name: _made(kind, pixel, base[name]) for name, kind in wanted.items()}
    return cases


def _image() -> Image:
    """A dark ground with noise and two bright rectangles."""
    pixels = np.random.default_rng(0).integers(0, 60, (48, 64, 3)).astype(np.uint8)
    for x0, y0, x1, y1 in _boxes((48, 64)).astype(int):
        pixels[y0:y1, x0:x1] = 220, 180, 140
    return Image.from_array(pixels)


def _boxes(hw: tuple[int, int]) -> np.ndarray:
    """Two boxes of an image, the whole of it when it is tiny."""
    height, width = hw
    if min(hw) < 8:
        return np.array([[0, 0, width, height]], np.float32)
    parts = np.array([[0.1, 0.2, 0.4, 0.7], [0.55, 0.3, 0.9, 0.85]])
    return np.round(parts * [width, height, width, height]).astype(np.float32)


def _made(kind: Any, image: Image, otherwise: Any = None) -> Any:
    """A value of a type that goes with an image."""
    if kind is Image:
        return image
    boxes = _boxes(image.hw)
    if kind is Prompts:
        return Prompts.from_boxes(boxes, labels=[f"thing {row}" for row in range(len(boxes))])
    if kind is Masks:
        rows, columns = np.indices(image.hw)
        return Masks.from_binary(
            [(columns >= x0) & (columns < x1) & (rows >= y0) & (rows < y1) for x0, y0, x1, y1 in boxes]
        )
    if kind is EdgeMap:
        return EdgeMap((image.pixels.mean(axis=2) / 255).astype(np.float32))
    return otherwise


def _none_like(value: Prompts | Masks) -> Prompts | Masks:
    return Prompts.empty() if isinstance(value, Prompts) else Masks.empty(value.hw)


# -- outputs ---------------------------------------------------------------------------------------------


def _check_output(ports: Ports, inputs: Inputs, value: Any) -> None:
    counted = [len(one) for one in inputs.values() if isinstance(one, (Prompts, Masks))]
    sizes = {one.hw for one in inputs.values() if isinstance(one, (Image, Masks, EdgeMap))}
    if ports.returns is not None and not isinstance(value, tuple):
        raise GraphError(f"run returned a {type(value).__name__}; it promises {ports.returns.__name__}")
    for name, part in ports.unpack(value).items():
        port = ports.outputs[name]
        _expect(accepts(part, port.type), f"run returned a {type(part).__name__}; it promises {port}")
        if isinstance(part, Masks) and sizes:
            _expect(part.hw in sizes, f"{name} are of size {part.hw} on an image of {sizes}")
        if isinstance(part, (Prompts, Masks)) and counted and not any(counted):
            _expect(len(part) == 0, f"no object went in, {len(part)} {name} came out")


def _leaves(value: Any, at: str = "", *, copy: bool = False) -> Iterator[tuple[str, Any]]:
    """The arrays, texts and numbers that a value is made of, by where they are."""
    if isinstance(value, RLE):
        yield at, value.decode()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _leaves(getattr(value, field.name), f"{at}.{field.name}", copy=copy)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{at}.{key}" if at else str(key), copy=copy)
    elif isinstance(value, (list, tuple)):
        yield f"{at} (number)", len(value)
        for index, part in enumerate(value):
            yield from _leaves(part, f"{at}[{index}]", copy=copy)
    else:
        if hasattr(value, "detach"):  # a tensor
            value = value.detach().cpu().float().numpy()
        yield at, value.copy() if copy and isinstance(value, np.ndarray) else value


def _difference(one: Mapping[str, Any], other: Mapping[str, Any], tolerance: float) -> str | None:
    """The first place where two values differ, or None."""
    for at in {**one, **other}:
        if at not in one or at not in other:
            return f"{at.strip('.') or 'value'} is there only once"
        if not _close(one[at], other[at], tolerance):
            return f"{at.strip('.') or 'value'}: {_brief(one[at])} and {_brief(other[at])}"
    return None


def _close(one: Any, other: Any, tolerance: float) -> bool:
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return type(one) is type(other) and bool(one == other or (one != one and other != other))
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype == np.bool_:
        return bool((one != other).mean() <= tolerance) if one.size else True
    if np.issubdtype(one.dtype, np.floating):
        largest = np.abs(one[np.isfinite(one)]).max(initial=0.0)
        return bool(np.allclose(one, other, rtol=0.0, atol=tolerance * largest, equal_nan=True))
    return bool((one == other).all())


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 8:
        return f"{value.dtype} {value.shape} of sum {value.sum():g}"
    return repr(value)
