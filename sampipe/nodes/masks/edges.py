"""Edges out of masks: the paper's zero-shot edge detection as nodes, and edge maps as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from sampipe._files import write_atomic
from sampipe.data.label_png import png_bytes
from sampipe.data.names import FileStems
from sampipe.errors import DataError
from sampipe.graph import Node, resource
from sampipe.nodes._limits import Folder, Fraction
from sampipe.types import RLE, EdgeMap, Image, Masks
from sampipe.types._resample import axes
from sampipe.types.nms import box_nms


class MaskEdges(Node):
    """How strongly masks end at each pixel (paper, section 7.2 and appendix D.2).

    Every candidate is a mask of its own; near duplicates go by non-maximum suppression on their boxes, in the order
    of predicted IoU. Of each mask the Sobel magnitude of its unthresholded probabilities counts on the mask's outer
    boundary, the pixels that touch it from outside, and is 0 elsewhere. The strongest of all masks wins at each
    pixel, and the whole is scaled to 0 to 1. Masks without logits have the probabilities 0 and 1.

    The paper asks for the masks with ``PointGrid(per_side=16)`` and ``Segment(multimask="always")``, and thins the
    edges (:class:`ThinEdges`).

    Args:
        box_nms: IoU of boxes above which the mask of lower predicted IoU is a duplicate.

    Raises:
        DataError: not a number from 0 to 1.
    """

    box_nms: Fraction = 0.7

    def run(self, masks: Masks) -> EdgeMap:
        strength = np.zeros(masks.hw, np.float32)
        rles = [rle for row in masks.all_rles() for rle in row]
        boxes = np.array([rle.box for rle in rles], np.float32).reshape(-1, 4)
        for index in box_nms(boxes, masks.iou_scores.reshape(-1), self.box_nms):
            if rles[index].area:
                _draw_outline(strength, masks, int(index), rles[index])
        strongest = strength.max()
        return EdgeMap(strength / strongest if strongest > 0 else strength)


def _draw_outline(strength: np.ndarray, masks: Masks, index: int, rle: RLE) -> None:
    """Raise ``strength`` to what one candidate (numbered object by object) says of its outer boundary."""
    from scipy import ndimage

    x0, y0, x1, y1 = (int(side) for side in rle.box)
    height, width = masks.hw
    rows, columns = slice(max(y0 - 2, 0), min(y1 + 2, height)), slice(max(x0 - 2, 0), min(x1 + 2, width))
    mask = rle.decode()[rows, columns]
    around = ndimage.binary_dilation(mask, np.ones((3, 3), bool)) & ~mask
    probability = _probability(masks, index, mask, rows, columns)
    steep = np.hypot(ndimage.sobel(probability, 0, mode="nearest"), ndimage.sobel(probability, 1, mode="nearest"))
    part = strength[rows, columns]
    np.maximum(part, steep, out=part, where=around)


def _probability(masks: Masks, index: int, mask: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """A candidate's probabilities in a window of the image, float32."""
    if masks.logits is None:
        return mask.astype(np.float32)
    from scipy.special import expit

    low = masks.logits[divmod(index, masks.num_candidates)].float().cpu().numpy() - masks.threshold
    down, across = axes(masks.frame, low.shape[0])
    return expit(down.weights[rows] @ low @ across.weights[columns].T)


class ThinEdges(Node):
    """Edges one pixel wide: what is weaker than its neighbour across the edge goes (Canny, PAMI 1986).

    Across is where the gradients around a pixel point. Neighbours lie one pixel away on both sides, between pixels by
    interpolation; one of nearly the same strength (1 %) does not count as stronger, so that plateaus keep their
    pixels.

    Args:
        sigma: pixels over which directions are averaged.

    Raises:
        DataError: not a number from 0.1 to 100.
    """

    sigma: Annotated[float, Field(ge=0.1, le=100)] = 2.0

    def run(self, edges: EdgeMap) -> EdgeMap:
        from scipy import ndimage

        y, x = np.nonzero(edges.strength)
        across_y, across_x = (part[y, x] for part in normals(edges.strength, self.sigma))
        own = edges.strength[y, x]
        strongest = np.ones(len(own), bool)
        for side in (-1, 1):
            places = np.stack([y + side * across_y, x + side * across_x])
            beside = ndimage.map_coordinates(edges.strength, places, order=1, mode="nearest")
            strongest &= own * 1.01 >= beside
        thinned = np.zeros_like(edges.strength)
        thinned[y[strongest], x[strongest]] = own[strongest]
        return EdgeMap(thinned)


def normals(strength: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors (y, x), each (h, w), across the lines of a map: where its gradients within ``sigma`` pixels point.

    The main direction of the structure tensor (Foerstner and Guelch 1987), the same on both flanks of a line.
    """
    from scipy import ndimage

    down, right = (ndimage.gaussian_filter(strength, sigma / 2, order=order) for order in ((1, 0), (0, 1)))
    yy, yx, xx = (ndimage.gaussian_filter(product, sigma) for product in (down * down, down * right, right * right))
    angle = 0.5 * np.arctan2(2 * yx, xx - yy)
    return np.sin(angle), np.cos(angle)


class SaveEdges(Node):
    """``<stem>.png`` for each image: 8-bit grey, 255 for the strongest edge there can be.

    Args:
        directory: where the files go.

    Raises:
        DataError: edges of another size than the image.
    """

    pure: ClassVar[bool] = False

    directory: Folder = "edges"

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems()

    def run(self, image: Image, edges: EdgeMap) -> EdgeMap:
        if edges.hw != image.hw:
            raise DataError(
                f"SaveEdges: edges of {edges.hw[1]}x{edges.hw[0]} pixels for an image of {image.width}x{image.height}; "
                "wanted edges of this image."
            )
        write_atomic(Path(self.directory) / f"{self.stems.of(image)}.png", edges_png(edges))
        return edges


def edges_png(edges: EdgeMap) -> bytes:
    """A PNG file, 8-bit grey."""
    return png_bytes(np.rint(edges.strength * 255).astype(np.uint8))
