"""Which graphs a page runs for whoever brought them."""

from __future__ import annotations

import pytest

import sampipe as sp
from sampipe.demo.graph_runs import refuse_savers
from sampipe.errors import DataError
from sampipe.nodes import Annotate, Follow, SavePng, Segment


def test_a_graph_that_leaves_files_is_refused() -> None:
    segment, save = Segment(), SavePng(directory="elsewhere")

    def kept(image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        masks = segment(image, prompts)
        save(image, masks)
        return masks

    with pytest.raises(DataError, match="SavePng leaves files on this machine"):
        refuse_savers(sp.trace(kept))


def test_a_graph_that_only_remembers_is_run() -> None:
    graph = Follow() | Annotate()
    assert not all(node.pure for node in graph.nodes.values())
    refuse_savers(graph)
