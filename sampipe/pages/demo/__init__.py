"""The pages of ``sampipe demo``: images, prompts and masks in a browser, each page a view of a graph.

::

    import sampipe as sp

    sp.demo.launch(graph)          # a page for a graph of one's own
    sp.demo.launch()               # all of them
"""

from __future__ import annotations

from sampipe.pages.demo.launching import launch

__all__ = ["launch"]
