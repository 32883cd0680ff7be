"""Hostile files of weights; made when they are needed, kept nowhere."""

from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from sampipe.errors import CheckpointError
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.models import load_model

_CALLS: dict[str, tuple[Any, ...]] = {
    "system": (os.system, "touch '{}'"),
    "exec": (exec, "open({!r}, 'w').close()"),
    "eval": (eval, "open({!r}, 'w').close()"),
    "open": (open, "{}", "w"),
    "mkdir": (os.mkdir, "{}"),
    "import": (__import__, "antigravity"),
}


class _Call:
    """Unpickling it calls a function."""

    def __init__(self, function: Any, *arguments: str) -> None:
        self._called = (function, arguments)

    def __reduce__(self) -> Any:
        return self._called


def hostile_files(mark: Path) -> Iterator[tuple[str, bytes]]:
    """Files by a word about them; one that runs makes a file or folder ``mark``."""
    tensors = {"a": torch.ones(3)}
    for name, (function, *arguments) in _CALLS.items():
        call = _Call(function, *(text.format(str(mark)) for text in arguments))
        for protocol in range(6):
            yield f"pickle {protocol} that calls {name}", pickle.dumps(call, protocol)
        yield f"archive that calls {name}", _saved(call)
        yield f"old archive that calls {name}", _saved(call, zipped=False)
        yield f"state dict that calls {name}", _saved({"state_dict": {**tensors, "b": call}})
        yield f"key that calls {name}", _saved({"model": {**tensors, "b": [call]}})
    yield from _opcodes(mark)
    yield from _headers()
    yield from _shapes()
    whole = save(tensors)
    for length in range(0, len(whole), 9):
        yield f"safetensors cut at {length}", whole[:length]
    for name, content in {"empty": b"", "a page": b"<html>403</html>", "noise": bytes(range(256))}.items():
        yield name, content


def _saved(content: Any, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def _opcodes(mark: Path) -> Iterator[tuple[str, bytes]]:
    """Pickles written by hand: the ways to name and call a function, and streams that never end or take much."""
    touch = f"touch '{mark}'".encode()
    short = bytes([len(touch)])
    yield "opcodes GLOBAL and REDUCE", b"cposix\nsystem\n(S'" + touch.replace(b"'", b"\\'") + b"'\ntR."
    yield "opcode INST", b"(S'" + touch.replace(b"'", b"\\'") + b"'\niposix\nsystem\n."
    yield "opcode OBJ", b"(cposix\nsystem\nS'" + touch.replace(b"'", b"\\'") + b"'\no."
    yield "opcode STACK_GLOBAL", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c" + short + touch + b"\x85R."
    yield "opcode NEWOBJ", b"\x80\x02cposix\nsystem\nU" + short + touch + b"\x85\x81."
    yield "opcode BUILD", b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R}(X\x05\x00\x00\x00stateK\x01ub."
    yield "opcode EXT1", b"\x80\x02\x82\x01."
    yield "opcode PERSID", b"Pcode\n."
    yield "a long of 2 GB", b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01."
    yield "bytes of an exabyte", b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"a."
    yield "nested 100,000 deep", b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."
    yield "memo at 2^31", b"\x80\x02]r" + struct.pack("<I", 2**31) + b"."
    yield "a pickle without an end", b"\x80\x02" + b"]" * 4096


def _headers() -> Iterator[tuple[str, bytes]]:
    """Headers that claim more than there is, or another kind of archive."""
    for claimed in (1 << 24, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
        yield f"header of {claimed} bytes", struct.pack("<Q", claimed) + b"{" + b" " * 64
    for text in (b"{not json", b'{"a": 3}', b"{}" * 9, b'{"a":' * 5000):
        yield f"header {text[:9].decode()}", struct.pack("<Q", len(text)) + text
    compressed = io.BytesIO()
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(1 << 20))
    yield "a compressed archive", compressed.getvalue()
    program = io.BytesIO()
    with zipfile.ZipFile(program, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/constants.pkl", b"\x80\x02}.")
    yield "a program", program.getvalue()
    yield "archive without tensors", _saved({"a": torch.ones(3)})[:-40]


def _shapes() -> Iterator[tuple[str, bytes]]:
    """Tensors of shapes, offsets and values that no model has."""
    for shape, offsets in (
        ("[4294967296, 4294967296]", "[0, 0]"),
        ("[2]", "[0, 4]"),
        ("[-1]", "[0, 4]"),
        ("[1]", "[0, 4000000]"),
        ("[1]", "[4, 0]"),
    ):
        text = f'{{"a": {{"dtype": "F32", "shape": {shape}, "data_offsets": {offsets}}}}}'.encode()
        yield f"shape {shape} at {offsets}", struct.pack("<Q", len(text)) + text + b"0000"
    yield "a view of four terabytes", _saved({"a": torch.zeros(1).expand(1 << 20, 1 << 20)})
    yield "numbered tensors", _saved({1: torch.zeros(3)})
    yield "no model", save({"a": torch.ones(3)})
    names = ("image_encoder.patch_embed.proj.weight", "mask_decoder.mask_tokens.weight")
    yield "parts of a model", save({name: torch.ones(3) for name in names})
    yield "a pickled network", _saved(torch.nn.Linear(2, 2))


def hostile_checkpoints(size: Size, folder: Path) -> Outcome:
    """Each is loaded as a model: refused with a CheckpointError that names the file, and nothing runs."""
    mark = folder / "it ran"
    tried = accepted = ran = 0
    others: list[str] = []
    for name, content in hostile_files(mark):
        for suffix in (".pth", ".safetensors"):
            file = folder / f"weights{suffix}"
            file.write_bytes(content)
            tried += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # torch says which protocol it found
                    load_model(str(file), "cpu")
                accepted += 1
            except CheckpointError as error:
                if str(file) not in str(error):
                    others.append(f"{name}: unnamed")
            except Exception as error:  # a promise broken, and the rest shall still be tried
                others.append(f"{name}: {type(error).__name__}")
            if mark.exists():
                ran += 1
                mark.rmdir() if mark.is_dir() else mark.unlink()
    figures = f"{tried} files: {accepted} accepted, {ran} ran something, {len(others)} other errors"
    return Outcome(not (accepted or ran or others), figures + (f" ({'; '.join(others[:3])})" if others else ""))
