"""The site builds without a warning: every link and anchor leads somewhere, every name of the reference is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sampipe.nodes

ROOT = Path(__file__).parents[1]
pytest.importorskip("mkdocs", reason='needs mkdocs: pip install "sampipe[docs]"')
pytest.importorskip("mkdocstrings")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_of_the_menu_is_there(site: Path) -> None:
    for page in ("index", "gallery", "migrate", "benchmarks", "changelog", "reference/nodes", "integrations/onnx"):
        assert "<h1" in (site / f"{page}.html").read_text(encoding="utf-8"), page


def test_the_reference_has_every_node_and_spells_its_words_out(site: Path) -> None:
    text = (site / "reference" / "nodes.html").read_text(encoding="utf-8")
    for name in sampipe.nodes.__all__:
        assert f'id="sampipe.nodes.{name}"' in text, name
    segment = text[text.index('id="sampipe.nodes.Segment"') : text.index('id="sampipe.nodes.SegmentEverything"')]
    assert "a checkpoint file" in segment, "the words of SamNode stand in Segment"
    assert ":class:" not in text and "see SamNode" not in text


def test_the_gallery_shows_every_example_graph(site: Path) -> None:
    text = (site / "gallery.html").read_text(encoding="utf-8")
    graphs = list((ROOT / "demos" / "graphs").glob("*.yaml"))
    assert text.count("<svg") >= len(graphs) and "sampipe run demos/graphs/boxes.yaml" in text
    pictures = {path.stem for path in (ROOT / "docs" / "images" / "gallery").glob("*.jpg")}
    assert pictures and pictures <= {path.stem for path in graphs}
    assert set(re.findall(r'src="images/gallery/(\w+)\.jpg"', text)) == pictures


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://[^"]+"', text) == []


def test_no_page_mixes_two_ways_to_install() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        by_name, from_folder = re.search(r'install "?sampipe', text), re.search(r'install "?\.', text)
        assert not (by_name and from_folder), path
