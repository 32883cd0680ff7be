"""The scripts in ``demos`` open a page, started as a reader will start them."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from page_server import serve, stop

SCRIPTS = sorted((Path(__file__).parents[2] / "demos").glob("*.py"))


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
    finally:
        stop(served)
    assert config["title"] == "sampipe graph"
    shown = json.dumps(config["components"])
    assert "<svg" in shown
    assert 'data-node=\\"segment\\"' in shown or 'data-node=\\"segment_everything\\"' in shown
