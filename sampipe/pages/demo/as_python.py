"""A graph as a Python program that takes the paths of images and writes what the graph makes of them."""

from __future__ import annotations

import keyword
from typing import Any

from sampipe.errors import SpecError
from sampipe.graph import Graph, Node
from sampipe.graph.ports import Port, type_name
from sampipe.graph.registry import is_registered
from sampipe.graph.wiring import Source, sources
from sampipe.types import Image, Masks

_PLAIN = ("str", "int", "float", "bool")
_TAKEN = ("sp", "np", "sampipe", "Pillow", "Path", "argparse", "pipeline", "graph", "main")


def as_python(graph: Graph) -> str:
    """A program that builds the graph with :func:`sampipe.trace` and runs it on images.

    Masks become label images (NAME.OUTPUT.png, 0 where nothing is), images PNG files; other outputs are printed.
    Prompts are given as boxes, words and numbers as options.

    Raises:
        SpecError: a node's class is not registered, or a name that Python does not allow.
    """
    for name in (*graph.nodes, *graph.inputs):
        if keyword.iskeyword(name) or name in _TAKEN:
            raise SpecError(f"{name!r} cannot be a name in a Python program; rename it.")
    names = {name: _free(name, graph) for name in graph.nodes}
    nodes = [f"{name} = {_call(node)}" for name, node in graph.nodes.items()]
    takes = ", ".join(_parameter(port) for port in sorted(graph.inputs.values(), key=lambda port: not port.required))
    body = [f"    {names[name]} = {name}({_arguments(graph, name, names)})" for name in graph.nodes]
    gives = ", ".join(f'"{key}": {_value(graph, source, names)}' for key, source in graph.outputs.items())
    return "\n".join(
        [
            *_imports(graph),
            "",
            *nodes,
            "",
            "",
            f"def pipeline({takes}):",
            *body,
            f"    return {{{gives}}}",
            "",
            "",
            "graph = sp.trace(pipeline)",
            "",
            "",
            *_main(graph),
            "",
        ]
    )


def _main(graph: Graph) -> list[str]:
    """What runs it on each image and writes the outputs."""
    available = sources(graph.inputs, graph.nodes)
    options, given = [], []
    for name, port in graph.inputs.items():
        kind = type_name(port.type)
        if kind == "Image":
            given.append(f"{name}=image")
        elif kind == "Prompts":
            numbers = (
                f'nargs=4, type=float, action="append", metavar=("X0", "Y0", "X1", "Y1"), required={port.required}'
            )
            options.append(f'    parser.add_argument("--{name}", {numbers}, help="a box in pixels; may come again")')
            boxes = f"sp.Prompts.from_boxes(options.{name})"
            given.append(f"{name}={boxes if port.required else f'{boxes} if options.{name} else None'}")
        elif kind in ("Text", *_PLAIN):
            read = "str" if kind == "Text" else kind
            options.append(f'    parser.add_argument("--{name}", type={read}, required={port.required})')
            value = f"sampipe.types.Text.of(options.{name})" if kind == "Text" else f"options.{name}"
            given.append(f"{name}={value if port.required else f'{value} if options.{name} else None'}")
        else:
            raise SpecError(f"{name!r}: a program's user cannot give {kind}; run the graph from Python.")
    written = [line for key, source in graph.outputs.items() for line in _written(key, available[source].type)]
    return [
        "def main() -> None:",
        '    parser = argparse.ArgumentParser(description="Runs the graph on images and writes its outputs.")',
        '    parser.add_argument("images", nargs="+", help="image files")',
        '    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written")',
        *options,
        "    options = parser.parse_args()",
        "    options.out.mkdir(parents=True, exist_ok=True)",
        "    for path in options.images:",
        "        image = sp.Image.open(path)",
        f"        result = graph.run({', '.join(given)})",
        *written,
        "",
        "",
        'if __name__ == "__main__":',
        "    main()",
    ]


def _written(key: str, kind: Any) -> list[str]:
    name = f'options.out / f"{{image.name}}.{key}.png"'
    if kind is Masks:
        return [
            f'        labels = np.zeros(result["{key}"].hw, np.uint16)',
            f'        for number, mask in enumerate(result["{key}"].best().iter_binary(), 1):',
            "            labels[mask] = number",
            f"        Pillow.fromarray(labels).save({name})",
            f'        print({name}, len(result["{key}"]), "objects")',
        ]
    if kind is Image:
        return [f'        result["{key}"].to_pil().save({name})', f"        print({name})"]
    return [f'        print(path, "{key}:", result["{key}"])']


def _imports(graph: Graph) -> list[str]:
    modules: dict[str, set[str]] = {}
    for node in graph.nodes.values():
        cls = type(node)
        if not is_registered(cls):
            raise SpecError(f"{cls.__name__} is not registered, so a program cannot import it by a lasting name.")
        module = "sampipe.nodes" if cls.__module__.startswith("sampipe.") else cls.__module__.rpartition(".")[0]
        modules.setdefault(module, set()).add(cls.__name__)
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]
    return [
        "import argparse",
        "from pathlib import Path",
        "",
        "import numpy as np",
        "import sampipe as sp",
        "import sampipe.types",
        "from PIL import Image as Pillow",
        *lines,
    ]


def _call(node: Node) -> str:
    params = ", ".join(f"{name}={value!r}" for name, value in node.changed_params().items())
    return f"{type(node).__name__}({params})"


def _parameter(port: Port) -> str:
    word = type_name(port.type)
    annotation = word if word in _PLAIN else f"sampipe.types.{word}"
    return f"{port.name}: {annotation}" + ("" if port.required else " | None = None")


def _free(name: str, graph: Graph) -> str:
    """What the program calls a node's result: never the name of a node or an input."""
    wanted = f"{name}_result"
    while wanted in graph.nodes or wanted in graph.inputs:
        wanted += "_"
    return wanted


def _arguments(graph: Graph, name: str, names: dict[str, str]) -> str:
    wires = graph.wires[name].items()
    return ", ".join(f"{port}={_value(graph, source, names)}" for port, source in wires)


def _value(graph: Graph, source: Source, names: dict[str, str]) -> str:
    if source.node is None:
        return source.port
    several = graph.nodes[source.node].ports.returns is not None
    return f"{names[source.node]}.{source.port}" if several else names[source.node]
