"""The canvas of the Graph tab in a real browser, by real mouse drags and keys."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from browsing import counted, soon, tab
from PIL import Image as Pillow

from sampipe.graph import Graph

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them

BROKEN = """sampipe: 1
inputs: {image: Image}
nodes:
  boxes: {type: sampipe.Boxes@1, params: {boxes: [[10, 10, 200, 200]]}, inputs: {image: $image}}
  segment: {type: sampipe.Segment@1, params: {modle: nano}, inputs: {image: $image, prompts: boxes.prompts}}
  unknown: {type: sampipe.Segmint@1, inputs: {masks: segment.masks}}
outputs: {masks: unknown.masks}
layout: {$image: [0, 0], boxes: [260, 0], segment: [520, 10], unknown: [800, 77]}
"""


def middle(page: Any, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def port(node: str, side: str, name: str) -> str:
    return f'.sp-port[data-node="{node}"][data-side="{side}"][data-port="{name}"] i'


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def ground(page: Any, x: float, y: float) -> tuple[float, float]:
    """A place of the ground, as a share of it."""
    box = page.locator(".sp-ground").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def graph(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("sampipe.graph.model.graph")
    return found


def ran(page: Any) -> str:
    """What the canvas says when a run has ended."""
    page.wait_for_function("!sampipe.graph.running && document.querySelector('.sp-graph-status').textContent")
    said: str = page.inner_text(".sp-graph-status")
    return said


class Film:
    """What happens on the canvas, mouse included; an animated WebP, where somebody wants to keep it."""

    CURSOR = """() => {
      const arrow = document.createElement("div");
      arrow.innerHTML = '<svg width="24" height="24" viewBox="0 0 24 24"><path d="M3 2v17l4.500-4.200 3 6.700 3-1.300-3-6.500h6.300z" stroke="#fff" stroke-width="1.500"/></svg>';
      Object.assign(arrow.style, { position: "fixed", left: 0, top: 0, zIndex: 999, pointerEvents: "none" });
      document.body.append(arrow);
      addEventListener("pointermove", ({ clientX, clientY }) => { arrow.style.transform = `translate(${clientX}px, ${clientY}px)`; }, true);
    }"""  # noqa: E501

    def __init__(self, page: Any, wanted: bool) -> None:
        self.page, self.wanted = page, wanted
        self.box = page.locator("#graph").bounding_box()
        self.box.update(y=self.box["y"] - 10, height=self.box["height"] + 10)  # not flush with the buttons
        self.frames: list[Pillow.Image] = []
        self.times: list[int] = []
        page.evaluate(self.CURSOR)
        self.shoot(900)

    def shoot(self, milliseconds: int = 90) -> None:
        """A frame that is shown for so long."""
        if not self.wanted:
            return
        now = Pillow.open(io.BytesIO(self.page.screenshot(type="png", clip=self.box))).convert("RGB")
        self.frames.append(now.resize((960, now.height * 960 // now.width), Pillow.Resampling.LANCZOS))
        self.times.append(milliseconds)

    def click(self, selector: str) -> None:
        """Move to a thing, press it, and show what comes of it."""
        self.page.mouse.move(*middle(self.page, selector))
        self.shoot(450)
        self.page.click(selector)
        self.shoot(900)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A drag, frame by frame."""
        self.page.mouse.move(*start)
        self.shoot(450)
        self.page.mouse.down()
        for step in range(1, 7):
            self.page.mouse.move(*(one + (other - one) * step / 6 for one, other in zip(start, end, strict=True)))
            self.shoot()
        self.page.mouse.up()
        self.shoot(1100)

    def save(self, path: Path) -> None:
        self.shoot(3500)
        self.frames[0].save(
            path, save_all=True, append_images=self.frames[1:], duration=self.times, loop=0, quality=70, method=4
        )


