"""Everything: the automatic masks, with the paper's parameters."""

from __future__ import annotations

import gradio as gr

from sampipe.graph import Graph
from sampipe.graph.chain import as_graph
from sampipe.nodes import SegmentEverything
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.tab_runs import run_and_show


def everything_tab(bench: Bench, blocks: gr.Blocks) -> None:
    """A grid of points and the filters after it (paper, appendix B)."""
    with gr.Row():
        side = gr.Slider(4, 64, 32, step=1, label="Points a side", info="more find smaller things", min_width=240)
        iou = gr.Slider(0, 1, 0.88, step=0.01, label="Predicted IoU", info="at least", min_width=240)
        stability = gr.Slider(0, 1, 0.95, step=0.01, label="Stability", info="at least", min_width=240)
    with gr.Accordion("More", open=False), gr.Row():
        nms = gr.Slider(0, 1, 0.7, step=0.01, label="Overlap of boxes", info="above it, two are one", min_width=240)
        region = gr.Slider(0, 2000, 0, step=10, label="Smallest region", info="pixels", min_width=240)
        layers = gr.Slider(
            0, 2, 0, step=1, label="Layers of crops", info="each looks closer, and takes longer", min_width=240
        )
    with gr.Row():
        run = gr.Button("Find everything", variant="primary", elem_id="everything-run", scale=0, min_width=200)
        cancel = gr.Button("Cancel", elem_id="everything-cancel", scale=0, min_width=110)

    def usual() -> tuple[float, ...]:
        """What suits the model, which may still be loading when the page opens."""
        from sampipe.models.segmenters import load_segmenter

        own = load_segmenter(bench.model, bench.device).everything
        return own.points_per_side, own.pred_iou, own.stability, own.box_nms, own.min_region_area

    blocks.load(usual, None, [side, iou, stability, nms, region], show_progress="hidden")

    def graph_of(
        side: float, iou: float, stability: float, nms: float, region: float, layers: float
    ) -> tuple[Graph, str]:
        node = SegmentEverything(
            model=bench.model,
            device=bench.device,
            points_per_side=int(side),
            min_iou=iou,
            stability_threshold=stability,
            box_nms=nms,
            min_region_area=int(region),
            crop_layers=int(layers),
        )
        return as_graph(node), f"{int(side) ** 2} points"

    run_and_show(bench, run=run, cancel=cancel, controls=[side, iou, stability, nms, region, layers], graph_of=graph_of)
