"""GeoJSON: outlines in the coordinates of a map.

RFC 7946 means longitude and latitude (WGS 84); a file in another reference system says so in the ``crs`` member of the
2008 draft, which GIS programs read. Writing from and reading into pixels needs the affine transform of the raster, as
rasterio gives it: ``x = a * column + b * row + c``, ``y = d * column + e * row + f``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from sampipe.data import annotated
from sampipe.data._linked import about, linked_image, note_bare
from sampipe.data.annotated import AnnotatedImage, Dataset, Files, GroundTruth
from sampipe.data.extras import extra_fields
from sampipe.data.format import Format, SidecarWriter, Tolerance
from sampipe.data.names import Places
from sampipe.data.report import ReadReport
from sampipe.data.schema import LARGEST_COORDINATE, Row, number, parse_json, read_json, refuse
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks, Polygon
from sampipe.types.image import image_hw
from sampipe.types.rasterize import rasterize

Affine = Sequence[float]
_PROPERTIES = ("label", "score", "area")
_NO_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")
PIXELS: Affine = (1, 0, 0, 0, 1, 0)


def write_geojson(
    masks: Masks,
    *,
    transform: Affine = PIXELS,
    crs: str | None = None,
    tolerance: float = 0.0,
    image_path: str | None = None,
    extras: Sequence[Mapping[str, Any]] = (),
) -> str:
    """A FeatureCollection: one Polygon or MultiPolygon an object, its label, score and area (pixels) as properties.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        transform: from column and row (pixel edges) to map coordinates: a, b, c, d, e, f.
        crs: of those coordinates, as ``"EPSG:32632"``; None writes no member, which means WGS 84 to most readers.
        tolerance: pixels by which an outline may be simplified.
        image_path: of the image, noted with the transform as members of our own (RFC 7946, section 6.1).
        extras: other properties of each object.
    """
    matrix = _matrix(transform)
    features = []
    areas = masks.area()
    for i, parts in enumerate(masks.polygons(tolerance)):
        if parts:
            known = {"label": annotated.label(masks, i), "score": annotated.score(masks, i), "area": int(areas[i])}
            known = {**(extras[i] if extras else {}), **known}
            features.append({"type": "Feature", "id": i + 1, "properties": known, "geometry": _geometry(parts, matrix)})
    document: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if image_path is not None:
        document |= {"image": image_path, "height": masks.hw[0], "width": masks.hw[1], "transform": list(transform[:6])}
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": _urn(crs)}}
    return json.dumps(document, allow_nan=False, ensure_ascii=False)


def read_geojson(text: str | bytes, hw: tuple[int, int], *, transform: Affine = PIXELS) -> Masks:
    """The polygons of a FeatureCollection as masks of an image of ``hw``.

    Raises:
        DataError: it is no FeatureCollection of polygons, or the transform cannot be inverted; names the feature.
    """
    place = "the GeoJSON file"
    objects = read_features(Row(parse_json(text, place), place), hw, transform, ReadReport())
    return AnnotatedImage(Path("image"), objects, hw).masks()


def read_features(document: Row, hw: tuple[int, int], transform: Affine, report: ReadReport) -> tuple[GroundTruth, ...]:
    """The features of a collection: a mask each, cut at the image's edge; features without an area are counted.

    Raises:
        DataError: a feature is no polygon, or its numbers are none; names it.
    """
    inverse = np.linalg.inv(_matrix(transform, f"{document.place}: "))
    if document.text("type") != "FeatureCollection":
        raise DataError(f"{document.place}: a GeoJSON {document.value['type']}, wanted a FeatureCollection")
    objects = []
    for key, feature in enumerate(document.rows("features"), start=1):
        if not feature.has("geometry"):
            report.leave_out("a feature without a geometry", feature.place)
            continue
        geometry = feature.row("geometry")
        if geometry.value.get("type") in _NO_AREA:
            report.leave_out(f"a {geometry.text('type')}, which covers no area", feature.place)
            continue
        mask = RLE.from_mask(_filled(geometry, hw, inverse))
        about = feature.row("properties") if feature.has("properties") else Row({}, feature.place)
        label = about.text("label") if about.has("label") else annotated.NAMELESS
        scores = {"score": about.number("score")} if about.has("score") else {}
        extra = {name: value for name, value in extra_fields(about, _PROPERTIES).items() if value is not None}
        objects.append(GroundTruth.of_mask(key, label, mask, scores=scores, extra=extra))
        report.keep()
    return tuple(objects)


def _matrix(transform: Affine, place: str = "") -> np.ndarray:
    matrix = np.array([*transform[:6], 0, 0, 1], np.float64).reshape(3, 3)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) == 0:
        raise DataError(f"{place}transform: got {tuple(transform)[:6]}, wanted six finite numbers that can be inverted")
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


def _filled(geometry: Row, hw: tuple[int, int], inverse: np.ndarray) -> np.ndarray:
    kind, given = geometry.text("type"), geometry.take("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise DataError(f"{geometry.place}: a geometry of the type {kind}, wanted Polygon or MultiPolygon")
    place = f"{geometry.place}: coordinates"
    mask = np.zeros(hw, dtype=bool)
    for part, rings in enumerate([given] if kind == "Polygon" else _list(given, place)):
        where = f"{place}[{part}]"
        corners = [_ring(ring, f"{where}[{place_}]", inverse) for place_, ring in enumerate(_list(rings, where))]
        mask |= rasterize(corners, hw) if corners else False
    return mask


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        refuse(place, value, "a list")
    return value


def _ring(value: Any, place: str, inverse: np.ndarray) -> np.ndarray:
    """A closed ring in pixels; heights (a third number) are not looked at."""
    points = _list(value, place)
    if len(points) < 4:
        refuse(place, value, "a closed ring of four or more points")
    pairs = [
        [number(one, f"{place}[{k}]") for one in _list(point, f"{place}[{k}]")[:2]] for k, point in enumerate(points)
    ]
    if any(len(pair) != 2 for pair in pairs):
        refuse(place, value, "points of two numbers")
    ring = _mapped(np.array(pairs), inverse)
    if not np.isfinite(ring).all() or np.abs(ring).max() > LARGEST_COORDINATE:
        raise DataError(
            f"{place}: {np.abs(ring).max():g} pixels from the image's corner; is the transform that of this map?"
        )
    return ring


def _urn(crs: str) -> str:
    authority, separator, code = crs.partition(":")
    return f"urn:ogc:def:crs:{authority.upper()}::{code}" if separator and code.isdigit() else crs


def read(folder: Path) -> Dataset:
    """The ``.geojson`` files of a folder that say their image, as sampipe writes them, or lie beside one of their stem.

    Raises:
        DataError: there is none. Files are read one by one.
    """
    files = sorted(folder.rglob("*.geojson"))
    if not files:
        raise DataError(f"{folder}: no .geojson file")
    report = ReadReport()
    note_bare(folder, files, ".geojson", report)
    places = Places.of(folder)
    return Dataset(folder, "geojson", Files(folder, files, partial(_read_file, places, folder, report)), (), report)


def _read_file(places: Places, root: Path, report: ReadReport, file: Path) -> AnnotatedImage:
    document = Row(read_json(file), str(file))
    name = document.text("image") if document.has("image") else ""
    path = linked_image(file, name, places)
    sized = document.has("height") and document.has("width")
    if path is None and not sized:
        raise DataError(f"{file}: its image is not there, and the file does not say its size")
    hw = document.hw() if sized or path is None else image_hw(path)
    transform = tuple(document.numbers("transform", 6)) if document.has("transform") else PIXELS
    return about(path, file, name, root, read_features(document, hw, transform, report), hw, report)


def _recognize(folder: Path) -> bool:
    return any(islice(folder.rglob("*.geojson"), 1))


@dataclass(kw_only=True)
class GeoJsonWriter(SidecarWriter):
    """``<stem>.geojson``: one Polygon or MultiPolygon an object.

    Args:
        transform: from column and row to map coordinates, six numbers a to f; by default pixels.
        crs: of those coordinates, as "EPSG:32632"; None: WGS 84, or pixels.
        tolerance: pixels by which an outline may be simplified.
    """

    suffix: ClassVar[str] = ".geojson"
    holds_extra: ClassVar[bool] = True

    transform: Annotated[tuple[float, ...], Field(min_length=6, max_length=6)] = tuple(PIXELS)
    crs: str | None = None
    tolerance: Tolerance = 0.0

    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        text = write_geojson(
            image.masks(),
            transform=self.transform,
            crs=self.crs,
            tolerance=self.tolerance,
            image_path=image_path,
            extras=[one.extra for one in image.objects],
        )
        return {self.suffix: text.encode()}


FORMAT = Format(
    name="geojson",
    title="GeoJSON",
    read=read,
    recognize=_recognize,
    writer=GeoJsonWriter,
    files="{stem}.geojson",
    cannot_hold="category ids, crowds",
    opened_by="rasterio 1.4.4, geopandas 1.2.0",
)
