"""SVG: one path an object, holes and parts in it, in pixels of the image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np

from sampipe.data import annotated
from sampipe.data._linked import about, linked_image, note_bare
from sampipe.data._xml import clean, parse
from sampipe.data.annotated import AnnotatedImage, Dataset, Files, GroundTruth
from sampipe.data.format import Format, SidecarWriter, Tolerance
from sampipe.data.names import Places
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, coordinates, read_bytes, refuse
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks, Polygon
from sampipe.types.rasterize import rasterize

_SVG = "http://www.w3.org/2000/svg"
_NO_SHAPES = ("image", "title", "desc", "defs", "metadata", "style")
_GOLDEN_ANGLE = 137.508  # degrees between hues, so that neighbours in the list differ


def write_svg(masks: Masks, *, tolerance: float = 0.0, image_href: str | None = None) -> str:
    """The SVG text; each path has the object's label as its title.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.
        image_href: a link to the image, shown below the paths.
    """
    height, width = masks.hw
    box = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
    root = ElementTree.Element("svg", {"xmlns": _SVG, **box})
    if image_href is not None:
        ElementTree.SubElement(root, "image", {"href": image_href, "width": str(width), "height": str(height)})
    for i, parts in enumerate(masks.polygons(tolerance)):
        if parts:
            color = f"hsl({i * _GOLDEN_ANGLE % 360:.0f}, 70%, 50%)"
            style = {"fill": color, "fill-opacity": "0.5", "stroke": color, "fill-rule": "evenodd"}
            path = ElementTree.SubElement(root, "path", {"id": f"object-{i + 1}", "d": _path(parts), **style})
            ElementTree.SubElement(path, "title").text = clean(annotated.label(masks, i))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def read_svg(text: str | bytes) -> Masks:
    """The masks of a file that :func:`write_svg` wrote: paths of the commands M, L and Z.

    Raises:
        DataError: it is no such file; names the path.
    """
    image = _read_text(text, "the SVG file", ReadReport())[0]
    return image.masks()


def _read_text(text: str | bytes, place: str, report: ReadReport) -> tuple[AnnotatedImage, str]:
    """The objects, and what the image is linked by."""
    root = parse(text, root=f"{{{_SVG}}}svg", place=place)
    hw = Row(dict(root.attrib), place).hw()
    objects = []
    if root.get("viewBox", f"0 0 {hw[1]} {hw[0]}").replace(",", " ").split() != ["0", "0", str(hw[1]), str(hw[0])]:
        refuse(f"{place}: viewBox", root.get("viewBox"), f"0 0 {hw[1]} {hw[0]}, pixels of the image")
    for index, path in enumerate(root, start=1):
        tag = path.tag.removeprefix(f"{{{_SVG}}}")
        where = f"{place}: {tag} {path.get('id', index)}"
        if tag != "path" or path.get("transform"):
            if tag not in _NO_SHAPES and not tag.startswith("{"):
                report.leave_out(f"an SVG <{tag}>{' with a transform' if tag == 'path' else ''}", where)
            continue
        mask = RLE.from_mask(rasterize(_rings(Row(dict(path.attrib), where).text("d"), where), hw))
        objects.append(GroundTruth.of_mask(index, path.findtext(f"{{{_SVG}}}title") or annotated.NAMELESS, mask))
        report.keep()
    link = root.find(f"{{{_SVG}}}image")
    return AnnotatedImage(Path("image"), tuple(objects), hw), "" if link is None else link.get("href", "")


def _path(parts: list[Polygon]) -> str:
    rings = [ring for part in parts for ring in (part.exterior, *part.holes)]
    return " ".join("M" + " L".join(f"{x:g},{y:g}" for x, y in ring.tolist()) + " Z" for ring in rings)


def _rings(path: str, place: str) -> list[np.ndarray]:
    if re.search(r"[^MLZz\s,.\d+eE-]", path):
        refuse(f"{place}: d", path, "the commands M, L and Z")
    rings = []
    for piece in re.split(r"[Zz]\s*", path):
        numbers = re.findall(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", piece)
        if len(numbers) % 2 or (numbers and len(numbers) < 6):
            refuse(f"{place}: d", piece, "three or more x, y pairs")
        if numbers:
            rings.append(np.array(coordinates(numbers, f"{place}: d")).reshape(-1, 2))
    return rings


def read(folder: Path) -> Dataset:
    """The ``.svg`` files of a folder; each links its image, or lies beside one of its stem.

    Raises:
        DataError: there is none. Files are read one by one.
    """
    files = sorted(folder.rglob("*.svg"))
    if not files:
        raise DataError(f"{folder}: no .svg file")
    report = ReadReport()
    note_bare(folder, files, ".svg", report)
    places = Places.of(folder)
    return Dataset(folder, "svg", Files(folder, files, partial(_read_file, places, folder, report)), (), report)


def _read_file(places: Places, root: Path, report: ReadReport, file: Path) -> AnnotatedImage:
    image, link = _read_text(read_bytes(file), str(file), report)
    return about(linked_image(file, link, places), file, link, root, image.objects, image.size, report)


def _recognize(folder: Path) -> bool:
    return any(islice(folder.rglob("*.svg"), 1))


@dataclass(kw_only=True)
class SvgWriter(SidecarWriter):
    """``<stem>.svg``: one path an object, its label as the title, the image linked below.

    Args:
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.
    """

    suffix: ClassVar[str] = ".svg"

    tolerance: Tolerance = 0.5

    def label(self, name: str) -> str:
        return clean(name).replace("\r", "\n")  # as readers of XML do with text

    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        text = write_svg(image.masks(), tolerance=self.tolerance, image_href=quote(image_path))
        return {self.suffix: text.encode()}


FORMAT = Format(
    name="svg",
    title="SVG",
    read=read,
    recognize=_recognize,
    writer=SvgWriter,
    files="{stem}.svg",
    cannot_hold="scores, category ids, crowds",
    opened_by="xml.etree",
)
