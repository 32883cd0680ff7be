"""SVG: one path an object, holes and parts in it, in pixels of the image."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.formats._rings import fill
from sampipe.formats._xml import parse
from sampipe.types import RLE, Masks, Polygon

_SVG = "http://www.w3.org/2000/svg"
_GOLDEN_ANGLE = 137.508  # degrees between hues, so that neighbours in the list differ


def write_svg(masks: Masks, *, tolerance: float = 0.0, image_href: str | None = None) -> str:
    """The SVG text; each path has the object's label as its title.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.
        image_href: a link to the picture, shown below the paths.
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
            ElementTree.SubElement(path, "title").text = _objects.label(masks, i)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def read_svg(text: str) -> Masks:
    """The masks of a file that :func:`write_svg` wrote: paths of the commands M, L and Z.

    Raises:
        DataError: it is no such file.
    """
    root = parse(text, root=f"{{{_SVG}}}svg")
    try:
        hw = int(root.attrib["height"]), int(root.attrib["width"])
        paths = root.findall(f"{{{_SVG}}}path")
        rings = [_rings(path.attrib["d"]) for path in paths]
    except (KeyError, ValueError) as error:
        raise DataError(f"not an SVG file that sampipe wrote: {error!r}") from error
    rles = [RLE.from_mask(np.logical_xor.reduce([fill(ring, hw) for ring in one])) for one in rings]
    return _objects.masks_of(rles, hw, labels=[path.findtext(f"{{{_SVG}}}title", "") for path in paths])


def _path(parts: list[Polygon]) -> str:
    rings = [ring for part in parts for ring in (part.exterior, *part.holes)]
    return " ".join("M" + " L".join(f"{x:g},{y:g}" for x, y in ring.tolist()) + " Z" for ring in rings)


def _rings(path: str) -> list[np.ndarray]:
    pieces = [piece for piece in re.split(r"[Zz]\s*", path) if piece.strip()]
    return [np.array(re.findall(r"-?[\d.]+(?:e-?\d+)?", piece), np.float64).reshape(-1, 2) for piece in pieces]
