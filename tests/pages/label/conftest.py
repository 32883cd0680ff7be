"""Folders of images, a tiny model, and the labelling page in windows of a browser."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from annotate_squares import write_image
from annotate_window import Open, Window
from tiny_sam import write_tiny_model

from sampipe.pages.label.project import Project
from sampipe.types import Image

if TYPE_CHECKING:
    from sampipe.pages.label.workbench import Workbench


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, a.png, b.png and c.png, directly in a folder."""
    place = tmp_path / "photos"
    place.mkdir()
    for seed, name in enumerate("abc"):
        write_image(place / f"{name}.png", seed)
    return place


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Segment Anything checkpoint with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def ports() -> tuple[int, int]:
    """The same ones for all tests, so that the browser finds what it has read before."""
    return free_port(), free_port()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    Image.open("sample:rocket").to_pil().save(place / "a rocket.png")
    Image.open("sample:coffee").to_pil().save(place / "b cup.png")
    return place


@pytest.fixture
def open_window(windows: Any, photos: Path, ports: tuple[int, int]) -> Iterator[Open]:
    """``open_window()``: a browser window of its own; ``bench=`` shares the server of another one."""
    pytest.importorskip("gradio", reason='the page needs pip install "sampipe[demo]"')
    from sampipe.pages.label.page import serve_page
    from sampipe.pages.label.workbench import Workbench

    benches: list[Workbench] = []
    served: list[Any] = []
    opened: list[Window] = []

    def make(
        bench: Workbench | None = None, url: str = "", size: tuple[int, int] = (1280, 860), **options: Any
    ) -> Window:
        if bench is None:
            bench = Workbench(
                Project(photos, labels=options.pop("labels", None)), model="nano", device="cpu", **options
            )
            benches.append(bench)
            try:
                served.append(serve_page(bench, port=ports[len(served)]))
            except OSError:  # somebody else took it meanwhile
                served.append(serve_page(bench, port=free_port()))
            url = served[-1].url
        page = windows.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        opened.append(Window(page, bench, url))
        return opened[-1]

    yield make
    for window in opened:
        window.page.close()
    for one in served:
        one.close()
    for bench in benches:
        bench.close()
    assert [error for window in opened for error in window.errors] == []
