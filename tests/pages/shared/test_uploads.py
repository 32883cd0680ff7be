"""Files that people bring: every one is looked at before it is believed."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.pages.shared import open_upload, read_text_upload, uploads


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    inside = tmp_path / "uploads"
    inside.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(inside))
    return inside


def test_an_image_of_twenty_megapixels_opens(folder: Path) -> None:
    Pillow.new("RGB", (5472, 3648), (90, 120, 60)).save(folder / "large.jpg", quality=50)
    assert open_upload(str(folder / "large.jpg")).wh == (5472, 3648)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret.png", "http://127.0.0.1:22/", "file:///etc/passwd", "", "\0"]
)
def test_paths_elsewhere_and_addresses_are_refused(folder: Path, path: str) -> None:
    (folder.parent / "secret.png").write_bytes(b"")
    for given in (path, str(folder / path)):
        with pytest.raises(DataError, match="not a file that was uploaded"):
            open_upload(given)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("secret")
    (folder / "graph.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(DataError, match="not a file that was uploaded"):
        read_text_upload(str(folder / "graph.yaml"))


def test_a_bomb_is_refused_from_its_header(folder: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 4) + b"IDAT" + bytes(8))
    tracemalloc.start()
    with pytest.raises(DataError, match=r"bomb\.png has 60000 x 60000 pixels"):
        open_upload(str(folder / "bomb.png"))
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_messages_name_the_file_and_not_the_server(folder: Path) -> None:
    (folder / "holiday.jpg").write_bytes(b"\xff\xd8\xff not an image")
    with pytest.raises(DataError) as error:
        open_upload(str(folder / "holiday.jpg"))
    assert "holiday.jpg" in str(error.value)
    assert str(folder) not in str(error.value)


def test_large_files_are_not_even_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 1 << 20)
    (folder / "large.png").write_bytes(bytes(2 << 20))
    with pytest.raises(DataError, match="at most 1 MB"):
        open_upload(str(folder / "large.png"))
    with pytest.raises(DataError, match="no graph file is"):
        read_text_upload(str(folder / "large.png"))


def test_a_graph_file_is_text(folder: Path) -> None:
    (folder / "graph.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a text file"):
        read_text_upload(str(folder / "graph.yaml"))
