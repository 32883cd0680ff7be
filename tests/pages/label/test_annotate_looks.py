"""The labelling page fits every screen, light and dark; ``SAMPIPE_TEST_ARTIFACTS`` says where images of it go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from annotate_window import ROCKET, Open, region

from sampipe.pages.label.merge import Propose, Put
from sampipe.pages.label.project import Project
from sampipe.pages.label.record import MaskRecord
from sampipe.types import RLE

LOOKS = [("1280", (1280, 900)), ("390", (390, 844))]
SMALL = """() => [...document.querySelectorAll(".sa button, .sa select, .sa input[type=text], .sa input[type=number]")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width)
  .filter((one) => { const { width, height } = one.getBoundingClientRect(); return Math.min(width, height) < 39; })
  .map((one) => one.outerHTML.slice(0, 120))"""  # too small for a finger


@pytest.mark.parametrize(("name", "size"), LOOKS, ids=[look[0] for look in LOOKS])
def test_the_page_fits_every_width_in_light_and_dark(
    open_window: Open, photos: Path, name: str, size: tuple[int, int]
) -> None:
    project = Project(photos)
    other = MaskRecord(rle=RLE.from_mask(region(420)), accepted=False, source="face", predicted_iou=0.6, stability=0.7)
    sky = MaskRecord(rle=RLE.from_mask(region(60)), label="tower", predicted_iou=0.8, seconds=9)
    project.change(project.images[0], (427, 640), Propose((other,), "face"), Put(sky))
    window = open_window(size=size)
    window.click(*ROCKET)
    overflow = window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    box = window.page.locator(".sa-image canvas").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(640 / 427, rel=0.01)  # not distorted
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    nameless = window.page.evaluate(
        "[...document.querySelectorAll('.sa button, .sa select, .sa input')]"
        ".filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).length"
    )
    assert nameless == 0
    assert size[0] > 640 or window.page.evaluate(SMALL) == []
    for scheme, end in (("dark", "-dark"), ("light", "")):
        window.page.emulate_media(color_scheme=scheme)
        dark = str(scheme == "dark").lower()
        window.page.wait_for_function(f"document.body.classList.contains('dark') === {dark}")
        if folder := os.environ.get("SAMPIPE_TEST_ARTIFACTS"):
            window.page.screenshot(path=Path(folder) / f"annotate-{name}{end}.png", full_page=size[0] < 800)
