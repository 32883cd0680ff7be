"""Text: words in, named masks out, and which way they took."""

from __future__ import annotations

import importlib.util

import gradio as gr

from sampipe.graph import Graph
from sampipe.nodes import FilterMasks
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.tab_runs import run_and_show


def is_there() -> bool:
    """Whether this sampipe reads words."""
    return importlib.util.find_spec("sampipe.text") is not None


def text_tab(bench: Bench) -> None:
    """Phrases with commas between them, and how to answer them."""
    from sampipe.text.modes import MODES, choose_mode
    from sampipe.types import Text

    modes = [mode for mode in MODES if mode != "detector"]
    with gr.Row():
        words = gr.Textbox(
            label="What to look for", info="Enter runs", placeholder="a cup, a spoon", max_lines=1, elem_id="text-words"
        )
        threshold = gr.Slider(
            0, 1, 0.0, step=0.01, label="Score", info="at least; 0 takes all", elem_id="text-score", min_width=200
        )
        mode = gr.Dropdown(["best there is", *modes], value="best there is", label="Mode")
    with gr.Row():
        run = gr.Button("Find and segment", variant="primary", elem_id="text-run", scale=0, min_width=200)
        cancel = gr.Button("Cancel", elem_id="text-cancel", scale=0, min_width=110)

    def graph_of(words: str, threshold: float, mode: str) -> tuple[Graph, str]:
        from sampipe.nodes.text.pipelines import text_graph  # with torch, which nobody waits for when the page starts

        phrases = Text.of(words or "").phrases
        asked = mode if mode in modes else None
        chosen = choose_mode(phrases, model=bench.model, mode=asked, clip=None, detector=False)
        why = "as asked" if asked else "the best there is here"
        graph = text_graph(chosen, phrases, model=bench.model, device=bench.device)
        return (graph | FilterMasks(min_score=threshold) if threshold else graph), f"{chosen}, {why}"

    run_and_show(bench, run=run, cancel=cancel, controls=[words, threshold, mode], graph_of=graph_of, enter=words)
