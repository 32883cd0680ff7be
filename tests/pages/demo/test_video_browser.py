"""The Video tab in a real browser: objects are clicked on frames, followed, mended and taken home."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from browsing import tab
from moving import Scene, box_of, clip, cut_out, iou, line
from PIL import Image as Pillow

from sampipe.types import RLE
from sampipe.video import VideoWriter

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them

HW, FRAMES, CUP, FACE = (180, 320), 8, 0, 1
THINGS = (
    cut_out("cup", "coffee", (150, 30, 430, 330), line((160, 20), (140, 10)), step=4),
    cut_out("face", "astronaut", (165, 40, 285, 200), line((6, 20), (50, 40)), step=2),
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(clip(THINGS, FRAMES, HW))


@pytest.fixture
def opened(page: Any, scenes: list[Scene], tmp_path: Path) -> Iterator[Any]:
    """The tab with the clip on it."""
    with VideoWriter(tmp_path / "things.mp4", fps=10) as writer:
        for scene in scenes:
            writer.add(scene.image)
    tab(page, "Video")
    page.set_input_files('input[aria-label="Clip file"]', tmp_path / "things.mp4")
    page.wait_for_selector(".sp-clip-said:has-text('things: 8 frames of 320 × 180')")  # noqa: RUF001
    return page


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """A pixel of the frame on the screen."""
    box = page.locator(".sp-clip .sp-canvas").bounding_box()
    return box["x"] + (x + 0.5) / HW[1] * box["width"], box["y"] + (y + 0.5) / HW[0] * box["height"]


def marked(page: Any) -> None:
    """The newest mark is answered."""
    page.wait_for_function(
        "(() => { const one = sampipe.clip, marks = one.marks(one.state.selected);"
        " return marks && one.answers.get(marks.version) && one.answers.get(marks.version) !== marks.mask; })()"
    )


def mask(page: Any, number: int, frame: int) -> np.ndarray | None:
    found = page.evaluate(f"sampipe.clip.mask({number}, {frame})")
    return None if found is None else RLE.from_coco(found).decode()


def middle(mask: np.ndarray) -> tuple[float, float]:
    ys, xs = np.nonzero(mask)
    return float(xs.mean()), float(ys.mean())


def follow(page: Any, label: str) -> str:
    page.click(f".sp-clip-follow:has-text('{label}')")
    page.wait_for_selector(".sp-clip-said:has-text('followed from frame')")
    return str(page.inner_text(".sp-work .sp-clip-said"))


def download(page: Any, kind: str) -> bytes:
    with page.expect_download() as waiting:
        page.click(f'[data-clip-kind="{kind}"]')
    return Path(waiting.value.path()).read_bytes()


def test_an_object_is_clicked_followed_mended_on_a_later_frame_and_taken_home(
    opened: Any, scenes: list[Scene], shoot: Callable[[Any, str], None]
) -> None:
    page = opened
    page.mouse.click(*at(page, *middle(scenes[0].masks[CUP])))
    marked(page)
    assert iou(mask(page, 1, 0), scenes[0].masks[CUP]) > 0.6
    assert "followed from frame 1 to 8" in follow(page, "Follow from frame 1")
    for number in range(FRAMES):
        assert iou(mask(page, 1, number), scenes[number].masks[CUP]) > 0.6, number

    page.fill('.sp-clip [aria-label="Name of object 1"]', "thing")
    page.focus('.sp-clip [aria-label="Frame"]')
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(".sp-clip-at:has-text('6 / 8')")
    early = mask(page, 1, 3)
    x0, y0, x1, y1 = box_of(scenes[5].masks[FACE])  # object 1 is still selected: what it is from here on is the face
    page.mouse.move(*at(page, x0, y0))
    page.mouse.down()
    page.mouse.move(*at(page, x1, y1), steps=4)
    page.mouse.up()
    marked(page)
    page.wait_for_selector(".sp-clip-follow:has-text('Follow from frame 6')")
    assert "followed from frame 6 to 8" in follow(page, "Follow from frame 6")
    for number in (5, 6, 7):
        assert iou(mask(page, 1, number), scenes[number].masks[FACE]) > 0.6, number
    assert (mask(page, 1, 3) == early).all(), "the frames before it stay as they were"
    shoot(page, "demo-video-mended-1280-light")

    found = json.loads(download(page, "coco"))
    assert [one["file_name"] for one in found["images"]] == [f"things.{n:06d}.png" for n in range(FRAMES)]
    assert {one["track_id"] for one in found["annotations"]} == {1}
    assert [one["name"] for one in found["categories"]] == ["thing"]
    with zipfile.ZipFile(io.BytesIO(download(page, "labels"))) as archive:
        labels = np.asarray(Pillow.open(io.BytesIO(archive.read("things.000003.labels.png"))))
    assert ((labels == 1) == early).all()
    rows = pq.read_table(io.BytesIO(download(page, "rows"))).to_pylist()
    assert [row["masks"][0]["track_id"] for row in rows] == [1] * FRAMES
    with av.open(io.BytesIO(download(page, "film"))) as film:
        drawn = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(drawn) == FRAMES
    assert np.abs(drawn[3].astype(int) - scenes[3].image.pixels)[early].mean() > 15

    page.reload()
    tab(page, "Video")
    page.wait_for_selector(".sp-clip .sp-objects li")
    assert page.input_value('.sp-clip [aria-label="Name of object 1"]') == "thing", "a reload loses nothing"
    assert (mask(page, 1, 3) == early).all()


def test_a_detector_finds_objects_beside_those_of_a_hand_and_a_stopped_run_keeps_its_frames(page: Any) -> None:
    tab(page, "Video")
    page.click("[data-clip-sample=astronaut]")
    page.wait_for_selector(".sp-clip-said:has-text('36 frames of 408 × 408')")  # noqa: RUF001
    page.wait_for_selector(".sp-clip-detector option[value=face]", state="attached")
    page.select_option(".sp-clip-detector", "face")
    page.click(".sp-clip-follow:has-text('Detect and follow')")
    page.wait_for_function("Object.keys(sampipe.clip.state.found).length > 1")
    page.click('.sp-clip [data-do="cancel"]')
    page.wait_for_selector(".sp-clip-said:has-text('Stopped; what was done is kept: 1 object')")
    done = page.evaluate("Object.keys(sampipe.clip.state.found).length")
    assert 2 <= done < 36
    assert page.input_value(".sp-clip .sp-objects li input") == "face"
    page.wait_for_selector(f".sp-clip-follow:has-text('Follow from frame {done + 1}')")
    page.click('.sp-clip [data-do="undo"]')
    page.wait_for_selector(".sp-clip .sp-objects li", state="detached")
    page.click('.sp-clip [data-do="play"]')
    page.wait_for_function("sampipe.clip.at > 2")
    page.click('.sp-clip [data-do="play"]')
    page.click(".sp-clip-other")
    page.click(".sp-clip-keep")
    page.wait_for_selector(".sp-clip .sp-stage", state="visible")
