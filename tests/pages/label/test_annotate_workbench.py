"""What the page calls: masks of clicks, saving, proposals, background work, review."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotate_squares import HW, square, write_image
from PIL import Image as Pillow

pytest.importorskip("gradio", reason='the page needs pip install "sampipe[demo]"')

from sampipe.data.formats import read_images
from sampipe.errors import DataError
from sampipe.pages.label import wire
from sampipe.pages.label.merge import Propose, Put
from sampipe.pages.label.project import Project
from sampipe.pages.label.proposals import EVERYTHING
from sampipe.pages.label.workbench import Workbench
from sampipe.types import RLE, Image

Bench = Callable[..., Workbench]


@pytest.fixture
def bench(folder: Path, tiny_model: Path) -> Iterator[Bench]:
    made: list[Workbench] = []

    def make(**options: Any) -> Workbench:
        made.append(Workbench(Project(folder), model=str(tiny_model), device="cpu", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def key(bench: Workbench, index: int = 0) -> str:
    return bench.project.images[index].key


def wait(bench: Workbench) -> dict[str, Any]:
    for _ in range(2400):  # a machine may be busy
        if not (state := bench.job_state())["running"]:
            return state
        time.sleep(0.05)
    raise AssertionError(f"still running: {state}")


def put(mask: Any, base: int | None = None) -> dict[str, Any]:
    return {"put": wire.mask_json(mask), "base": base}


def test_an_outline_becomes_the_mask_that_it_encloses(bench: Bench) -> None:
    one = bench()
    ring = np.zeros(HW, bool)
    ring[10:30, 10:40] = True
    ring[15:25, 18:30] = False
    rle = RLE.from_mask(ring)
    outline = one.outline({"rle": rle.to_coco(), "tolerance": 0})["rings"]
    assert len(outline) == 2, "an outline and its hole"
    assert one.fill({"image": key(one), "rings": outline}) == {"rle": rle.to_coco(), "area": rle.area}
    outline[0][0][0] -= 4
    assert one.fill({"image": key(one), "rings": outline})["area"] > rle.area
    few = one.outline({"rle": RLE.from_mask(np.hypot(*np.mgrid[-24:24, -32:32]) < 15).to_coco(), "tolerance": 3})[
        "rings"
    ]
    assert len(few[0]) < 14
    with pytest.raises(DataError, match="tolerance"):
        one.outline({"rle": rle.to_coco(), "tolerance": -1})


def test_a_page_gets_what_it_needs_to_begin(bench: Bench) -> None:
    one = bench()
    start = json.loads(json.dumps(one.start({})))
    assert [one["name"] for one in start["images"]] == ["a.png", "b.png", "c.png"]
    assert start["last"] == key(one) and start["labels"] == [] and not start["fixed"]
    sources = {row["name"]: row["missing"] for row in start["sources"]}
    assert sources[EVERYTHING] == "" == sources["face"]
    assert "no detector trained on these images yet" in sources["learned"]
    assert "Type what to look for" in sources["text"]


def test_an_image_is_shown_whole_and_the_next_page_opens_with_it(bench: Bench) -> None:
    one = bench()
    reply = json.loads(json.dumps(one.open({"image": key(one, 1)})))
    assert (reply["width"], reply["height"], reply["masks"], reply["revision"]) == (64, 48, [], 0)
    assert reply["url"].startswith("data:image/jpeg;base64,")
    assert bench().start({})["last"] == key(one, 1)


def test_an_unreadable_image_is_shown_as_such(bench: Bench, folder: Path) -> None:
    (folder / "b.png").write_bytes(b"junk")
    one = bench()
    assert "b.png" in one.open({"image": key(one, 1)})["problem"]
    (folder / "c.png").unlink()
    assert "c.png cannot be read" in one.open({"image": key(one, 2)})["problem"]


def test_one_click_offers_three_masks_and_a_choice_gives_another(bench: Bench) -> None:
    one = bench()
    click = {"image": key(one), "work": {"points": [[30, 20, 1]]}}
    reply = one.segment(click)
    assert len(reply["candidates"]) == 3 and reply["rle"]["size"] == [48, 64] and reply["area"] > 0
    other = (reply["chosen"] + 1) % 3
    chosen = one.segment({"image": key(one), "work": {"points": [[30, 20, 1]], "candidate": other}})
    assert chosen["chosen"] == other and chosen["area"] == reply["candidates"][other]["area"]
    two = one.segment({"image": key(one), "work": {"points": [[30, 20, 1], [5, 5, 0]], "candidate": other}})
    assert len(two["candidates"]) == 1


def test_strokes_add_and_take_away_pixels_and_stay_when_the_model_is_asked_again(bench: Bench) -> None:
    one, base = bench(), square(10, 10, 10)
    stroke = {"tool": "brush", "area": square(30, 30, 8).rle.to_coco()}
    eraser = {"tool": "eraser", "area": square(10, 10, 4).rle.to_coco()}
    reply = one.segment(
        {"image": key(one), "work": {"base": base.rle.to_coco(), "strokes": [stroke, eraser], "ask": False}}
    )
    assert reply["area"] == 100 + 64 - 16 and reply["predicted_iou"] is None
    work = {"base": base.rle.to_coco(), "points": [[12, 30, 1]], "strokes": [stroke, eraser]}
    mended = RLE.from_coco(one.segment({"image": key(one), "work": work})["rle"]).decode()
    assert mended[30:38, 30:38].all() and not mended[10:14, 10:14].any()
    coarse = {"tool": "brush", "area": RLE.from_mask(np.ones((24, 32), bool)).to_coco()}  # drawn on a smaller image
    assert one.segment({"image": key(one), "work": {"strokes": [coarse], "ask": False}})["area"] == 48 * 64


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ({}, "Click on an object"),
        ({"points": [[3, 3, 0]]}, "Click on the object first"),
        ({"points": [[float("nan"), 3, 1]]}, "finite numbers"),
        ({"points": [[1, 2]]}, "work: ValueError"),
        ({"points": [[1, 2, 1]] * 1001}, "at most 1000 points"),
        ({"box": [30, 30, 30, 30]}, "not on the image"),
        ({"strokes": [{"tool": "fire", "area": square(1, 1).rle.to_coco()}]}, "wanted brush or eraser"),
        ({"base": {"size": [48, 64], "counts": "?"}, "ask": False}, "RLE"),
        ("text", "got str"),
    ],
)
def test_work_that_says_nothing_usable_is_refused_in_a_sentence(bench: Bench, work: Any, reason: str) -> None:
    one = bench()
    with pytest.raises(DataError, match=reason):
        one.segment({"image": key(one), "work": work})


@pytest.mark.parametrize(
    "change",
    [
        "x", {}, {"put": None}, {"put": {"id": 1}}, {"complete": 1}, {"remove": "1", "base": 1}, {"remove": 1},
        put(square(1, 1).replace(rle=RLE.empty(HW))), put(square(1, 1, label="x" * 201)),
        put(square(1, 1, seconds=float("inf"))), put(square(1, 1)) | {"base": "1"},
    ],
)  # fmt: skip
def test_changes_of_another_form_are_refused_and_nothing_is_saved(bench: Bench, change: Any) -> None:
    one = bench()
    with pytest.raises(DataError):
        one.save({"image": key(one), "changes": [change]})
    assert one.project.read(one.project.images[0]).masks == ()


def test_an_image_that_is_not_in_the_folder_is_refused(bench: Bench) -> None:
    with pytest.raises(DataError, match="no image"):
        bench().open({"image": "../../etc/passwd"})


def test_what_is_saved_is_read_by_trainers_when_the_page_ends(bench: Bench, folder: Path) -> None:
    one = bench()
    reply = one.save({"image": key(one), "changes": [put(square(3, 4, label="cat")), {"complete": True}]})
    assert reply["revision"] == 1 and reply["complete"] and reply["labels"] == ["cat"]
    assert [mask["label"] for mask in reply["masks"]] == ["cat"]
    one.close()
    assert [item.category for item in read_images(folder)[0].objects] == ["cat"]


def test_two_windows_hear_of_each_other(bench: Bench) -> None:
    here, there = bench(), bench()
    seen = there.open({"image": key(there)})["revision"]
    mask = square(3, 4, label="cat")
    here.save({"image": key(here), "changes": [put(mask)]})
    news = there.news({"image": key(there), "revision": seen})
    assert [row["label"] for row in news["masks"]] == ["cat"] and "masks" not in there.news(
        {"image": key(there), "revision": news["revision"]}
    )
    there.save({"image": key(there), "changes": [put(mask.replace(label="dog"), base=1)]})
    reply = here.save({"image": key(here), "changes": [put(mask.replace(label="cow"), base=1)]})
    assert sorted(row["label"] for row in reply["masks"]) == ["cow", "dog"]
    assert "Both versions are kept" in reply["notices"][0]


def test_everything_proposes_masks_that_wait_and_does_not_repeat_itself(bench: Bench) -> None:
    one = bench()
    reply = one.propose({"image": key(one), "source": EVERYTHING})
    assert reply["found"] == len(reply["masks"]) > 0
    assert all(not row["accepted"] and row["source"] == EVERYTHING for row in reply["masks"])
    assert all(0 <= row["doubt"] <= 1 and row["stability_score"] is not None for row in reply["masks"])
    again = one.propose({"image": key(one), "source": EVERYTHING})
    assert again["found"] == 0 and len(again["masks"]) == len(reply["masks"])


def test_a_source_that_cannot_run_says_what_to_do(bench: Bench) -> None:
    one = bench()
    with pytest.raises(DataError, match=r"learned cannot run here: There is no detector trained"):
        one.propose({"image": key(one), "source": "learned"})
    with pytest.raises(DataError, match=r"No detector 'fcae' is installed\. Did you mean"):
        one.rest({"source": "fcae"})


def test_all_the_rest_leaves_out_what_people_worked_on_and_what_cannot_be_read(bench: Bench, folder: Path) -> None:
    write_image(folder / "d.png")
    (folder / "b.png").write_bytes(b"junk")
    one = bench()
    one.save({"image": key(one), "changes": [put(square(3, 4))]})
    one.save({"image": key(one, 2), "changes": [{"complete": True}]})
    one.rest({"source": EVERYTHING})
    state = wait(one)
    assert not state["failed"] and re.match(
        r"\d+ proposals? on 1 image\. Left out: .*b\.png is not an image", state["text"]
    )
    counts = [len(one.project.read(file).proposed) for file in one.project.images]
    assert counts[:3] == [0, 0, 0] and counts[3] > 0


def test_a_job_stops_when_asked_and_runs_alone(bench: Bench) -> None:
    one = bench()
    begun = one.rest({"source": EVERYTHING})
    assert begun["job"]["running"]
    try:
        with pytest.raises(DataError, match="still running"):
            one.rest({"source": EVERYTHING})
    finally:
        one.stop({})
    assert "Stopped" in wait(one)["text"]


def test_the_queue_begins_with_the_greatest_doubt_and_empties(bench: Bench) -> None:
    one = bench()
    sure = square(3, 4, accepted=False, predicted_iou=0.95, stability=0.95)
    unsure = square(30, 4, accepted=False, predicted_iou=0.4, stability=0.6)
    unknown = square(20, 30, accepted=False)
    one.project.change(one.project.images[0], HW, Propose((sure, unsure), "x"))
    one.project.change(one.project.images[2], HW, Propose((unknown,), "x"), Put(square(40, 30)))
    waiting = one.queue({})["queue"]
    assert [row["id"] for row in waiting] == [unknown.id, unsure.id, sure.id]
    assert [row["doubt"] for row in waiting] == [1.0, 0.5, 0.05]
    assert one.accept_below({"doubt": 0.5})["accepted"] == 2
    reply = one.queue({})
    assert [row["id"] for row in reply["queue"]] == [unknown.id] and reply["summary"]["accepted"] == 3
    with pytest.raises(DataError, match="doubt: got 2, wanted 0 to 1"):
        one.accept_below({"doubt": 2})


def test_an_image_of_twenty_megapixels_is_shown_smaller_and_clicked_in_its_own_pixels(
    tmp_path: Path, tiny_model: Path
) -> None:
    Pillow.new("RGB", (5472, 3648), (90, 120, 60)).save(tmp_path / "large.jpg", quality=60)
    one = Workbench(Project(tmp_path), model=str(tiny_model), device="cpu")
    try:
        shown = one.open({"image": key(one)})
        assert (shown["width"], shown["height"]) == (5472, 3648) and len(shown["url"]) < 3_000_000
        reply = one.segment({"image": key(one), "work": {"points": [[5000, 3000, 1]]}})
        assert reply["rle"]["size"] == [3648, 5472]
    finally:
        one.close()


def test_words_propose_masks_of_that_name(folder: Path) -> None:
    Image.open("sample:astronaut").to_pil().save(folder / "0 astronaut.png")
    one = Workbench(Project(folder), model="nano", device="cpu")
    try:
        reply = one.propose({"image": key(one), "source": "text:person"})
        assert reply["found"] > 0
        assert {row["label"] for row in reply["masks"]} == {"person"}
        assert {row["source"] for row in reply["masks"]} == {"text:person"}
        with pytest.raises(DataError, match="text: cannot run here"):
            one.propose({"image": key(one), "source": "text:"})
    finally:
        one.close()
