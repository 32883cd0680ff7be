"""The pages: the bench and the tabs that prompt it, or one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from sampipe.graph import Graph
from sampipe.graph.registry import is_registered, register
from sampipe.graph.spec import read, read_text
from sampipe.pages.demo import text_tab, video_tab
from sampipe.pages.demo.bench import Bench, head
from sampipe.pages.demo.canvas import GraphCanvas
from sampipe.pages.demo.clips import FOLDER
from sampipe.pages.demo.detect_tab import detect_tab
from sampipe.pages.demo.everything_tab import everything_tab
from sampipe.pages.demo.examples import example_texts

_OWN = "page"  # the vendor of nodes that a script made and did not register


@dataclass(frozen=True)
class GraphFile:
    """The text of a graph file, with its layout; it need not be right yet."""

    text: str

    @classmethod
    def read(cls, path: str | Path) -> GraphFile:
        """From a file; SpecError if it has another form."""
        text, where = read_text(path)
        read(text, where)
        return cls(text)


@dataclass(frozen=True)
class Page:
    """A page, ready to be served.

    Args:
        title: its name.
        blocks: Gradio's side of it.
        head: its scripts and styles.
        folders: files that its scripts load.
        warm: loads what the first click needs, in the background; called when the page is served.
    """

    title: str
    blocks: gr.Blocks
    head: list[str]
    folders: Mapping[str, Path]
    warm: Callable[[], None]


def demo_page(*, model: str, device: str) -> Page:
    """All of the demo: one bench, a tab for each way to prompt it, and one for whole graphs."""
    bench = Bench(model=model, device=device)
    bench.check()
    clips = video_tab.ClipBench(bench)
    names = ["Segment", "Detect + segment", "Text", "Everything", "Video", "Graph"]
    absent = [name for name, there in (("Text", text_tab.is_there()), ("Video", video_tab.is_there())) if not there]
    with gr.Blocks(title="sampipe demo", analytics_enabled=False) as blocks:
        gr.Markdown("# sampipe\nWhatever finds things becomes prompts; Segment Anything turns them into masks.")
        with gr.Tabs():
            tabs = {
                name: gr.Tab(name, elem_id=f"tab-{name.split()[0].lower()}") for name in names if name not in absent
            }
            with tabs["Segment"]:
                gr.HTML('<p class="sp-note">Click an object, or drag a box around it.</p>', padding=False)
            with tabs["Detect + segment"]:
                detect_tab(bench, tabs["Detect + segment"])
            if "Text" in tabs:
                with tabs["Text"]:
                    text_tab.text_tab(bench)
            with tabs["Everything"]:
                everything_tab(bench, blocks)
            if "Video" in tabs:
                with tabs["Video"]:
                    clips.component()
            with tabs["Graph"]:
                GraphCanvas(bench, examples=lambda: example_texts(model, device), may_save=False).component()
        bench.component()
        blocks.unload(bench.stop)
    return Page("sampipe demo", blocks, head(), {**bench.folders(), FOLDER: clips.clips.path}, bench.warm)


def graph_page(graph: Graph | GraphFile, *, model: str, device: str) -> Page:
    """A page for one graph: its inputs and outputs, the canvas one click away. A script's own nodes are taken, too."""
    text = graph.text if isinstance(graph, GraphFile) else _text_of(graph)
    bench = Bench(model=model, device=device, live=False)
    with gr.Blocks(title="sampipe graph", analytics_enabled=False) as blocks:
        gr.Markdown("# sampipe")
        GraphCanvas(bench, examples=lambda: {"": text}, may_save=True, app=True).component()
        bench.component()
    return Page("sampipe graph", blocks, head(), bench.folders(), lambda: None)


def _text_of(graph: Graph) -> str:
    for node in graph.nodes.values():
        if not is_registered(type(node)):
            register(_OWN)(type(node))
    return graph.to_yaml()
