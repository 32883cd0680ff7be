"""The scripts in ``demos`` open a page, started as a reader will start them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from page_server import serve, stop

_PUT_TOGETHER = """
import sys
from sampipe.pages.demo.page import demo_page
demo_page(model="nano", device="auto")
print([name for name in ("torch", "torchvision", "skimage", "scipy", "onnxruntime", "av") if name in sys.modules])
"""
SCRIPTS = sorted((Path(__file__).parents[3] / "demos").glob("*.py"))


def test_they_are_three_and_short() -> None:
    assert [path.stem for path in SCRIPTS] == ["clicks", "detector", "words"]
    for path in SCRIPTS:
        assert len(path.read_text().splitlines()) < 40


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_opens_a_page_of_its_graph(script: Path, tmp_path: Path) -> None:
    served, url = serve(tmp_path, str(script))
    try:
        with urllib.request.urlopen(f"{url}config", timeout=120) as answer:
            config = json.load(answer)
        (canvas,) = (one for one in config["components"] if one["props"].get("elem_id") == "graph")
        asked = {"session_hash": "test", "component_id": canvas["id"], "fn_name": "examples", "data": {}}
        request = urllib.request.Request(
            f"{url}gradio_api/component_server", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            (shown,) = json.load(answer)["files"].values()
    finally:
        stop(served)
    assert config["title"] == "sampipe graph"
    assert "sampipe.Segment@1" in shown or "sampipe.SegmentEverything@1" in shown


def test_the_demo_is_put_together_without_torch_and_stub_files() -> None:
    told = subprocess.run([sys.executable, "-c", _PUT_TOGETHER], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["[]"], "what nobody sees on the first page is loaded when it is wanted"
