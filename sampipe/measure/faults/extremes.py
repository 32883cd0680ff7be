"""Inputs at the ends of what there is."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from sampipe.errors import DataError, SpecError
from sampipe.graph import Graph
from sampipe.graph.run.memory import MemoryRise
from sampipe.measure.faults.images import bad_files, png_header
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.models import load_model
from sampipe.nodes import Segment
from sampipe.types import RLE, Image, Masks, Prompts

_MANY = 5000


def bombs(size: Size, folder: Path) -> Outcome:
    """Files that are no images, and a small file of 400 megapixels: errors that name the file, soon and small."""
    rise, slow = MemoryRise(), 0.0
    unnamed = opened = 0
    files = {**bad_files(), "400 megapixels": png_header(20_000, 20_000)}
    for name, content in files.items():
        path = folder / f"{name}.png"
        path.write_bytes(content)
        start = time.perf_counter()
        try:
            Image.open(path)
            opened += 1
        except DataError as error:
            unnamed += path.name not in str(error)
        slow = max(slow, time.perf_counter() - start)
    megabytes = rise.bytes() / 1e6
    figures = f"{len(files)} files: {opened} opened, {unnamed} unnamed; the slowest {slow:.2f} s, {megabytes:.0f} MB"
    return Outcome(not (opened or unnamed) and slow < 1 and megabytes < 200, figures)


def colors(size: Size, folder: Path) -> Outcome:
    """EXIF turns, CMYK, palettes, transparency, 16 bits, floats, animations: each becomes 8-bit RGB."""
    grey = np.linspace(0, 65535, 600).reshape(20, 30)
    rgb = Pillow.fromarray(np.dstack([grey / 257] * 3).astype(np.uint8))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # a quarter turn
    saved: dict[str, tuple[Pillow.Image, dict[str, Any]]] = {
        "turned.jpg": (rgb, {"exif": exif}),
        "cmyk.jpg": (rgb.convert("CMYK"), {}),
        "palette.png": (rgb.quantize(16), {}),
        "alpha.png": (rgb.convert("RGBA"), {}),
        "deep.png": (Pillow.fromarray(grey.astype(np.uint16)), {}),
        "float.tiff": (Pillow.fromarray((grey / 65535).astype(np.float32)), {}),
        "animated.gif": (rgb, {"save_all": True, "append_images": [rgb.rotate(180)]}),
    }
    wrong = []
    for name, (image, options) in saved.items():
        image.save(folder / name, **options)
        read = Image.open(folder / name)
        wanted = (30, 20) if name == "turned.jpg" else (20, 30)
        if read.hw != wanted or int(np.ptp(read.pixels)) < 200:  # a range cut off would be white or black
            wrong.append(name)
    return Outcome(not wrong, f"{len(saved)} kinds: {len(wrong)} wrong" + (f" ({', '.join(wrong)})" if wrong else ""))


def sizes(size: Size, folder: Path) -> Outcome:
    """No prompt, an image of one pixel, thousands of boxes, a side of 20,000 pixels, by the embedded model."""
    segment = Segment(model="nano", device="cpu")
    load_model("nano", "cpu")
    segment.warm()
    empty = segment.run(Image(np.zeros((7, 9, 3), np.uint8)), Prompts.empty())
    pixel = segment.run(Image(np.zeros((1, 1, 3), np.uint8)), Prompts.from_boxes([[0, 0, 1, 1]]))
    image = Image(np.random.default_rng(size.seed).integers(0, 255, (60, 80, 3), np.uint8))
    rise = MemoryRise()
    corners = np.random.default_rng(size.seed).uniform(0, 40, (_MANY if size.cases >= 10_000 else 500, 2, 2))
    many = segment.run(image, Prompts.from_boxes(np.concatenate([corners[:, 0], corners[:, 0] + 20], axis=1)))
    wide = segment.run(Image(np.zeros((100, 20_000, 3), np.uint8)), Prompts.from_boxes([[5, 5, 19_000, 90]]))
    megabytes = rise.bytes() / 1e6
    right = (len(empty), len(pixel), len(many), len(wide)) == (0, 1, len(corners), 1)
    right = right and (empty.hw, pixel.hw, wide.hw) == ((7, 9), (1, 1), (100, 20_000))
    figures = f"0 prompts, 1 x 1, {len(corners)} boxes, 20,000 x 100 pixels: {'right' if right else 'WRONG'}, "
    return Outcome(right and megabytes < 3000, figures + f"{megabytes:.0f} MB at most")


def graph_files(size: Size, folder: Path) -> Outcome:
    """YAML with aliases, tags, unknown types, bombs: a SpecError, and nothing is imported."""
    nodes = "sampipe: 1\ninputs: {{image: Image}}\nnodes: {{a: {{type: {}}}}}\noutputs: {{masks: a.masks}}\n"
    texts = [
        "a: &a [1]\nb: *a\n",
        "!!python/object/apply:os.system ['true']\n",
        "!!python/name:os.system\n",
        nodes.format("antigravity.Node@1"),
        nodes.format("'os:system@1'"),
        nodes.format("sampipe.Nothing@1"),
        nodes.format("sampipe.Segment@99"),
        "\n".join(["a0: &a0 [x,x]", *(f"a{i}: &a{i} [*a{i - 1},*a{i - 1}]" for i in range(1, 40))]),
        "[" * 10_000 + "\n",
        "a: 1\na: 2\n",
        "a: " + "9" * 10_000 + "\n",
        "x" * 2_000_000 + "\n",
    ]
    before, refused = set(sys.modules), 0
    for text in texts:
        try:
            Graph.from_yaml(text)
        except SpecError:
            refused += 1
    imported = sorted(name for name in set(sys.modules) - before if name.partition(".")[0] in ("antigravity", "this"))
    figures = f"{refused} of {len(texts)} refused, {len(imported)} modules imported"
    return Outcome(refused == len(texts) and not imported, figures)


def not_a_number(size: Size, folder: Path) -> Outcome:
    """Scores that are NaN or infinite: no file that a job or a save node writes holds one."""
    from sampipe.graph.result import Result
    from sampipe.jobs.manifest import Entry
    from sampipe.jobs.rows import result_row
    from sampipe.nodes import SaveCoco, SaveLabelMe

    hw = (6, 8)
    prompts = Prompts.from_boxes([[0, 0, 4, 4]] * 3, scores=[1.0, 0.5, 0.25], labels=("a", "b", "c"))
    masks = Masks.from_rle([RLE.from_mask(np.ones(hw, bool))] * 3, hw, prompts)
    masks = masks.replace(iou_scores=np.array([[np.nan], [np.inf], [-np.inf]], np.float32))
    image = Image(np.zeros((*hw, 3), np.uint8), source="a.png")
    row = result_row(Entry("a.png", None, "a"), hw, Result({"masks": masks}), ["masks"])
    in_row = [one["predicted_iou"] for one in row["masks"] if one["predicted_iou"] is not None]
    coco, label_me = SaveCoco(path=str(folder / "coco.json")), SaveLabelMe(directory=str(folder))
    coco.run(image, masks)
    coco.flush()
    label_me.run(image, masks)
    files = list(folder.glob("*.json"))
    bad = sum("NaN" in text or "Infinity" in text for text in (file.read_text() for file in files))
    for file in files:
        json.loads(file.read_text(), parse_constant=_refuse)
    figures = f"{len(files)} files and a row: {bad + len(in_row)} numbers that are not finite"
    return Outcome(len(files) == 2 and not bad and not any(not math.isfinite(one) for one in in_row), figures)


def _refuse(word: str) -> float:
    raise ValueError(f"{word} in JSON")