def test_a_detector_segment_and_annotate_in_nine_interactions(canvas: Any, kept: Path | None) -> None:
    page, film = canvas, Film(canvas, kept is not None)
    film.drag(middle(page, '.sp-item[data-type="skimage.FaceDetector@1"]'), ground(page, 0.29, 0.06))  # 1
    film.click("[data-graph-sample=astronaut]")  # 2: the image's node came with the detector
    page.wait_for_selector(".sp-given img.sp-node-image")
    film.shoot(900)
    film.drag(middle(page, port("face_detector", "out", "prompts")), ground(page, 0.58, 0.25))  # 3
    page.wait_for_selector(".sp-popup li")
    offered = page.locator(".sp-popup li").all_inner_texts()
    assert any("Segment" in one for one in offered)
    assert not any("FaceDetector" in one or "LargestMasks" in one for one in offered), "only what fits is offered"
    film.click('.sp-popup li[data-type="sampipe.Segment@1"]')  # 4
    film.drag(middle(page, port("segment", "out", "masks")), ground(page, 0.76, 0.52))  # 5
    film.click('.sp-popup li[data-type="sampipe.Annotate@1"]')  # 6
    soon(
        page, lambda: graph(page)["nodes"]["segment"]["inputs"], {"image": "$image", "prompts": "face_detector.prompts"}
    )
    soon(page, lambda: graph(page)["nodes"]["annotate"]["inputs"], {"image": "$image", "masks": "segment.masks"})
    film.click('[data-do="run"]')  # 7
    assert ran(page).startswith("Done in"), page.inner_text(".sp-graph-status")
    for name in ("face_detector", "segment", "annotate"):
        counted(page, f".sp-node[data-node={name}] img", 1)
        page.wait_for_selector(f".sp-node[data-node={name}] .sp-node-said:has-text(' s · '):has-text('cache hit')")
    film.shoot(1500)
    film.click('[data-do="arrange"]')  # 8
    if kept is not None:
        film.save(kept / "canvas.webp")
        assert (kept / "canvas.webp").stat().st_size < 3_000_000

    page.click(".sp-node[data-node=annotate] summary")
    page.fill(".sp-node[data-node=annotate] [name=opacity]", "0.9")
    page.keyboard.press("Tab")
    counted(page, ".sp-node.is-stale", 1)  # only what is downstream of the change is out of date
    page.click('[data-do="run"]')
    page.wait_for_function("document.querySelector('.sp-graph-status').textContent.includes('1 ran, 2 kept')")
    counted(page, ".sp-node.is-stale", 0)

    page.click('[data-do="save"]')
    page.wait_for_selector(".sp-files-dialog")
    assert "opacity: 0.9" in page.input_value('textarea[aria-label="graph.yaml"]'), "what ran is what is saved"
    assert "Annotate(opacity=0.9)" in page.input_value('textarea[aria-label="graph.py"]')
    page.keyboard.press("Escape")

    page.click(".sp-node[data-node=segment] .sp-to-image")
    page.wait_for_selector(".sp-objects li")
    counted(page, ".sp-objects li", 1)
    assert page.input_value(".sp-objects li input[type=text]") == "face"


def test_wires_are_dragged_refused_taken_off_and_undone(canvas: Any) -> None:
    page = canvas
    for x, type_id in ((0.1, "sampipe.PointGrid@1"), (0.45, "sampipe.Segment@1"), (0.75, "sampipe.LargestMasks@1")):
        page.fill(".sp-palette input", type_id.split(".")[1].split("@")[0])
        drag(page, middle(page, f'.sp-item[data-type="{type_id}"]'), ground(page, x, 0.5))
    drag(page, middle(page, port("point_grid", "out", "prompts")), middle(page, port("segment", "in", "prompts")))
    soon(page, lambda: graph(page)["nodes"]["segment"]["inputs"]["prompts"], "point_grid.prompts")
    drag(page, middle(page, port("point_grid", "out", "prompts")), middle(page, port("largest_masks", "in", "masks")))
    page.wait_for_selector(".sp-graph-status:has-text('gives Prompts; largest_masks.masks takes Masks')")
    soon(page, lambda: graph(page)["nodes"]["largest_masks"]["inputs"], {})
    drag(
        page, middle(page, port("segment", "out", "masks")), middle(page, '.sp-node[data-node="largest_masks"] header')
    )
    soon(
        page, lambda: graph(page)["nodes"]["largest_masks"]["inputs"], {"masks": "segment.masks"}
    )  # a node takes it where it fits
    drag(page, middle(page, port("segment", "in", "prompts")), ground(page, 0.4, 0.92))
    soon(page, lambda: "prompts" in graph(page)["nodes"]["segment"]["inputs"], False)  # a wire is taken off by its end
    page.click('[data-do="undo"]')
    soon(page, lambda: graph(page)["nodes"]["segment"]["inputs"]["prompts"], "point_grid.prompts")
    page.click('[data-do="redo"]')
    soon(page, lambda: "prompts" in graph(page)["nodes"]["segment"]["inputs"], False)
    before = graph(page)["layout"]["segment"]
    start = middle(page, ".sp-node[data-node=segment] header span")
    drag(page, start, (start[0] + 40, start[1] - 60))
    moved = graph(page)["layout"]["segment"]
    assert moved[0] > before[0] + 20
    assert moved[1] < before[1] - 30
    page.wait_for_selector('.sp-node[data-node=segment][data-state="open"]')  # nothing feeds its prompts


