"""Text: words in, named masks out, and which way they took."""

from __future__ import annotations

import importlib.util

import gradio as gr

from sampipe.demo.bench import Bench
from sampipe.demo.ways import run_and_show
from sampipe.graph import Graph
from sampipe.graph.registry import node_types


def is_there() -> bool:
    """Whether this sampipe has nodes that read words."""
    return importlib.util.find_spec("sampipe.text") is not None and any(
        name.startswith("sampipe.ClipText@") for name in node_types()
    )


def text_tab(bench: Bench) -> None:
    """Phrases with commas between them, and how to answer them."""
    from sampipe.nodes.text.pipelines import text_graph
    from sampipe.text.ways import MODES, choose_way
    from sampipe.types import Text

    modes = [mode for mode in MODES if mode != "detector"]
    with gr.Row():
        words = gr.Textbox(label="What to look for", placeholder="a cup, a spoon", max_lines=2, elem_id="text-words")
        mode = gr.Dropdown(["best there is", *modes], value="best there is", label="Way")
    with gr.Row():
        run = gr.Button("Find and segment", variant="primary", elem_id="text-run", scale=0, min_width=200)
        cancel = gr.Button("Cancel", elem_id="text-cancel", scale=0, min_width=110)

    def graph_of(words: str, mode: str) -> tuple[Graph, str]:
        phrases = Text.of(words or "").phrases
        asked = mode if mode in modes else None
        way = choose_way(phrases, model=bench.model, mode=asked, clip=None, detector=False)
        why = "as asked" if asked else "the best there is here"
        return text_graph(way, phrases, model=bench.model, device=bench.device), f"{way}, {why}"

    run_and_show(bench, run=run, cancel=cancel, controls=[words, mode], graph_of=graph_of)
