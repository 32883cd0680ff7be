"""CVAT for images 1.1: one XML file for many images, masks as run lengths inside their boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

import numpy as np

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.formats._xml import parse
from sampipe.types import RLE, Masks


def write_cvat(images: Iterable[tuple[str, Masks]]) -> str:
    """The XML text for images and their masks, in order; objects without a pixel are left out.

    Args:
        images: an image file's name, as CVAT has it, and its masks, of which the best candidates are written.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    for number, (name, masks) in enumerate(images):
        height, width = masks.hw
        attributes = {"id": str(number), "name": name, "width": str(width), "height": str(height)}
        image = ElementTree.SubElement(root, "image", attributes)
        for i, rle in enumerate(masks.rle()):
            if rle.area:
                ElementTree.SubElement(image, "mask", _mask(rle, _objects.label(masks, i)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def read_cvat(text: str | bytes) -> Mapping[str, Masks]:
    """Masks by image name; shapes that are no masks are left out.

    Raises:
        DataError: it is no CVAT file, it has a document type (whose entities could grow without bound), or a mask is
            damaged.
    """
    root = parse(text, root="annotations")
    try:
        return {image.attrib["name"]: _masks(image) for image in root.iter("image")}
    except (KeyError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"not a CVAT file that can be read: {error!r}") from error


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


def _masks(image: ElementTree.Element) -> Masks:
    hw = int(image.attrib["height"]), int(image.attrib["width"])
    found = image.findall("mask")
    rles = [_rle(one.attrib, hw) for one in found]
    return _objects.masks_of(rles, hw, labels=[one.attrib["label"] for one in found])


def _rle(mask: Mapping[str, str], hw: tuple[int, int]) -> RLE:
    left, top, width, height = (int(mask[name]) for name in ("left", "top", "width", "height"))
    runs = np.array([int(run) for run in mask["rle"].split(",")])
    if runs.min() < 0 or runs.sum() != width * height:
        raise DataError(f"a CVAT mask with runs over {runs.sum()} pixels in a box of {width} x {height}")
    pixels = np.repeat(np.arange(runs.size) % 2 == 1, runs).reshape(height, width)
    return RLE.from_mask(pixels).place((left, top), hw)
