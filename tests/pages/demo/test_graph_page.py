"""``sampipe demo graph.yaml`` in a browser: the graph as an app, and its canvas one click away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import PATIENCE
from page_server import serve, stop

GRAPH = """
sampipe: 1
inputs: {image: Image}
nodes:
  find: {type: skimage.FaceDetector@1, inputs: {image: $image}}
  segment: {type: sampipe.Segment@1, inputs: {image: $image, prompts: find.prompts}}
outputs: {masks: segment.masks}
layout: {find: [40, 60], segment: [420, 310]}
"""

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture
def page(windows: Any, tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "faces.yaml").write_text(GRAPH)
    served, url = serve(tmp_path, "-m", "sampipe.cli", "demo", "faces.yaml", "--no-browser")
    opened = windows.new_page()
    opened.set_default_timeout(PATIENCE)
    try:
        opened.goto(url)
        yield opened
    finally:
        opened.close()
        stop(served)


def test_an_app_with_its_canvas_one_click_away(page: Any) -> None:
    page.wait_for_selector(".sp-graph.is-app .sp-app")
    assert not page.locator(".sp-palette").is_visible()
    page.click('[data-do="view"]')
    page.wait_for_selector(".sp-node[data-node=segment]")
    layout = page.evaluate("sampipe.graph.model.graph.layout")
    assert (layout["find"], layout["segment"]) == ([40, 60], [420, 310])
    page.click('[data-do="view"]')
    page.wait_for_selector(".sp-graph.is-app")
