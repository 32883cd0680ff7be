"""CVAT's XML: "for images 1.1" is written and read, the tracks of "for video 1.1" are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from sampipe.data import annotated
from sampipe.data._xml import clean, parse
from sampipe.data.annotated import AnnotatedImage, Dataset, GroundTruth
from sampipe.data.format import Format, IndexWriter, InFolder
from sampipe.data.names import Places, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import LARGEST_IMAGE, Row, corners, read_bytes, segmentation_rle, upright, whole
from sampipe.errors import DataError
from sampipe.types import RLE, Masks
from sampipe.types.rasterize import rasterize

_ELLIPSE = 64  # corners
_LOOKED_AT, _HEAD = 8, 200  # files, and bytes of each, to tell what they are
_OTHERS = ("occluded", "z_order", "group_id")  # of a shape; "0" is none


def write_cvat(images: Iterable[tuple[str, Masks]]) -> str:
    """The XML text for images and their masks, in order; objects without a pixel are left out.

    Args:
        images: an image file's name, as CVAT has it, and its masks, of which the best candidates are written.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    listed = ElementTree.SubElement(_task(root), "labels")
    known: set[str] = set()
    for number, (name, masks) in enumerate(images):
        height, width = masks.hw
        attributes = {"id": str(number), "name": clean(name), "width": str(width), "height": str(height)}
        image = ElementTree.SubElement(root, "image", attributes)
        for i, rle in enumerate(masks.rle()):
            if rle.area:
                label = clean(annotated.label(masks, i))
                ElementTree.SubElement(image, "mask", _mask(rle, label))
                if label not in known:
                    known.add(label)
                    ElementTree.SubElement(ElementTree.SubElement(listed, "label"), "name").text = label
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def read_cvat(text: str | bytes) -> Mapping[str, Masks]:
    """Masks by image name, see :func:`read_document`.

    Raises:
        DataError: it is no CVAT file, or a shape is damaged.
    """
    return {image.name: image.masks() for image in read_document(text, "the CVAT file", ReadReport())}


def read_document(text: str | bytes, place: str, report: ReadReport) -> list[AnnotatedImage]:
    """The images of "CVAT for images 1.1", or the frames of "CVAT for video 1.1" on which a track is.

    Masks, polygons, ellipses and turned boxes are masks, boxes are boxes; what covers no area (points, lines, tags) and
    skeletons are counted.

    Raises:
        DataError: it is no CVAT file, it has a document type (whose entities could grow without bound), a shape is
            damaged, or a video does not say its size.
    """
    root = parse(text, root="annotations", place=place)
    tracks = root.findall("track")
    if tracks:
        return _frames(tracks, _video_hw(root, place), place, report)
    images: list[AnnotatedImage] = []
    for element in root.iter("image"):
        where = f"{place}: image {element.get('id', len(images))}"
        row = Row(dict(element.attrib), where)
        hw = row.hw()
        objects = [
            found
            for index, shape in enumerate(element)
            if (found := _object(shape, index + 1, shape.get("label", ""), hw, where, report)) is not None
        ]
        report.images += 1
        name = row.text("name")
        images.append(AnnotatedImage(Path(name), tuple(objects), hw, plain(name)))
    return images


def _video_hw(root: ElementTree.Element, place: str) -> tuple[int, int]:
    size = root.find(".//original_size")
    if size is None:
        raise DataError(
            f"{place}: a video's tracks without <original_size> in <meta>: the size of its frames is not known"
        )
    return Row({one.tag: one.text for one in size}, f"{place}: original_size").hw()


def _frames(
    tracks: list[ElementTree.Element], hw: tuple[int, int], place: str, report: ReadReport
) -> list[AnnotatedImage]:
    """Each frame with the tracks that are on it; an object's id is its track's."""
    frames: dict[int, list[GroundTruth]] = {}
    for number, track in enumerate(tracks):
        where = f"{place}: track {track.get('id', number)}"
        key = whole(track.get("id", number), f"{where}: id", least=0, most=10**9)
        for shape in track:
            if shape.get("outside") == "1":
                continue
            frame = whole(shape.get("frame", ""), f"{where}: frame", least=0, most=10**9)
            found = _object(shape, key, track.get("label", ""), hw, where, report)
            if found is not None:
                frames.setdefault(frame, []).append(found)
    report.images += len(frames)
    names = {frame: f"frame_{frame:06}" for frame in frames}
    return [AnnotatedImage(Path(names[key]), tuple(frames[key]), hw, names[key]) for key in sorted(frames)]