def test_everything_by_keyboard(canvas: Any) -> None:
    page = canvas
    page.focus(".sp-ground")
    page.keyboard.press("/")
    page.keyboard.type("point grid")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    soon(page, lambda: list(graph(page)["nodes"]), ["point_grid"])
    page.keyboard.press("/")
    page.keyboard.type("segment")
    page.keyboard.press("Enter")
    soon(page, lambda: list(graph(page)["nodes"]), ["point_grid", "segment"])
    page.focus('.sp-port[data-node="point_grid"][data-side="out"]')
    page.keyboard.press("Enter")
    page.focus('.sp-port[data-node="segment"][data-port="prompts"]')
    page.keyboard.press("Enter")
    soon(page, lambda: graph(page)["nodes"]["segment"]["inputs"]["prompts"], "point_grid.prompts")
    page.focus(".sp-ground")
    page.keyboard.press("Control+d")
    wired = graph(page)["nodes"]["segment"]["inputs"]
    soon(page, lambda: graph(page)["nodes"].get("segment_2", {}).get("inputs"), wired)
    page.keyboard.press("Delete")
    soon(page, lambda: "segment_2" in graph(page)["nodes"], False)
    page.keyboard.press("Control+z")
    soon(page, lambda: "segment_2" in graph(page)["nodes"], True)
    page.keyboard.press("Control+y")
    soon(page, lambda: "segment_2" in graph(page)["nodes"], False)


def test_a_broken_file_is_shown_and_what_can_run_runs(canvas: Any, tmp_path: Path) -> None:
    page = canvas
    page.set_input_files(
        'input[aria-label="Graph file"]', {"name": "broken.yaml", "mimeType": "text/yaml", "buffer": BROKEN.encode()}
    )
    page.wait_for_selector('.sp-node[data-node="unknown"][data-state="failed"]')
    page.wait_for_selector('[data-node="unknown"] .sp-node-said:has-text("Did you mean \'sampipe.Segment@1\'")')
    page.wait_for_selector('[data-node="segment"] .sp-node-said:has-text("no parameter \'modle\'")')
    assert graph(page)["layout"]["unknown"] == [800, 77]
    page.click("[data-graph-sample=coffee]")
    page.wait_for_selector(".sp-given img.sp-node-image")
    page.click('[data-do="run"]')
    assert "no parameter 'modle'" in ran(page)
    counted(page, ".sp-graph-status.sp-error", 1)
    counted(page, '[data-node="boxes"][data-state="done"] img', 1)  # what does not depend on it ran
    page.reload()
    tab(page, "Graph")
    page.wait_for_selector('.sp-node[data-node="unknown"]')  # nothing is lost by a reload


def test_files_come_back_and_the_program_writes_masks(canvas: Any, tmp_path: Path) -> None:
    page = canvas
    page.select_option(".sp-examples", "Faces to masks")
    page.wait_for_selector(".sp-node[data-node=clean_masks]")
    page.click('[data-do="save"]')
    page.wait_for_selector(".sp-files-dialog")
    with page.expect_download() as waiting:
        page.click('[data-do="yaml"]')
    text = Path(waiting.value.path()).read_text()
    assert "layout:" in text
    assert list(Graph.from_yaml(text).outputs) == ["masks"]
    with page.expect_download() as waiting:
        page.click('[data-do="python"]')
    program = tmp_path / "graph.py"
    program.write_text(Path(waiting.value.path()).read_text())
    ast.parse(program.read_text())
    done = subprocess.run(
        [sys.executable, program, "sample:astronaut"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "1 objects" in done.stdout
    assert (tmp_path / "out" / "astronaut.masks.png").stat().st_size > 100


def test_a_long_run_is_cancelled_and_one_of_a_reloaded_window_ends(canvas: Any) -> None:
    page = canvas
    page.fill(".sp-palette input", "SegmentEverything")
    drag(page, middle(page, '.sp-item[data-type="sampipe.SegmentEverything@1"]'), ground(page, 0.4, 0.3))
    page.click("[data-graph-sample=coins]")
    page.wait_for_selector(".sp-given img.sp-node-image")
    page.click(".sp-node[data-node=segment_everything] summary")
    page.fill(".sp-node[data-node=segment_everything] [name=points_per_side]", "64")
    page.keyboard.press("Tab")
    for end in ("cancel", "reload"):
        page.click('[data-do="run"]')
        page.wait_for_function("document.querySelector('.sp-graph-status').textContent.startsWith('running')")
        if end == "cancel":
            page.click('[data-do="cancel"]')
            page.wait_for_selector(".sp-graph-status:has-text('Stopped.')")
        else:
            page.reload()
        page.wait_for_function(
            "window.sampipe?.bench && sampipe.bench.server.waiting({}).then((one) => one.waiting === 0)"
        )
