"""Files that are no pictures, or pictures that are traps: an error that names the file, soon and small."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL.Image as Pillow
import pytest

from sampipe.errors import DataError
from sampipe.types import Image

KINDS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF"]


def photo(kind: str) -> bytes:
    ramp = np.add.outer(np.arange(40), 2 * np.arange(50)).astype(np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(np.dstack([ramp, ramp.T[:40, :1] + ramp, 255 - ramp])).save(buffer, kind)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(100)


def gif_header(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\xf0\x00\x00" + bytes(6) + frame


def tiff_header(width: int, height: int) -> bytes:
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height),
    ]  # fmt: skip
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)


def ppm_header(width: int, height: int) -> bytes:
    return b"P6 %d %d 255\n" % (width, height) + bytes(100)


HEADERS = [png_header, bmp_header, gif_header, tiff_header, ppm_header]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\x00", "is not an image"),
        (b"just some text\n" * 20, "is not an image"),
        (b"<html><body>404</body></html>", "is not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not an image"),  # would start Ghostscript
        (b"\x89PNG\r\n\x1a\n", "cannot decode"),
        (b"\xff\xd8\xff\xe0", "cannot decode"),
        (b"GIF89a", "cannot decode"),
        (b"P", "is not an image"),
    ],
)
def test_what_is_not_a_picture_names_the_file(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"holiday\.jpg.*{reason}|{reason}.*holiday\.jpg"):
        Image.open(path)


def test_missing_files_and_folders_name_themselves(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png: No such file"):
        Image.open(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"is a folder; graph\.map"):
        Image.open(tmp_path)
    with pytest.raises(DataError, match="null"):
        Image.open("a\0b.png")


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_cut_short_are_errors(kind: str) -> None:
    whole = photo(kind)
    assert Image.from_bytes(whole).hw == (40, 50)
    for part in (0.02, 0.2, 0.5, 0.8):
        with pytest.raises(DataError, match=r"cut\.img"):
            Image.from_bytes(whole[: max(1, int(part * len(whole)))], source="cut.img")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")  # damaged metadata is worth a warning of Pillow's, not an error
def test_flipped_bytes_are_a_picture_or_a_data_error(kind: str) -> None:
    whole = np.frombuffer(photo(kind), np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = whole.copy()
        where = rng.integers(0, min(len(whole), 400), 3)
        damaged[where] = rng.integers(0, 256, 3)
        try:
            image = Image.from_bytes(damaged.tobytes(), source="damaged", max_pixels=10**6)
        except DataError as error:
            assert "damaged" in str(error)
        else:
            assert image.height * image.width <= 10**6


@pytest.mark.parametrize("header", HEADERS)
def test_the_limit_is_checked_before_decoding(header: object) -> None:
    with pytest.raises(DataError, match=r"bomb has 20000 x 20000 pixels, more than the limit of 200000000"):
        Image.from_bytes(header(20_000, 20_000), source="bomb")  # type: ignore[operator]


def test_the_limit_is_an_argument(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(photo("PNG"))
    with pytest.raises(DataError, match=r"photo\.png has 50 x 40 pixels, more than the limit of 1999"):
        Image.open(path, max_pixels=1999)
    assert Image.open(path, max_pixels=2000).hw == (40, 50)


def test_pillows_own_limit_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 10)
    assert Image.from_bytes(photo("PNG")).hw == (40, 50)


def test_a_bomb_takes_less_than_a_second_and_200_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(20_000, 20_000))
    program = f"""
import resource, time
from sampipe.types import Image
from sampipe.errors import DataError
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
try:
    Image.open({str(path)!r})
except DataError as error:
    assert "bomb.png" in str(error)
else:
    raise SystemExit("decoded")
seconds = time.perf_counter() - start
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert seconds < 1 and kilobytes < 50_000, (seconds, kilobytes)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
