"""Whatever people call an image is one, and is the same one."""

from __future__ import annotations

import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image as Pillow
import pytest
import torch

import sampipe as sp
from sampipe.nodes import Segment

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def png() -> bytes:
    content = io.BytesIO()
    Pillow.fromarray(RGB).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A web server with one image."""
    (tmp_path / "cup of tea.png").write_bytes(png())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/cup%20of%20tea.png?size=large"
        server.shutdown()


class Mean(sp.Node):
    """Knows its input's pixels; its author writes for an Image only."""

    def run(self, image: sp.Image, prompts: sp.Prompts | None = None) -> sp.Prompts:
        return sp.Prompts.from_points([[image.pixels.mean(), len(image.key)]])


def kinds(path: Path) -> dict[str, object]:
    path.write_bytes(png())
    tensor = torch.from_numpy(RGB).permute(2, 0, 1)
    return {
        "str": str(path),
        "path": path,
        "bytes": png(),
        "pillow": Pillow.fromarray(RGB),
        "numpy": RGB,
        "tensor": tensor,
        "float tensor": tensor / 255,
        "Image": sp.Image(RGB),
        "bgr": sp.Image.from_bgr(RGB[..., ::-1]),
    }


def test_all_of_them_are_one_image(tmp_path: Path) -> None:
    wanted = sp.Image(RGB).key
    graph = Mean() | Segment()
    given = kinds(tmp_path / "a.png")
    for name, value in given.items():
        assert sp.Image.open(value).key == wanted, name  # type: ignore[arg-type]
        assert Mean()(value).points[0, 0, 0] == pytest.approx(RGB.mean()), name  # type: ignore[arg-type, index]
        assert graph.bind({"image": value})["image"].key == wanted, name
    several = list((Mean() | Points()).map(list(given.values())))  # type: ignore[arg-type]
    assert [one.prompts.points[0, 0, 1] for one in several] == [32] * len(given)
    assert several[0].item == str(tmp_path / "a.png")


class Points(sp.Node):
    """Hands on."""

    def run(self, prompts: sp.Prompts) -> sp.Prompts:
        return prompts


def test_grey_and_rgba_arrays() -> None:
    grey = sp.Image.open(RGB[..., 0])
    assert (grey.pixels == RGB[..., :1]).all()
    clear = np.dstack([RGB, np.zeros((6, 8), np.uint8)])
    assert (sp.Image.open(clear).pixels == 255).all(), "transparent is white, as in files"


def test_a_url(url: str) -> None:
    image = sp.Image.open(url)
    assert (image.pixels == RGB).all()
    assert (image.source, image.name) == (url, "cup%20of%20tea")
    with pytest.raises(sp.DataError, match=r"none\.png\?size=large: cannot be read: HTTP Error 404"):
        sp.Image.open(url.replace("cup%20of%20tea", "none"))


def test_an_image_stays_what_it_is_and_arrays_are_not_shared() -> None:
    image = sp.Image(RGB)
    assert sp.Image.open(image) is image
    mine = RGB.copy()
    held = sp.Image.open(mine)
    mine[:] = 0
    assert (held.pixels == RGB).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "got a int; wanted a path, a URL"),
        (sp.Image, "got the class Image"),
        (RGB / 255, r"array of float64 .* wanted uint8 RGB .* \(array \* 255\).* sp\.Image\.from_bgr\(array\)"),
        (RGB.astype(np.int64), r"int64 .* array\.astype\('uint8'\)"),
        (RGB.transpose(2, 0, 1), r"shape \(3, 6, 8\).* array\.transpose\(1, 2, 0\)"),
        (RGB[None], r"graph\.map\(list\(array\)\)"),
        (torch.from_numpy(RGB), r"tensor\.permute\(2, 0, 1\)"),
        (torch.randn(3, 6, 8), "undo the normalisation"),
        (torch.zeros(3, 6, 8, dtype=torch.int64), r"tensor of torch\.int64"),
        ("photos/*.jpg", r"pattern for several images; graph\.map"),
        (".", r"is a folder; graph\.map"),
        (b"no image", "an image of 8 bytes is not an image"),
    ],
)
def test_what_is_no_image_is_told_what_to_do(value: object, message: str) -> None:
    with pytest.raises(sp.DataError, match=message):
        sp.Image.open(value)  # type: ignore[arg-type]
