"""The pages of ``sampipe demo``: pictures, prompts and masks in a browser, each page a view of a graph.

::

    import sampipe.demo
    sampipe.demo.launch(graph)          # a page for a graph of one's own
    sampipe.demo.launch()               # all of them
"""

from __future__ import annotations

from sampipe.demo.launching import launch

__all__ = ["launch"]
