"""Small images, and files that are none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image as Pillow


def write_images(folder: Path, count: int, *, seed: int = 0) -> list[str]:
    """``count`` different PNG files of 32 x 24 pixels; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    paths = [folder / f"{index:05}.png" for index in range(count)]
    for path in paths:
        Pillow.fromarray(rng.integers(1, 255, size=(24, 32, 3), dtype=np.uint8)).save(path)
    return [str(path) for path in paths]


def bad_files() -> dict[str, bytes]:
    """Files that are no image, or traps, by a word about them."""
    whole = io.BytesIO()
    Pillow.fromarray(np.arange(3000, dtype=np.uint16).astype(np.uint8).reshape(20, 50, 3)).save(whole, "PNG")
    return {
        "empty": b"",
        "one byte": b"\0",
        "text": b"no image\n" * 9,
        "a web page": b"<html><body>404</body></html>",
        "cut short": whole.getvalue()[: len(whole.getvalue()) // 2],
        "a bomb": png_header(20_000, 20_000),
    }


def png_header(width: int, height: int) -> bytes:
    """A small file whose header claims a large image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
