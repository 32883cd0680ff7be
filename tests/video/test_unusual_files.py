"""Files as phones, screen recorders and streams make them: turned, mirrored, of uneven times and changing sizes."""

from __future__ import annotations

import itertools
import shutil
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import sampipe as sp
from sampipe.video import Recording, Video, VideoWriter, read_frames, record

BLOCKS = np.kron(np.random.default_rng(0).integers(0, 2, (3, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8) * 255
ONE = 1 << 16
MATRICES = [
    (ONE * x, 0, 0, ONE * y) if straight else (0, ONE * x, ONE * y, 0)
    for x, y, straight in itertools.product((1, -1), (1, -1), (True, False))
]


@sp.register("unusual_files_test")
class LeftHalf(sp.Node):
    """A mask on the left half of whatever comes."""

    def run(self, image: sp.Image) -> sp.Masks:
        mask = np.zeros((1, *image.hw), bool)
        mask[..., : image.width // 2] = True
        return sp.Masks.from_binary(mask)


def encode(path: Path, pixels: list[np.ndarray], times: list[int] | None = None, **how: str) -> Path:
    """H.264, milliseconds."""
    with av.open(str(path), "w", **how) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width = pixels[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for at, one in zip(times or range(0, 100 * len(pixels), 100), pixels, strict=True):
            frame = av.VideoFrame.from_ndarray(one, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def grey(hw: tuple[int, int], count: int) -> list[np.ndarray]:
    return [np.full((*hw, 3), 20 * number, np.uint8) for number in range(count)]


@pytest.mark.parametrize("matrix", MATRICES)
def test_frames_are_turned_and_mirrored_as_ffmpeg_does(matrix: tuple[int, ...], tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("the ffmpeg program is not installed")
    data = bytearray(encode(tmp_path / "plain.mp4", [BLOCKS] * 2).read_bytes())
    a, b, c, d = matrix
    place = data.index(b"tkhd") + 44
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(data)
    words = ["ffmpeg", "-v", "error", "-i", tmp_path / "turned.mp4", "-frames:v", "1"]
    theirs = subprocess.run([*words, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    with Video(tmp_path / "turned.mp4") as video:
        ours = next(iter(video)).image.pixels
    assert ours.shape == ((48, 64, 3) if a else (64, 48, 3))
    assert np.abs(np.frombuffer(theirs.stdout, np.uint8).reshape(ours.shape).astype(int) - ours).mean() < 2


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_frames_at_uneven_times_are_a_whole_file(suffix: str, tmp_path: Path) -> None:
    times = [0, 100, 150, 2000, 2030, 7000, 7100, 9050]
    with Video(encode(tmp_path / f"uneven.{suffix}", grey((48, 64), 8), times)) as video:
        frames = list(video)
    assert (len(frames), video.breaks_off) == (8, None)
    np.testing.assert_allclose([frame.seconds for frame in frames], np.array(times) / 1000, atol=2e-3)


def test_a_matroska_file_cut_short_is_noticed(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), dtype=np.uint8)
    whole = encode(tmp_path / "whole.mkv", list(noise)).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    with Video(tmp_path / "cut.mkv") as video:
        assert 5 < len(list(video)) < 38
    assert video.breaks_off


def test_a_stream_that_changes_its_size_is_recorded_to_its_end(tmp_path: Path) -> None:
    parts = [encode(tmp_path / f"{hw[0]}.ts", grey(hw, 3), format="mpegts") for hw in ((48, 64), (64, 96))]
    (tmp_path / "clip.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with Video(tmp_path / "clip.ts") as video:
        done = record(LeftHalf(), video, tmp_path / "out")
    assert (done.frames, done.failed, done.resized, done.breaks_off) == (6, 0, 3, None)
    rows = list(read_frames(tmp_path / "out" / "clip.parquet"))
    assert [(row["height"], row["width"]) for row in rows] == [(48, 64)] * 3 + [(64, 96)] * 3
    assert {frame.image.hw for frame in Video(tmp_path / "out" / "clip.overlay.mp4")} == {(48, 64)}


def test_an_image_of_another_size_is_fitted_with_black_around_it(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        for hw in ((48, 64), (96, 64)):
            writer.add(sp.Image.from_array(np.full((*hw, 3), 200, np.uint8)))
    last = list(Video(tmp_path / "a.mp4"))[1].image.pixels
    assert last[:, :14].max() < 40 and last[:, 50:].max() < 40 and last[:, 20:44].min() > 160


def test_an_error_in_the_middle_keeps_what_was_done(tmp_path: Path) -> None:
    def fail(now: Recording) -> None:
        if now.done == 4:
            raise OSError("the disk went away")

    with Video(encode(tmp_path / "clip.mp4", grey((48, 64), 8))) as video:
        done = record(LeftHalf(), video, tmp_path / "out", progress=fail)
    assert (done.frames, done.breaks_off) == (4, "OSError: the disk went away")
    assert len(list(read_frames(tmp_path / "out" / "clip.parquet"))) == 4
    assert len(list(Video(tmp_path / "out" / "clip.overlay.mp4"))) == 4


@pytest.mark.parametrize("name", ["what?.mp4", "a b.mp4", "50%.mp4", "#1.mp4", "über.v2.mp4", "猫.mp4"])
def test_outputs_are_named_after_the_file_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    with Video(encode(tmp_path / name, grey((48, 64), 1))) as video:
        done = record(LeftHalf(), video, tmp_path / "out")
    stem = Path(name).stem
    assert [file.name for file in done.files] == [f"{stem}.overlay.mp4", f"{stem}.parquet"]
    assert all(file.is_file() for file in done.files)
