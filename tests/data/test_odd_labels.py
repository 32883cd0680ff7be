"""Labels with every control character, and with what means something to a format, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage, GroundTruth
from sampipe.data.convert import open_writer
from sampipe.data.formats import FORMATS, WRITABLE, read_dataset
from sampipe.types import RLE

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA1), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)]
LABELS = [f"a{sign}{number}" for number, sign in enumerate(CONTROLS)] + [
    "#c", "b: c", "b,c", 'b"c', "'b'", "b; c", "=1+1", "x\ud800", "{b}", "yes", "null", "1", "1.0", "<b&c>", "b\\c",
    "b/c", "猫", "é", "e\u0301", "\U0001f600", "- b", "? b", "b #c", "@b", "%b", "!b",
    " b", "b ", "\tb", "b\r\n",
]  # fmt: skip
NAMELESS = {"davis", "png", "sa1b"}
HW = (40, 64)


def image(folder: Path) -> AnnotatedImage:
    """A square of 2 x 2 for each label."""
    Pillow.new("RGB", HW[::-1]).save(folder / "i.png")
    objects = []
    for number, label in enumerate(LABELS):
        mask = np.zeros(HW, bool)
        y, x = 3 * (number // 20), 3 * (number % 20)
        mask[y : y + 2, x : x + 2] = True
        objects.append(GroundTruth.of_mask(number + 1, label, RLE.from_mask(mask)))
    return AnnotatedImage(folder / "i.png", tuple(objects), HW, "i.png")


@pytest.mark.parametrize("name", [name for name in WRITABLE if FORMATS[name].read is not None])
def test_a_label_comes_back_or_is_told_of(tmp_path: Path, name: str) -> None:
    given = image(tmp_path)
    writer = open_writer(name, tmp_path / "to", images="copy")
    writer.add(given)
    writer.finish()
    data = read_dataset(tmp_path / "to", name)
    [read] = (reads() for reads in data.images)
    boxes = {one.xyxy: one.category for one in read.objects}
    assert len(boxes) == len(LABELS)
    if name in NAMELESS:
        return
    changed = [one for one in given.objects if boxes[one.xyxy] != one.category]
    told = writer.report.left_out.get("image has a label with signs that the format cannot hold")
    assert len(changed) == (told.count if told else 0)
    plain = {one.xyxy for one in given.objects if one.category.isalnum()}
    assert len(plain) > 3 and not plain & {one.xyxy for one in changed}
    assert len(changed) <= {"yolo": 80, "voc": 80, "cvat": 40, "svg": 40, "masks": 5, "csv": 5}.get(name, 1)
