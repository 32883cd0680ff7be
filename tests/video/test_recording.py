"""A video through a graph into files: whole or not there, however it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from clip_files import write_clip
from typer.testing import CliRunner

import sampipe as sp
from sampipe.cli.app import app
from sampipe.jobs import masks_of_row
from sampipe.models import default_cache
from sampipe.nodes import Boxes, Follow, Segment, Track
from sampipe.video import Recorded, Recording, Video, read_frames, record, through

BOX = Boxes(boxes=[[10, 10, 50, 40]], labels=["cup"])


@sp.register("recording_test")
class Fails(sp.Node):
    """Gives its masks on, but for some frames."""

    pure: ClassVar[bool] = False
    on: tuple[int, ...] = ()

    @sp.resource
    def seen(self) -> list[int]:
        return []

    def run(self, masks: sp.Masks) -> sp.Masks:
        self.seen.append(0)
        if len(self.seen) - 1 in self.on:
            raise sp.DataError("a bad frame")
        return masks


def boxed(model: str) -> sp.Graph:
    return BOX | Segment(model=model)


def recorded(clip: Path, graph: sp.Graph, out: Path, **how: object) -> Recorded:
    with Video(clip) as video:
        return record(graph, video, out, **how)  # type: ignore[arg-type]


def test_an_overlay_and_a_row_a_frame(short_clip: Path, tiny_model: str, tmp_path: Path) -> None:
    told: list[Recording] = []
    done = recorded(short_clip, BOX | Segment(model=tiny_model) | Track(), tmp_path, progress=told.append)
    assert (done.frames, done.failed, done.tracks, done.interrupted) == (12, 0, 1, False)
    assert [path.name for path in done.files] == ["cup.overlay.mp4", "cup.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cup.overlay.mp4", "cup.parquet"]
    assert [(one.done, one.total, one.objects) for one in told] == [(n, 12, 1) for n in range(1, 13)]
    rows = list(read_frames(tmp_path / "cup.parquet"))
    assert [row["frame"] for row in rows] == list(range(12))
    wanted = [one.result.masks for one in through(BOX | Segment(model=tiny_model), short_clip) if one.result]
    for row, masks in zip(rows, wanted, strict=True):
        read = masks_of_row(row)
        assert read.rle() == masks.rle() and read.prompts.labels == ("cup",)
    assert masks_of_row(rows[1]).prompts.track_ids.tolist() == [1]  # type: ignore[union-attr]
    overlay = list(Video(tmp_path / "cup.overlay.mp4"))
    assert len(overlay) == 12
    inside = wanted[3].binary()[0]
    drawn = told[3].overlay
    plain = list(Video(short_clip))[3].image.pixels.astype(int)
    assert drawn is not None and np.abs(drawn.pixels - plain)[inside].mean() > 20
    off = [np.abs(overlay[3].image.pixels - one)[inside].mean() for one in (drawn.pixels.astype(int), plain)]
    assert off[0] < 0.6 * off[1], "what was drawn is in the file, as well as a lossy one of 64 pixels can hold it"


def test_inputs_come_on_the_frame_that_they_are_for_and_it_starts_where_one_says(
    short_clip: Path, tiny_model: str
) -> None:
    late = sp.Prompts.from_boxes([[10, 10, 50, 40]]).replace(track_ids=np.array([4]))
    done = list(through(Follow(model=tiny_model), short_clip, given={5: {"prompts": late}}, start=3, frames=8))
    assert [one.frame.index for one in done] == [3, 4, 5, 6, 7]
    assert [len(one.result.masks) for one in done if one.result][:3] == [0, 0, 1]
    assert done[2].result is not None and done[2].result.masks.prompts.track_ids.tolist() == [4]


def test_a_frame_that_fails_is_a_row_with_its_reason(short_clip: Path, tiny_model: str, tmp_path: Path) -> None:
    done = recorded(short_clip, boxed(tiny_model) | Fails(on=(4,)), tmp_path)
    assert (done.frames, done.failed) == (12, 1)
    errors = {row["frame"]: row["error"] for row in read_frames(tmp_path / "cup.parquet") if row["error"]}
    assert list(errors) == [4] and "a bad frame" in errors[4]
    assert len(list(Video(tmp_path / "cup.overlay.mp4"))) == 12


def test_a_graph_that_fails_at_once_leaves_nothing(short_clip: Path, tiny_model: str, tmp_path: Path) -> None:
    with pytest.raises(sp.NodeError, match="a bad frame"):
        recorded(short_clip, boxed(tiny_model) | Fails(on=(0,)), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(sp.GraphError, match="wanted masks"):
        recorded(short_clip, BOX | Segment(model=tiny_model), tmp_path, save=("film",))


def test_a_file_cut_short_gives_what_is_in_it(tiny_model: str, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", 40, wh=(160, 120)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) - len(whole) // 10])
    done = recorded(tmp_path / "cut.mp4", boxed(tiny_model), tmp_path / "out")
    assert 5 < done.frames < 38 and done.breaks_off
    assert len(list(read_frames(tmp_path / "out" / "cut.parquet"))) == done.frames
    assert len(list(Video(tmp_path / "out" / "cut.overlay.mp4"))) == done.frames


def test_so_many_frames_and_only_the_rows(short_clip: Path, tiny_model: str, tmp_path: Path) -> None:
    done = recorded(short_clip, boxed(tiny_model), tmp_path, frames=3, save=("rows",))
    assert done.frames == 3 and [path.name for path in tmp_path.iterdir()] == ["cup.parquet"]


def test_memory_does_not_grow_with_the_frames(tiny_model: str, tmp_path: Path) -> None:
    """Frames of 854 x 480: what is held at the end is what was held after fifteen. Embeddings are not kept."""
    clip = write_clip(tmp_path / "long.mp4", 45, wh=(854, 480))
    held: list[int] = []
    before = default_cache().nbytes
    recorded(clip, boxed(tiny_model) | Track(), tmp_path / "out", progress=lambda _: held.append(_resident()))
    assert len(held) == 45
    assert max(held[15:]) - held[15] < 30 << 20, "a frame's pixels are 1.2 MB"
    assert default_cache().nbytes == before


def _resident() -> int:
    pages = Path("/proc/self/statm")
    if not pages.exists():
        pytest.skip("the resident size is read from /proc")
    return int(pages.read_text().split()[1]) * resource.getpagesize()


def test_ctrl_c_ends_the_files_where_they_are(tiny_model: str, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mp4", 400)
    words = ["video", str(clip), "--graph", "graph.yaml", "--out", "out", "--json"]
    (BOX | Segment(model=tiny_model)).to_yaml(tmp_path / "graph.yaml")
    job = subprocess.Popen(
        [sys.executable, "-m", "sampipe.cli", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert job.stdout is not None
    events = [json.loads(job.stdout.readline()) for _ in range(5)]
    assert events[0]["event"] == "frame" and list((tmp_path / "out").glob("long.*")) == []
    job.send_signal(signal.SIGINT)
    printed, said = job.communicate(timeout=60)
    assert job.returncode == 130, said
    assert "interrupted: the files hold what was done" in said
    end = json.loads(printed.splitlines()[-1])
    assert end["event"] == "end" and 5 <= end["frames"] < 400
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["long.overlay.mp4", "long.parquet"]
    assert len(list(read_frames(tmp_path / "out" / "long.parquet"))) == end["frames"]
    assert len(list(Video(tmp_path / "out" / "long.overlay.mp4"))) == end["frames"]


def test_the_command_follows_a_box_and_what_a_graph_finds(
    short_clip: Path, tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    words = ["video", str(short_clip), "--model", tiny_model, "--frames", "3"]
    followed = run(app, [*words, "--box", "10,10,50,40", "--out", "box"])
    assert followed.exit_code == 0, followed.output
    assert "in 3 frames" in followed.output and "box/cup.overlay.mp4" in followed.output
    (BOX | Segment(model=tiny_model)).to_yaml("graph.yaml")
    tracked = run(app, [*words, "--graph", "graph.yaml", "--out", "graph", "--save", "rows"])
    assert tracked.exit_code == 0 and "1 object, 3 masks in 3 frames" in tracked.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "nothing to look for"),
        (["--detector", "face", "--box", "1,1,9,9"], "--detector or --text and --box or --point"),
        (["--box", "1,1,9,9", "--confidence", "0.5"], "--confidence"),
        (["--box", "1,1,9,9", "--save", "film"], "overlay,rows"),
    ],
)
def test_the_command_says_what_it_wants(short_clip: Path, words: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["video", str(short_clip), *words])
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())


def test_no_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["video", str(tmp_path / "gone.mp4"), "--detector", "face"])
    assert done.exit_code == 1
    assert "no such file" in done.output and "Traceback" not in done.output
