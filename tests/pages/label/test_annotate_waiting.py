"""Masks that wait for a person on the labelling page, and images that cannot be opened."""

from __future__ import annotations

from pathlib import Path

from annotate_window import Open, contains, region
from PIL import Image as Pillow

from sampipe.pages.label.merge import Propose
from sampipe.pages.label.project import Project
from sampipe.pages.label.record import MaskRecord
from sampipe.types import RLE, Image


def test_proposals_are_accepted_mended_and_deleted_in_the_order_of_their_doubt(open_window: Open, photos: Path) -> None:
    project = Project(photos)
    box = [RLE.from_mask(region(x)) for x in (40, 200, 420)]
    doubts = [(0.9, 0.9), (0.2, 0.4), (0.6, 0.7)]
    masks = tuple(
        MaskRecord(rle=rle, accepted=False, source="test", predicted_iou=iou, stability=stability)
        for rle, (iou, stability) in zip(box, doubts, strict=True)
    )
    project.change(project.images[0], (427, 640), Propose(masks[:2], "test"))
    cup = MaskRecord(rle=RLE.from_mask(region(300, (400, 600))), accepted=False, predicted_iou=0.5, stability=0.5)
    project.change(project.images[1], (400, 600), Propose((cup,), "test"))
    window = open_window()
    window.page.wait_for_selector("[data-do=review]:enabled")
    window.press("r")
    window.page.wait_for_function(f"window.sampipe.page.work.selected === {masks[1].id}")
    window.page.wait_for_function("window.sampipe.page.view.zoom > 1")
    window.page.keyboard.press("Delete")
    window.page.wait_for_function(f"window.sampipe.page.work.selected === {cup.id}")
    window.page.keyboard.press("Enter")
    window.page.wait_for_function(f"window.sampipe.page.work.selected === {masks[0].id}")
    window.press("Enter")
    window.says("The review is done")
    assert [mask.accepted for mask in window.masks(0)] == [True] and [mask.accepted for mask in window.masks(1)] == [
        True
    ]


def test_a_detector_pre_fills_an_image_when_it_is_opened(open_window: Open, photos: Path) -> None:
    Image.open("sample:astronaut").to_pil().save(photos / "0 astronaut.png")
    window = open_window(source="face")
    window.settle()
    [face] = window.masks(0)
    assert not face.accepted and face.label == "face" and contains(face, (222, 120))
    assert "face" in window.page.inner_text(".sa-masks li small")
    window.press("j", "Enter")
    assert window.masks(0)[0].accepted


def test_unreadable_images_are_shown_as_such_and_odd_names_are_text(open_window: Open, photos: Path) -> None:
    (photos / "c <img src=x onerror=alert(1)>.png").write_bytes(b"junk")
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Image.open("sample:rocket").to_pil().save(photos / "d 漢字 turned.jpg", exif=exif)
    window = open_window()
    window.go("d", 1)
    window.page.keyboard.press("d")
    window.page.wait_for_selector(".sa-over.sa-problem")
    assert "is not an image" in window.page.inner_text(".sa-over")
    assert "<img src=x" in window.page.inner_text(".sa-images option:checked")
    window.press("Delete", "j", "c")
    window.go("d", 3)
    assert window.inside("view.image.width") == 427 and window.inside("view.image.height") == 640
    window.click(213, 320)
    assert window.masks(3)[0].rle.hw == (640, 427) and contains(window.masks(3)[0], (213, 320))