def _object(
    shape: ElementTree.Element, key: int, label: str, hw: tuple[int, int], where: str, report: ReadReport
) -> GroundTruth | None:
    where, label = f"{where}: {shape.tag} {key}", label or annotated.NAMELESS
    row = Row(dict(shape.attrib), where)
    if shape.tag == "mask":
        found = GroundTruth.of_mask(key, label, _rle(row, hw))
    elif shape.tag == "polygon":
        points = [[*pair.split(",")] for pair in row.text("points").split(";")]
        ring = corners(points, f"{where}: points", least=3)
        found = GroundTruth.of_mask(key, label, RLE.from_mask(rasterize([ring], hw)))
    elif shape.tag == "ellipse" or (shape.tag == "box" and row.optional_number("rotation")):
        found = GroundTruth.of_mask(key, label, RLE.from_mask(rasterize([_turned(shape.tag, row)], hw)))
    elif shape.tag == "box":
        x0, y0, x1, y1 = (row.number(name, least=-1e6, most=1e6) for name in ("xtl", "ytl", "xbr", "ybr"))
        upright((x0, y0, x1, y1), where)
        mask = segmentation_rle([[x0, y0, x1, y0, x1, y1, x0, y1]], hw, where)
        found = GroundTruth(key, label, (x0, y0, x1, y1), mask, box_only=True)
    else:
        report.leave_out(f"a CVAT <{shape.tag}>", where)
        return None
    report.keep()
    attributes = {one.get("name", ""): one.text or "" for one in shape.findall("attribute")}
    extra: dict[str, object] = {key: shape.attrib[key] for key in _OTHERS if shape.get(key, "0") not in ("0", "")}
    return replace(found, extra=extra | ({"attributes": attributes} if attributes else {}))


def _turned(tag: str, row: Row) -> np.ndarray:
    """The corners (k, 2) of a turned box, or of an ellipse; CVAT turns both clockwise about their middle."""
    if tag == "box":
        x0, y0, x1, y1 = (row.number(name, least=-1e6, most=1e6) for name in ("xtl", "ytl", "xbr", "ybr"))
        middle, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
        around = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    else:
        middle = np.array([row.number(name, least=-1e6, most=1e6) for name in ("cx", "cy")])
        half = np.array([row.number(name, least=0, most=1e6) for name in ("rx", "ry")])
        angles = np.arange(_ELLIPSE) * 2 * np.pi / _ELLIPSE
        around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    angle = np.deg2rad(row.optional_number("rotation", least=-1e6, most=1e6) or 0.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return middle + (around * half) @ turn


def _task(root: ElementTree.Element) -> ElementTree.Element:
    """``meta/task``, without which importers take the file for none of CVAT's."""
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    ElementTree.SubElement(task, "mode").text = "annotation"
    return task


def _mask(rle: RLE, label: str) -> dict[str, str]:
    x0, y0, x1, y1 = (int(value) for value in rle.box)
    flat = np.concatenate([[0], rle.window().ravel().astype(np.int8)])  # background first, row by row
    edges = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], edges, [flat.size - 1]]))
    return {
        "label": label,
        "source": "auto",
        "occluded": "0",
        "rle": ", ".join(map(str, runs.tolist())),
        "left": str(x0),
        "top": str(y0),
        "width": str(x1 - x0),
        "height": str(y1 - y0),
        "z_order": "0",
    }


def _rle(row: Row, hw: tuple[int, int]) -> RLE:
    left, top = (row.whole(name, least=-(10**6), most=10**6) for name in ("left", "top"))
    height, width = row.hw()
    given = [whole(run, f"{row.place}: rle", least=0, most=LARGEST_IMAGE) for run in row.text("rle").split(",")]
    runs = np.array(given, np.int64)
    if runs.sum() != width * height:
        raise DataError(f"{row.place}: runs over {runs.sum()} pixels in a box of {width} x {height}")
    pixels = np.repeat(np.arange(runs.size) % 2 == 1, runs).reshape(height, width)
    return RLE.from_mask(pixels).place_cut((left, top), hw)


def read(folder: Path) -> Dataset:
    """``annotations.xml``, or the only XML of that kind, and its images, in ``images/`` or beside it.

    Raises:
        DataError: no such file, several, or one of its shapes is damaged.
    """
    files, report = _documents(folder), ReadReport()
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files of CVAT: {', '.join(one.name for one in files)}; wanted one")
    [file] = files
    places = Places.of(folder)
    images = read_document(read_bytes(file), str(file), report)
    return Dataset(folder, "cvat", [partial(_placed, image, places, folder, report) for image in images], (), report)


def _placed(image: AnnotatedImage, places: Places, folder: Path, report: ReadReport) -> AnnotatedImage:
    path = places.find(image.name) or places.find(f"{image.name}.png")
    if path is None:
        report.note("image file is not there", image.name)
    return AnnotatedImage(path or folder / "images" / image.name, image.objects, image.size, image.name)


@dataclass(kw_only=True)
class CvatWriter(IndexWriter):
    """One file "CVAT for images 1.1" for all images, masks as run lengths."""

    file: InFolder = "annotations.xml"

    def label(self, name: str) -> str:
        return clean(name)

    def write_index(self, path: Path, images: Sequence[tuple[str, AnnotatedImage]]) -> None:
        path.write_bytes(write_cvat((name, image.masks()) for name, image in images).encode())


def _documents(folder: Path) -> list[Path]:
    """``annotations.xml``, else what begins as such a file."""
    if (folder / "annotations.xml").is_file():
        return [folder / "annotations.xml"]
    files = (file for file in sorted(folder.glob("*.xml")) if file.is_file())
    return [file for file in islice(files, _LOOKED_AT) if b"<annotations>" in read_bytes(file)[:_HEAD]]


def _recognize(folder: Path) -> bool:
    return bool(_documents(folder))


FORMAT = Format(
    name="cvat",
    title="CVAT for images and video 1.1",
    read=read,
    recognize=_recognize,
    writer=CvatWriter,
    index="annotations.xml",
    cannot_hold="scores, category ids, crowds",
    opened_by="datumaro 1.13.12",
)
