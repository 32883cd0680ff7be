"""Foreign rows: each format is written and read, and read with places in its files swapped for nonsense."""

from __future__ import annotations

import copy
import csv
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage, Category, GroundTruth
from sampipe.data.bsds import write_bsds
from sampipe.data.coco import document
from sampipe.data.convert import convert
from sampipe.data.formats import READABLE, WRITABLE, read_dataset
from sampipe.errors import DataError
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.types import RLE

NONSENSE: tuple[Any, ...] = (
    None, "text", "", float("nan"), float("inf"), [], {}, 1e9, -1, 0, 2.5, True, "\ud800", "\0", [[[]]], ["a"], 10**30,
)  # fmt: skip
_WORDS = ("", "text", "nan", "inf", "1e9", "-1", "0", "2.5", "[]", "{}", '"', "\0", "!!python/name:int", "&a", ";")
_HW = (16, 20)


def foreign_rows(size: Size, folder: Path) -> Outcome:
    """What is written is read with no row lost; whatever a place becomes, it is read or refused by a DataError."""
    rng = np.random.default_rng(size.seed)
    source = write_source(folder / "source", rng)
    rows = lost = swapped = refused = 0
    wrong: list[str] = []
    for name in READABLE:
        written, target = write_format(name, source, folder), folder / f"{name}-swapped"
        data = read_dataset(written, name)
        found = sum(len(reads().objects) for reads in data.images)
        rows, lost = rows + found, lost + data.report.lost + _missing(name, found, source)
        for _ in range(max(3, size.cases // 100)):
            places = [int(one) for one in rng.integers(2**31, size=3)]
            what = swap_somewhere(written, target, places)
            swapped += 1
            try:
                refused += try_reader(target, name) == "refused"
            except Exception as error:  # anything but a DataError is a finding
                wrong.append(f"{name}, {what}: {type(error).__name__}: {error}")
    figures = f"{rows} foreign rows, {lost} lost; {swapped} with a place swapped, {refused} of them refused"
    return Outcome(not lost and not wrong, "; ".join([figures, *wrong[:3]]))


def _missing(name: str, found: int, source: Path) -> int:
    """How many of the source's objects were not read; formats that are not written have rows of their own."""
    return sum(len(reads().objects) for reads in read_dataset(source).images) - found if name in WRITABLE else 0


def write_format(name: str, source: Path, folder: Path) -> Path:
    """The source as a data set of a format that can be read, in a folder of its name."""
    target = folder / name
    if name in WRITABLE:
        convert(read_dataset(source), target, name)
    elif name == "bsds":
        write_bsds(target, "val", "1", np.zeros((*_HW, 3), np.uint8), [np.arange(320).reshape(_HW) // 100])
    elif name == "miap":
        write_miap(target)
    else:
        raise AssertionError(f"{name} is read, and nothing here writes it")
    return target


def write_miap(folder: Path) -> Path:
    """One image of 20 x 16 with two people in MIAP's layout, whose masks are half as large; a third box has no mask."""
    for inner in ("images", "masks"):
        (folder / inner).mkdir(parents=True)
    Pillow.new("RGB", _HW[::-1]).save(folder / "images" / "p1.jpg")
    boxes = [(0.1, 0.4, 0.25, 0.75), (0.6, 0.9, 0.25, 0.75)]
    masks, people = [], []
    for number, (x0, x1, y0, y1) in enumerate(boxes):
        mask = np.zeros((8, 10), np.uint8)
        mask[int(y0 * 8) : int(y1 * 8), int(x0 * 10) : int(x1 * 10)] = 255
        Pillow.fromarray(mask).save(folder / "masks" / f"{number}.png")
        masks.append([f"{number}.png", "p1", x0, x1, y0, y1])
        people.append(["p1", x0, x1, y0, y1, 0, 0, 0, "Unknown", "Older" if number else "Young"])
    people.append(["p1", 0, 0.1, 0, 0.1, 0, 0, 0, "Unknown", "Unknown"])
    head = "ImageID XMin XMax YMin YMax IsGroupOf IsDepictionOf IsInsideOf GenderPresentation AgePresentation"
    _write_table(folder / "miap_boxes_test.csv", head.split(), people)
    head = "MaskPath ImageID BoxXMin BoxXMax BoxYMin BoxYMax"
    _write_table(folder / "test-annotations-object-segmentation.csv", head.split(), masks)
    return folder


def _write_table(file: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([head, *rows])


def write_source(folder: Path, rng: np.random.Generator) -> Path:
    """A COCO folder of three small images with two objects each that do not overlap."""
    (folder / "images").mkdir(parents=True)
    categories = [Category(1, "left"), Category(2, "right")]
    images = []
    for number in range(1, 4):
        objects = []
        for half, category in enumerate(categories):
            mask = np.zeros(_HW, bool)
            x, y = int(rng.integers(1, 5)) + 10 * half, int(rng.integers(1, 9))
            mask[y : y + 5, x : x + 4] = True
            objects.append(GroundTruth.of_mask(0, category.name, RLE.from_mask(mask), category_id=category.id))
        path = folder / "images" / f"{number}.png"
        Pillow.new("RGB", _HW[::-1]).save(path)
        images.append(AnnotatedImage(path, tuple(objects), _HW))
    (folder / "instances.json").write_text(json.dumps(document(images, categories)))
    return folder


def try_reader(folder: Path, name: str) -> str:
    """``read`` or ``refused``; anything else that a reader raises goes on.

    Raises:
        AssertionError: a refusal that does not say where, or rows that are neither kept nor told of.
    """
    try:
        data = read_dataset(folder, name)
        for reads in data.images:
            reads()
    except DataError as error:
        assert str(folder) in str(error), f"does not name the file: {error}"
        return "refused"
    assert not data.report.lost, f"{data.report.lost} rows lost"
    return "read"


def swap_somewhere(written: Path, target: Path, places: Sequence[int]) -> str:
    """A copy of a data set in which a place of one file is nonsense; says which.

    Args:
        written: the data set, which stays as it is.
        target: the folder of the copy, which is made anew.
        places: the number of the file, of the place in it and of what comes there; any numbers.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(written, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    file = files[places[0] % len(files)]
    content, what = swapped(file.read_bytes(), file.suffix, places[1], places[2])
    file.write_bytes(content)
    return f"{file.relative_to(target)}: {what}"


def swapped(data: bytes, suffix: str, place: int, value: int) -> tuple[bytes, str]:
    """A file with nonsense at one place: a value of JSON, an attribute or a text of XML, a word of lines, else a byte.

    Returns:
        The file, and what became what.
    """
    try:
        if suffix in (".json", ".geojson"):
            return _swapped_json(json.loads(data), place, NONSENSE[value % len(NONSENSE)])
        word = _WORDS[value % len(_WORDS)]
        if suffix in (".xml", ".svg"):
            return _swapped_xml(ElementTree.fromstring(data), place, word)
        if suffix in (".csv", ".txt", ".yaml"):
            return _swapped_word(data.decode("utf-8-sig"), place, word)
    except (ValueError, ElementTree.ParseError):  # swapped before, so that it is no such file any more
        pass
    at = place % max(1, len(data))
    if value % 4 == 0:
        return data[:at], f"cut at {at}"
    return data[:at] + bytes([value % 256]) + data[at + 1 :], f"byte {at} = {value % 256}"


def _swapped_json(document: Any, place: int, nonsense: Any) -> tuple[bytes, str]:
    paths = list(leaves(document))
    path = paths[place % len(paths)]
    return json.dumps(swap(document, path, nonsense)).encode(), f"{path} = {nonsense!r}"


def _swapped_xml(root: ElementTree.Element, place: int, word: str) -> tuple[bytes, str]:
    spots = [(one, key) for one in root.iter() for key in (None, *one.attrib)]
    element, key = spots[place % len(spots)]
    if key is None:
        element.text = word
    else:
        element.set(key, word)
    return ElementTree.tostring(root), f"<{element.tag}> {key or 'text'} = {word!r}"


def _swapped_word(text: str, place: int, word: str) -> tuple[bytes, str]:
    words = re.split(r"([\s,:]+)", text)
    at = place % len(words)
    return "".join([*words[:at], word, *words[at + 1 :]]).encode(), f"{words[at]!r} = {word!r}"


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in a JSON value, containers too."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def swap(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at a path."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed
