"""GeoJSON: outlines in the coordinates of a map.

RFC 7946 means longitude and latitude (WGS 84); a file in another reference system says so in the ``crs`` member of the
2008 draft, which GIS programs read. Writing from and reading into pixels needs the affine transform of the raster, as
rasterio gives it: ``x = a * column + b * row + c``, ``y = d * column + e * row + f``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.formats._rings import fill
from sampipe.types import RLE, Masks, Polygon

Affine = Sequence[float]
PIXELS: Affine = (1, 0, 0, 0, 1, 0)


def write_geojson(masks: Masks, *, transform: Affine = PIXELS, crs: str | None = None, tolerance: float = 0.0) -> str:
    """A FeatureCollection: one Polygon or MultiPolygon an object, its label, score and area (pixels) as properties.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        transform: from column and row (pixel edges) to map coordinates: a, b, c, d, e, f.
        crs: of those coordinates, as ``"EPSG:32632"``; None writes no member, which means WGS 84 to most readers.
        tolerance: pixels by which an outline may be simplified.
    """
    matrix = _matrix(transform)
    features = []
    areas = masks.area()
    for i, parts in enumerate(masks.polygons(tolerance)):
        if parts:
            known = {"label": _objects.label(masks, i), "score": _objects.score(masks, i), "area": int(areas[i])}
            features.append({"type": "Feature", "id": i + 1, "properties": known, "geometry": _geometry(parts, matrix)})
    document: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": _urn(crs)}}
    return json.dumps(document, allow_nan=False, ensure_ascii=False)


def read_geojson(text: str | bytes, hw: tuple[int, int], *, transform: Affine = PIXELS) -> Masks:
    """The polygons of a FeatureCollection as masks of an image of ``hw``.

    Raises:
        DataError: it is no FeatureCollection of polygons, or the transform cannot be inverted.
    """
    inverse = np.linalg.inv(_matrix(transform))
    try:
        document = json.loads(text)
        if document["type"] != "FeatureCollection":
            raise DataError(f"a GeoJSON {document['type']}, wanted a FeatureCollection")
        features = document["features"]
        rles = [RLE.from_mask(_filled(one["geometry"], hw, inverse)) for one in features]
        properties = [one.get("properties") or {} for one in features]
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"not a GeoJSON file of polygons: {error!r}") from error
    labels = [str(one.get("label", "")) for one in properties]
    return _objects.masks_of(rles, hw, labels=labels, scores=[one.get("score") for one in properties])


def _matrix(transform: Affine) -> np.ndarray:
    matrix = np.array([*transform[:6], 0, 0, 1], np.float64).reshape(3, 3)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) == 0:
        raise DataError(f"transform: got {tuple(transform)[:6]}, wanted six finite numbers that can be inverted")
    return matrix


def _geometry(parts: Sequence[Polygon], matrix: np.ndarray) -> dict[str, Any]:
    polygons = [[_closed(ring, matrix, hole=n > 0) for n, ring in enumerate((p.exterior, *p.holes))] for p in parts]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: np.ndarray, matrix: np.ndarray, *, hole: bool) -> list[list[float]]:
    """A ring on the map, first corner repeated; exteriors counter-clockwise, holes clockwise (RFC 7946)."""
    mapped = _mapped(ring, matrix)
    x, y = mapped.T
    counter_clockwise = float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) > 0
    if counter_clockwise == hole:
        mapped = mapped[::-1]
    return np.concatenate([mapped, mapped[:1]]).tolist()


def _mapped(ring: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.asarray(ring, np.float64) @ matrix[:2, :2].T + matrix[:2, 2]


def _filled(geometry: dict[str, Any], hw: tuple[int, int], inverse: np.ndarray) -> np.ndarray:
    kinds = {"Polygon": lambda given: [given], "MultiPolygon": lambda given: given}
    if geometry["type"] not in kinds:
        raise DataError(f"a GeoJSON geometry of the type {geometry['type']}, wanted Polygon or MultiPolygon")
    mask = np.zeros(hw, dtype=bool)
    for rings in kinds[geometry["type"]](geometry["coordinates"]):
        filled = [fill(_mapped(np.array(ring)[:-1, :2], inverse).round(6), hw) for ring in rings]
        mask |= np.logical_xor.reduce(filled)
    return mask


def _urn(crs: str) -> str:
    authority, separator, code = crs.partition(":")
    return f"urn:ogc:def:crs:{authority.upper()}::{code}" if separator and code.isdigit() else crs
