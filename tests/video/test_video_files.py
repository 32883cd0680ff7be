"""Frames out of files, cameras and streams, and into files."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clip_files import write_clip

import sampipe as sp
from sampipe.video import Video, VideoWriter
from sampipe.video.newest import Newest

TEST_CARD = "testsrc=size=64x48:rate=50"  # FFmpeg's own device: as live as a camera, and always there


def test_what_is_written_is_read(short_clip: Path) -> None:
    with Video(short_clip) as video:
        assert (video.fps, video.count, video.name, video.live) == (10, 12, "cup", False)
        frames = list(video)
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(12) / 10, atol=1e-3)
    photo = sp.Image.open("sample:coffee").to_pil().resize((64, 48))
    for number in (0, 11):
        wanted = np.asarray(photo, float) // 2 + 3 * number
        assert np.abs(frames[number].image.pixels - wanted.clip(0, 255)).mean() < 6  # lossy


def test_odd_sides_and_times_of_their_own(tmp_path: Path) -> None:
    grey = sp.Image.from_array(np.full((31, 45, 3), 90, np.uint8))
    with VideoWriter(tmp_path / "odd.mp4", fps=30) as writer:
        for seconds in (0.0, 0.5, 0.5, 2.0):
            writer.add(grey, seconds)
    frames = list(Video(tmp_path / "odd.mp4"))
    np.testing.assert_allclose([frame.seconds for frame in frames], [0, 0.5, 0.5, 2], atol=1e-3)
    assert frames[0].image.hw == (32, 46)


def test_a_clip_of_another_format(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for grey in (10, 200):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32, 3), grey, np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    means = [frame.image.pixels.mean() for frame in Video(tmp_path / "clip.mkv")]
    np.testing.assert_allclose(means, [10, 200], atol=2)


def test_a_sample_is_a_clip() -> None:
    with Video("sample:coffee") as video:
        frames = list(video)
    assert len(frames) == video.count == 36
    assert frames[0].image.hw == (320, 480) and frames[0].image.key != frames[9].image.key
    photo = sp.Image.open("sample:coffee").pixels
    assert (frames[0].image.pixels == photo[40:360, 120:600]).all()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.mp4", None, "no such file"),
        ("text.mp4", b"not a video\n" * 50, "not a video that can be read"),
        ("half.mp4", "half", "not a video that can be read|no frame of it can be decoded"),
    ],
)
def test_what_is_no_video_says_so(tmp_path: Path, short_clip: Path, name: str, content: object, says: str) -> None:
    if content == "half":
        content = short_clip.read_bytes()[: short_clip.stat().st_size // 8]
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(sp.DataError, match=says):
        list(Video(tmp_path / name))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(sp.DataError, match="no video in it"):
        Video(tmp_path / "sound.wav")


def test_a_file_cut_short_is_noticed(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", 40, wh=(160, 120)).read_bytes()
    start = whole.index(b"mdat") + 8  # after the index: it was moved to the front
    (tmp_path / "cut.mp4").write_bytes(whole[: start + (len(whole) - start) * 9 // 10])
    with Video(tmp_path / "cut.mp4") as video:
        got = len(list(video))
    assert 5 < got < 38
    assert video.breaks_off == f"its header says 4.00 s, its frames end at {got / 10:.2f} s"


def test_a_live_source_gives_the_newest_frame() -> None:
    with Video(TEST_CARD, format="lavfi", live=True) as camera:
        assert camera.live and camera.count is None
        frames = iter(camera)
        first = next(frames)
        time.sleep(0.3)
        later = next(frames)
        frames.close()  # type: ignore[attr-defined]
    assert first.image.hw == (48, 64)
    assert camera.dropped > 0 and later.index > first.index + 1


def test_a_source_that_fails_says_so_where_it_is_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        time.sleep(0.05)
        raise sp.DataError("the cable was pulled")

    got = []
    with pytest.raises(sp.DataError, match="cable"), Newest(items()) as newest:
        for item in newest:
            got.append(item)
    assert got == [1]


SENDER = """
import sys, time
from fractions import Fraction
import av, numpy as np

while True:
    try:
        container = av.open(sys.argv[1], "w", format="rtsp", options={"rtsp_transport": "tcp"})
        stream = container.add_stream("mpeg4", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
        break
    except av.FFmpegError:  # nobody listens yet
        time.sleep(0.1)
frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 120, np.uint8), format="rgb24").reformat(format="yuv420p")
while True:
    frame.pts = None
    container.mux(stream.encode(frame))
    time.sleep(0.03)
"""


def test_a_stream_comes_over_rtsp() -> None:
    """FFmpeg waits here as a recorder does; another process announces a stream and sends it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"rtsp://127.0.0.1:{free.getsockname()[1]}/live"
    sender = subprocess.Popen([sys.executable, "-c", SENDER, address], stderr=subprocess.DEVNULL)
    try:
        with Video(address, options={"rtsp_flags": "listen", "listen_timeout": "30"}) as stream:
            assert stream.live and stream.name == "live"
            frames = iter(stream)
            got = [next(frames) for _ in range(3)]
            frames.close()  # type: ignore[attr-defined]
    finally:
        sender.kill()
        sender.wait()
    assert [frame.image.hw for frame in got] == [(48, 64)] * 3
    assert got[0].index < got[1].index < got[2].index
    assert np.abs(got[2].image.pixels.astype(int) - 120).mean() < 5


def test_cameras_are_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    from sampipe.video import reading

    for platform, device in (
        ("linux", ("/dev/video0", "v4l2")),
        ("darwin", ("0", "avfoundation")),
        ("win32", ("video=0", "dshow")),
    ):
        monkeypatch.setattr(reading.sys, "platform", platform)
        assert reading._camera("0") == device
    monkeypatch.undo()
    with pytest.raises(sp.DataError, match=r"camera:77: not a video that can be read"):
        Video("camera:77")
