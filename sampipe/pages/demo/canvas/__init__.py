"""The canvas: a graph is put together, run and looked at where it stands.

The page's script holds the graph in the form of its file (:class:`sampipe.graph.spec.GraphSpec`, positions in
``layout``), so what is drawn and what is saved are one thing. The server says which nodes there are, checks, runs and
exports. ``gr.WorkflowCanvas`` of Gradio 6.31 was looked at first and not taken: it asks huggingface.co for templates
when it is shown, brings a field for a token and buttons for audio and 3D that cannot be turned off, never gives
positions back, reads a new graph only once, and runs functions one by one from the browser, where a node's image,
figures and reasons have no place.
"""

from __future__ import annotations

from sampipe.pages.demo.canvas.component import GraphCanvas

__all__ = ["GraphCanvas"]
