"""Published files: found, fetched, compared with their digest, or named in the error."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sampipe_integrations._published import PublishedFile, cache_folder

import sampipe as sp

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing on stderr."""


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "small.onnx").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("SAMPIPE_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "torch" / "hub" / "checkpoints"


def test_the_cache_is_the_one_of_torch_hub(cache):
    import torch

    assert cache_folder() == cache == Path(torch.hub.get_dir()) / "checkpoints"


def test_a_file_is_downloaded_once_and_checked(server, cache):
    published = PublishedFile(url=f"{server}/small.onnx", sha256=SHA256)
    assert not published.requirement().is_met()
    path = published.obtain()
    assert path == cache / "small.onnx" and path.read_bytes() == CONTENT
    assert published.requirement().is_met()
    assert PublishedFile(url="http://127.0.0.1:9/small.onnx", sha256=SHA256[:8]).obtain() == path


def test_another_file_is_refused_and_does_not_stay(server, cache):
    with pytest.raises(sp.CheckpointError, match="wanted 123456"):
        PublishedFile(url=f"{server}/small.onnx", sha256="123456").obtain()
    assert not (cache / "small.onnx").exists()


def test_of_a_file_without_a_digest_the_first_download_counts(server, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "notes"))
    published = PublishedFile(url=f"{server}/small.onnx")
    path = published.obtain()
    assert published.obtain() == path
    path.write_bytes(b"something else")
    with pytest.raises(sp.CheckpointError, match="came first"):
        published.obtain()


def test_another_file_in_the_cache_is_refused(cache):
    cache.mkdir(parents=True)
    (cache / "small.onnx").write_bytes(b"something else")
    with pytest.raises(sp.CheckpointError, match=r"small\.onnx.*Delete it"):
        PublishedFile(url="http://127.0.0.1:9/small.onnx", sha256=SHA256).obtain()


def test_offline_the_error_names_file_address_and_place(cache, monkeypatch):
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    published = PublishedFile(url="https://example.org/small.onnx", instead=", or give another")
    with pytest.raises(sp.CheckpointError) as caught:
        published.obtain()
    message = str(caught.value)
    assert "https://example.org/small.onnx" in message and "or give another" in message
    assert str(cache / "small.onnx") in message
