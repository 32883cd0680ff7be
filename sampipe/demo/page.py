"""The pages: the bench and the ways to prompt it, or one graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from sampipe.demo import text_tab, video_tab
from sampipe.demo.bench import Bench, head
from sampipe.demo.clips import ClipFolder
from sampipe.demo.detect_tab import detect_tab
from sampipe.demo.everything_tab import everything_tab
from sampipe.demo.examples import example_texts
from sampipe.demo.graph_runs import Runner
from sampipe.demo.graph_tab import graph_tab
from sampipe.graph import Graph
from sampipe.graph.registry import is_registered, register
from sampipe.types import Image, Prompts

_OWN = "page"  # the vendor of nodes that a script made and did not register


@dataclass(frozen=True)
class Page:
    """A page, ready to be served.

    Args:
        title: its name.
        blocks: Gradio's side of it.
        head: its scripts and styles.
        folders: files that its scripts load.
    """

    title: str
    blocks: gr.Blocks
    head: list[str]
    folders: Mapping[str, Path]


def demo_page(*, model: str, device: str) -> Page:
    """All of the demo: one bench, a tab for each way to prompt it, and one for whole graphs."""
    bench = Bench(model=model, device=device)
    bench.warm()
    clips = ClipFolder()
    examples = example_texts(model, device)
    with gr.Blocks(title="sampipe demo", analytics_enabled=False) as blocks:
        gr.Markdown("# sampipe\nWhatever finds things becomes prompts; Segment Anything turns them into masks.")
        with gr.Tabs():
            tabs = [gr.Tab("Segment", id="segment"), gr.Tab("Detect + segment", id="detect")]
            with tabs[0]:
                gr.HTML('<p class="sp-note">Click an object, or drag a box around it.</p>', padding=False)
            with tabs[1]:
                detect_tab(bench)
            if text_tab.is_there():
                tabs.append(gr.Tab("Text", id="text"))
                with tabs[-1]:
                    text_tab.text_tab(bench)
            tabs.append(gr.Tab("Everything", id="everything"))
            with tabs[-1]:
                everything_tab(bench)
            if video_tab.is_there():
                tabs.append(gr.Tab("Video", id="video"))
                with tabs[-1]:
                    video_tab.video_tab(bench, clips)
            tabs.append(gr.Tab("Graph", id="graph"))
            with tabs[-1]:
                results = graph_tab(Runner(bench, may_save=False), next(iter(examples.values())), examples=examples)
        bench.component()
        results.render()
        for tab in tabs:
            hidden = "none" if tab.id == "video" else ""  # there, no picture is worked on
            tab.select(None, js=f"() => {{ document.getElementById('bench').style.display = '{hidden}'; }}")
    return Page("sampipe demo", blocks, head(), {**bench.folders(), video_tab.FOLDER: clips.path})


def graph_page(graph: Graph, *, model: str, device: str) -> Page:
    """A page for one graph; its nodes may be a script's own."""
    for node in graph.nodes.values():
        if not is_registered(type(node)):
            register(_OWN)(type(node))
    kinds = {port.type for port in graph.inputs.values()}
    bench = Bench(model=model, device=device, live=False)
    with gr.Blocks(title="sampipe graph", analytics_enabled=False) as blocks:
        gr.Markdown("# sampipe\nA graph, its inputs and parameters, and what each node gives.")
        results = graph_tab(Runner(bench, may_save=True), graph.to_yaml(), examples={})
        if kinds & {Image, Prompts}:
            bench.component()
        results.render()
    return Page("sampipe graph", blocks, head(), bench.folders())
