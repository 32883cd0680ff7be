"""Embeddings: values that can be kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sampipe.errors import DataError
from sampipe.types import EdgeMap, Embedding, Frame, ImageEmbedding


def an_embedding(fine: int = 2) -> ImageEmbedding:
    return ImageEmbedding(
        features=torch.randn(8, 4, 4, requires_grad=True),
        fine=tuple(torch.randn(2, 8 * 2**i, 8) for i in range(fine)),
        frame=Frame.fit((30, 40), 64),
        model_key="weights",
        image_key="pixels",
    )


@pytest.mark.parametrize("fine", [0, 2])
def test_save_and_load(tmp_path: Path, fine: int) -> None:
    embedding = an_embedding(fine)
    embedding.save(tmp_path / "one.safetensors")
    loaded = ImageEmbedding.load(tmp_path / "one.safetensors")
    assert torch.equal(loaded.features, embedding.features)
    assert len(loaded.fine) == fine
    assert all(torch.equal(a, b) for a, b in zip(loaded.fine, embedding.fine, strict=True))
    assert (loaded.frame, loaded.model_key, loaded.image_key) == (embedding.frame, "weights", "pixels")
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]


def test_half_precision_survives(tmp_path: Path) -> None:
    embedding = ImageEmbedding(torch.ones(1, 2, 2, dtype=torch.bfloat16), Frame.fit((2, 2), 4), "m", "i")
    embedding.save(tmp_path / "half")
    assert ImageEmbedding.load(tmp_path / "half").features.dtype == torch.bfloat16


def test_size_and_device() -> None:
    embedding = an_embedding()
    assert embedding.nbytes == 4 * (8 * 16 + 2 * 8 * 8 + 2 * 16 * 8)
    assert embedding.to("cpu").image_key == "pixels"
    assert not embedding.features.requires_grad
    assert repr(embedding) == "ImageEmbedding(features=(8, 4, 4), model='weights', image='pixels', device='cpu')"


def test_a_failed_save_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        an_embedding().save(tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("content", [b"", b"junk", b"\x00" * 100])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(DataError, match="bad is not a saved image embedding"):
        ImageEmbedding.load(tmp_path / "bad")


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(DataError, match="missing"):
        ImageEmbedding.load(tmp_path / "missing")
    save_file({"weight": torch.ones(2)}, tmp_path / "model")
    with pytest.raises(DataError, match="model is not a saved"):
        ImageEmbedding.load(tmp_path / "model")


def test_a_batch_is_not_an_embedding() -> None:
    with pytest.raises(DataError, match="without a batch dimension"):
        ImageEmbedding(torch.zeros(1, 8, 4, 4), Frame.fit((2, 2), 4), "m", "i")


def test_vectors_have_length_one() -> None:
    vectors = Embedding.normalized([[3, 4], [0, 2]], "clip", ("a", "b"))
    np.testing.assert_allclose(vectors.vectors, [[0.6, 0.8], [0, 1]], rtol=1e-6)
    assert len(vectors) == 2 and vectors.texts == ("a", "b")
    assert len(Embedding(np.zeros((0, 8), np.float32), "clip")) == 0
    with pytest.raises(DataError, match="length 1"):
        Embedding(np.array([[3, 4]], np.float32), "clip")
    with pytest.raises(DataError, match="no direction"):
        Embedding.normalized([[0, 0]], "clip")
    with pytest.raises(DataError, match="got 1 for 2 vectors"):
        Embedding.normalized([[3, 4], [0, 2]], "clip", ("a",))
    with pytest.raises(DataError, match=r"wanted \(n, d\)"):
        Embedding(np.ones(3, np.float32), "clip")


def test_edges_lie_between_0_and_1() -> None:
    edges = EdgeMap(np.array([[0, 0.5, 1]], np.float32))
    assert edges.hw == (1, 3)
    assert repr(edges) == "EdgeMap(1 x 3, strongest 1.00)"
    with pytest.raises(ValueError, match="read-only"):
        edges.strength[0, 0] = 1
    for bad in ([[0, 1.5]], [[-0.1]], [[float("nan")]]):
        with pytest.raises(DataError, match="wanted 0 to 1"):
            EdgeMap(np.array(bad, np.float32))
    with pytest.raises(DataError, match=r"wanted \(height, width\)"):
        EdgeMap(np.zeros(4, np.float32))
