"""A raster file, of which only one tile is in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sampipe._files import atomic_file, write_atomic
from sampipe._optional import require
from sampipe.data.geojson import write_geojson
from sampipe.errors import DataError
from sampipe.graph import Graph, Node
from sampipe.nodes import Tiled
from sampipe.nodes.segment.tiled import Window, merge_tiles, tiles
from sampipe.types import Image, Masks
from sampipe_integrations.rasterio.stretch import Stretch

_ROWS = 1024  # of a label raster, in memory at once
_CACHE = 256  # MB of blocks that GDAL keeps; its own choice is a share of the machine's memory


class Raster:
    """An open raster: GeoTIFF or whatever else GDAL reads, of any size; use it as a context manager.

    Args:
        path: a file, or an address that GDAL knows.
        bands: which bands, from 1, are red, green and blue; one band is grey. By default the first three, or the first.

    Raises:
        MissingDependencyError: ``pip install "sampipe[rasterio]"``.
        DataError: no such raster, or no such bands.
    """

    def __init__(self, path: str | os.PathLike[str], *, bands: Sequence[int] | None = None) -> None:
        rasterio = require("rasterio", "rasterio")
        try:
            with _bounded():
                self._file: Any = rasterio.open(path)
        except rasterio.errors.RasterioIOError as error:
            raise DataError(f"{os.fspath(path)}: not a raster that can be read ({error}).") from error
        chosen = tuple(bands) if bands is not None else ((1, 2, 3) if self._file.count >= 3 else (1,))
        if len(chosen) not in (1, 3) or not all(1 <= band <= self._file.count for band in chosen):
            self._file.close()
            raise DataError(f"bands: got {chosen} of {self._file.count}; wanted one or three of them, from 1.")
        self._bands = chosen
        with _bounded():
            self._stretch = Stretch.of(self._file, chosen)

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self._file.height), int(self._file.width)

    @property
    def transform(self) -> tuple[float, ...]:
        """From column and row to map coordinates: a, b, c, d, e, f."""
        return tuple(float(value) for value in self._file.transform[:6])

    @property
    def crs(self) -> str | None:
        """The reference system, as "EPSG:32632"; None where the file has none."""
        return None if self._file.crs is None else str(self._file.crs.to_string())

    def read(self, window: Window) -> Image:
        """The pixels from x0, y0 to x1, y1, as an 8-bit image.

        Samples without data are 0: by the band's nodata value, a mask or an alpha band, or because they are NaN.
        """
        x0, y0, x1, y1 = window
        with _bounded():
            pixels = self._file.read(self._bands, window=((y0, y1), (x0, x1)), masked=True)
        scaled = np.where(np.ma.getmaskarray(pixels), np.uint8(0), self._stretch.to_bytes(pixels.data))
        return Image.from_array(
            np.ascontiguousarray(np.broadcast_to(scaled, (3, *scaled.shape[1:])).transpose(1, 2, 0))
        )

    def segment(
        self,
        graph: Graph | Node,
        *,
        tile: int = 1024,
        overlap: float = 0.2,
        same_iou: float = 0.5,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> Masks:
        """Run a graph over tiles; objects that a border cut through are whole again.

        Args:
            graph: takes an image and gives masks.
            tile, overlap, same_iou: see :class:`sampipe.nodes.Tiled`.
            progress: called with the tiles done and all of them.

        Raises:
            GraphError, DataError: as Tiled.
        """
        inner, output = Tiled.of(graph, tile=tile, overlap=overlap, same_iou=same_iou).inner
        windows = list(tiles(self.hw, tile, overlap))

        def masks_of() -> Iterator[Masks]:
            for number, result in enumerate(inner.map(self.read(window) for window in windows), start=1):
                progress(number, len(windows))
                yield result[output]  # type: ignore[index]

        return merge_tiles(self.hw, windows, masks_of(), same_iou)

    def save_geojson(self, masks: Masks, path: str | os.PathLike[str], *, tolerance: float = 0.0) -> None:
        """Outlines in the raster's own coordinates, its reference system named in the file.

        Raises:
            DataError: masks of another size.
        """
        self._check(masks)
        write_atomic(path, write_geojson(masks, transform=self.transform, crs=self.crs, tolerance=tolerance).encode())

    def save_labels(self, masks: Masks, path: str | os.PathLike[str]) -> None:
        """A GeoTIFF on the raster's grid: 0, or 1 + the row of the object; of those that overlap the smaller is on top.

        Written strip by strip, 32 bits a pixel.

        Raises:
            DataError: masks of another size.
        """
        self._check(masks)
        rasterio = require("rasterio", "rasterio")
        height, width = self.hw
        profile = {
            "driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint32", "nodata": 0,
            "crs": self._file.crs, "transform": self._file.transform, "compress": "deflate", "bigtiff": "if_safer",
        }  # fmt: skip
        order = np.argsort(-masks.area(), kind="stable").tolist()
        with atomic_file(path) as partial, _bounded(), rasterio.open(partial, "w", **profile) as file:
            for top in range(0, height, _ROWS):
                bottom = min(top + _ROWS, height)
                file.write(_strip(masks, order, top, bottom, width), 1, window=((top, bottom), (0, width)))

    def _check(self, masks: Masks) -> None:
        if masks.hw != self.hw:
            raise DataError(f"masks of {masks.hw} (height, width) for a raster of {self.hw}; wanted masks of it.")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Raster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bounded() -> Any:
    """GDAL's settings for the block; GDAL takes the size of its cache from the first block that reads."""
    return require("rasterio", "rasterio").Env(GDAL_CACHEMAX=_CACHE)


def _strip(masks: Masks, order: Sequence[int], top: int, bottom: int, width: int) -> np.ndarray:
    labels = np.zeros((bottom - top, width), np.uint32)
    rles = masks.rle()
    for row in order:
        x0, y0, x1, y1 = (int(side) for side in rles[row].box)
        first, last = max(y0, top), min(y1, bottom)
        if first < last:
            labels[first - top : last - top, x0:x1][rles[row].window()[first - y0 : last - y0]] = row + 1
    return labels
