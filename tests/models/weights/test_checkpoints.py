"""Files of weights: what is read, what is refused, and that nothing in them runs."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_sam import SMALL_VIT, random_sam
from safetensors.torch import save, save_file

from sampipe.errors import CheckpointError
from sampipe.models.weights.checkpoints import CONFIG_KEY, file_digest, read_checkpoint, save_checkpoint

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b.count": torch.tensor(7)}


class _Touch:
    """Unpickling it makes a file."""

    def __init__(self, sentinel: Path, how: str) -> None:
        self.sentinel, self.how = str(sentinel), how

    def __reduce__(self) -> Any:
        import os

        if self.how == "system":
            return os.system, (f"touch '{self.sentinel}'",)
        if self.how == "exec":
            return exec, (f"open({self.sentinel!r}, 'w')",)
        return open, (self.sentinel, "w")


def read(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path).tensors


def assert_tensors(found: dict[str, torch.Tensor]) -> None:
    assert found.keys() == TENSORS.keys()
    assert all(found[name].equal(value) for name, value in TENSORS.items())


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        OrderedDict(TENSORS),
        {"model": TENSORS},
        {"state_dict": TENSORS, "epoch": 3},
        {"model": {"state_dict": TENSORS}},
        {name: torch.nn.Parameter(value, requires_grad=False) for name, value in TENSORS.items()},
    ],
    ids=["dict", "ordered", "model", "state_dict", "both", "parameters"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old format"])
def test_pth(tmp_path: Path, content: Any, zipped: bool) -> None:
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert_tensors(read(tmp_path / "a.pth"))


@pytest.mark.parametrize("name", ["a.safetensors", "a.bin"])
def test_safetensors_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    save_file(TENSORS, tmp_path / name, metadata={"note": "text"})
    checkpoint = read_checkpoint(tmp_path / name)
    assert_tensors(checkpoint.tensors)
    assert checkpoint.metadata == {"note": "text"}


@pytest.mark.parametrize("padding", range(0, 256, 8))
def test_safetensors_whose_header_length_looks_like_something_else(tmp_path: Path, padding: int) -> None:
    """Its first byte may be a "<" or that of a pickle."""
    save_file(TENSORS, tmp_path / "a.safetensors", metadata={"note": " " * padding})
    assert_tensors(read(tmp_path / "a.safetensors"))


def test_tensors_do_not_change_with_their_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path)
    tensors = read(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert_tensors(tensors)


@pytest.mark.parametrize("how", ["system", "exec", "open"])
@pytest.mark.parametrize("kind", ["zip", "old format", "bare pickle", "inside a state dict", "named safetensors"])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path, kind: str, how: str) -> None:
    sentinel, path = tmp_path / "it ran", tmp_path / "model.pth"
    evil = _Touch(sentinel, how)
    if kind == "bare pickle":
        path.write_bytes(pickle.dumps(evil))
    elif kind == "inside a state dict":
        torch.save({"state_dict": {**TENSORS, "c": evil}}, path)
    else:
        path = path.with_suffix(".safetensors") if kind == "named safetensors" else path
        torch.save(evil, path, _use_new_zipfile_serialization=kind != "old format")
    with pytest.raises(CheckpointError, match="Nothing in it was run"):
        read(path)
    assert not sentinel.exists()


def test_a_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="state dict"):
        read(tmp_path / "a.pt")


def rewrite_zip(path: Path, *, compress: bool = False, extra: str | None = None, drop: str | None = None) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", compression=kind) as archive:
        for name, data in entries.items():
            if drop is None or not name.endswith(drop):
                archive.writestr(name, data)
        if extra is not None:
            archive.writestr(extra, b"")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"compress": True}, "compressed"),
        ({"extra": "a/constants.pkl"}, "TorchScript"),
        ({"drop": "data.pkl"}, r"without the data\.pkl"),
    ],
    ids=["zip bomb", "program", "any zip"],
)
def test_other_archives_are_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = tmp_path / "a.pth"
    torch.save(TENSORS, path)
    rewrite_zip(path, **change)
    with pytest.raises(CheckpointError, match=reason):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        torch.zeros(3),
        [torch.zeros(3)],
        {},
        {"a": 3},
        {1: torch.zeros(3)},
        {"a": torch.zeros(3).to_sparse()},
        {"model": {"a": [1.0]}},
    ],
    ids=["tensor", "list", "empty", "number", "numbered", "sparse", "nested"],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="wanted a"):
        read(tmp_path / "a.pth")


def test_a_view_that_claims_more_than_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1).expand(1 << 20, 1 << 20)}, path)
    with pytest.raises(CheckpointError, match=r"claim 4,398,046,511,104 bytes"):
        read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>403</html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"<style>{}</style>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS pointer"),
        (b"\x00\x01\x02 noise", "begins with"),
        (b"PK\x03\x04", "cut off or damaged"),
        (b"\x80", "not a plain state dict"),
    ],
)
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, content: bytes, reason: str, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=reason) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path / "a.pth", tmp_path):
        with pytest.raises(CheckpointError, match="no such file"):
            read(path)


def safetensors_header(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 1 << 40) + b"{}",
        struct.pack("<Q", 90 << 20) + b"{" + b" " * 100,
        safetensors_header(b"{not json"),
        safetensors_header(b'{"a": 3}'),
        safetensors_header(b'{"a": {"dtype": "F32", "shape": [1000000], "data_offsets": [0, 4000000]}}', b"0000"),
        safetensors_header(b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', b"0000"),
        safetensors_header(b'{"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}', b"0000"),
        safetensors_header(
            b'{"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}', b"0000"
        ),
    ],
)
def test_hostile_safetensors_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="safetensors file"):
        read(tmp_path / "a.safetensors")


def test_a_huge_header_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 64 << 20) + b"{")
        file.truncate((64 << 20) + 8)  # a sparse file: the header is all there is
    with pytest.raises(CheckpointError, match="its header claims 67,108,864 bytes"):
        read(path)


def _valid_files() -> dict[str, bytes]:
    zipped, old = io.BytesIO(), io.BytesIO()
    torch.save(TENSORS, zipped)
    torch.save(TENSORS, old, _use_new_zipfile_serialization=False)
    return {"zip": zipped.getvalue(), "old": old.getvalue(), "safetensors": save(TENSORS)}


VALID = _valid_files()


@settings(max_examples=120)
@given(
    kind=st.sampled_from(sorted(VALID)),
    cut=st.integers(0, 2000),
    flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=4),
)
def test_damaged_files_give_tensors_or_a_checkpoint_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, cut: int, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(VALID[kind])
    for place, value in flips:
        content[place % len(content)] = value
    path = tmp_path_factory.mktemp("damaged") / "a.pth"
    path.write_bytes(content[: len(content) - cut] if cut < len(content) else b"")
    try:
        found = read(path)
    except CheckpointError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(value, torch.Tensor) for value in found.values())


@pytest.mark.parametrize("kind", sorted(VALID))
def test_every_cut_is_noticed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.pth"
    for length in range(0, len(VALID[kind]), 41):
        path.write_bytes(VALID[kind][:length])
        with pytest.raises(CheckpointError):
            read(path)


def test_saving_keeps_weights_configuration_and_notes(tmp_path: Path) -> None:
    sam = random_sam(SMALL_VIT)
    path = tmp_path / "nano.safetensors"
    save_checkpoint(sam.state_dict(), SMALL_VIT, path, notes={"licence": "Apache-2.0"})
    checkpoint = read_checkpoint(path)
    assert checkpoint.metadata["licence"] == "Apache-2.0"
    assert json.loads(checkpoint.metadata[CONFIG_KEY]) == json.loads(json.dumps(SMALL_VIT.to_dict()))
    for name, value in sam.state_dict().items():
        assert checkpoint.tensors[name].equal(value.half())
    assert [entry.name for entry in tmp_path.iterdir()] == ["nano.safetensors"]


def test_saving_what_does_not_fit_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint({"a": torch.ones(1)}, SMALL_VIT, path)
    before = file_digest(path)
    with pytest.raises(CheckpointError, match="not finite"):
        save_checkpoint({"a": torch.tensor([1e6])}, SMALL_VIT, path)
    assert file_digest(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]
