"""Masks as outlines on a map."""

from __future__ import annotations

from collections.abc import Mapping

from sampipe.errors import DataError
from sampipe.formats.geojson import PIXELS, write_geojson
from sampipe.nodes._checks import check_number
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.types import Image, Masks


class SaveGeoJson(FilePerImage):
    """``<stem>.geojson`` for each image: one Polygon or MultiPolygon an object.

    Args:
        directory: where the files go.
        transform: from column and row to map coordinates, six numbers a to f: x = a * column + b * row + c,
            y = d * column + e * row + f, as rasterio gives it. By default pixels.
        crs: of those coordinates, as "EPSG:32632"; None: WGS 84, or pixels.
        tolerance: pixels by which an outline may be simplified.

    Raises:
        DataError: a transform that is not six numbers.
    """

    transform: tuple[float, ...] = tuple(PIXELS)
    crs: str | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "tolerance", least=0)
        if len(self.transform) != 6:
            raise DataError(f"SaveGeoJson: transform has {len(self.transform)} numbers, wanted six: a, b, c, d, e, f")

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        text = write_geojson(masks, transform=self.transform, crs=self.crs, tolerance=self.tolerance)
        return {f"{stem}.geojson": text.encode()}
