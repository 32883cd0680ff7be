"""Parquet: a row an image, its objects as a list of records with compressed run lengths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sampipe.data.annotated import AnnotatedImage, Dataset, GroundTruth, Reads
from sampipe.data.format import Format, IndexWriter, InFolder
from sampipe.data.job_folder import paths_from
from sampipe.data.names import Places, common_root, from_folder, name_of, path_of, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row
from sampipe.errors import DataError
from sampipe.types import RLE, Masks, Prompts

if TYPE_CHECKING:
    import pyarrow as pa

_IMAGE_ROOT = b"image_root"


def records_type() -> pa.DataType:
    """A list of objects, as a column's type.

    An object's ``counts`` are COCO's compressed run lengths for the image's height and width; ``box`` is xyxy,
    half-open, in pixels.
    """
    import pyarrow as pa

    return pa.list_(
        pa.struct(
            {
                "label": pa.string(),
                "class_id": pa.int64(),
                "track_id": pa.int64(),
                "score": pa.float32(),
                "predicted_iou": pa.float32(),
                "stability": pa.float32(),
                "area": pa.int64(),
                "box": pa.list_(pa.float32(), 4),
                "counts": pa.binary(),
            }
        )
    )


def records_of(masks: Masks) -> list[dict[str, Any]]:
    """Each object's best mask and what is known of it, as :func:`records_type` wants it."""
    masks = masks.best()
    prompts, rles, boxes, areas = masks.prompts, masks.rle(), masks.boxes(), masks.area()
    stability = [None] * len(masks) if masks.stability is None else masks.stability[:, 0]
    return [
        {
            "label": None if prompts.labels is None else prompts.labels[i],
            "class_id": None if prompts.class_ids is None else int(prompts.class_ids[i]),
            "track_id": None if prompts.track_ids is None else int(prompts.track_ids[i]),
            "score": None if prompts.scores is None else _finite(prompts.scores[i]),
            "predicted_iou": _finite(masks.iou_scores[i, 0]),
            "stability": _finite(stability[i]),
            "area": int(areas[i]),
            "box": boxes[i].tolist(),
            "counts": rles[i].counts,
        }
        for i in range(len(masks))
    ]


def masks_of_records(objects: Sequence[Mapping[str, Any]], hw: tuple[int, int]) -> Masks:
    """The masks of a row, as they were (one candidate each), with their prompts' labels, class ids and scores."""
    if not objects:
        return Masks.empty(hw)
    columns = {name: [one[name] for one in objects] for name in objects[0]}
    rles = [RLE(hw, counts) for counts in columns["counts"]]
    prompts = Prompts.from_boxes(
        np.array(columns["box"], np.float32).reshape(-1, 4),
        labels=_all_or_none(columns["label"]),
        class_ids=_all_or_none(columns["class_id"]),
        scores=_all_or_none(columns["score"]),
    ).replace(track_ids=_all_or_none(columns["track_id"]))
    masks = Masks.from_rle(rles, hw, prompts).replace(iou_scores=_floats(columns["predicted_iou"]))
    stability = columns["stability"]
    return masks if all(value is None for value in stability) else masks.replace(stability=_floats(stability))


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float32)[:, None]


def _all_or_none(values: list[Any]) -> Any:
    return None if any(value is None for value in values) else values


def read(folder: Path) -> Dataset:
    """The rows of a job (``rows/*.parquet``) or of ``images.parquet``; rows with an error are counted.

    The first column of masks is taken; others, of a job with several outputs, are told of.

    Raises:
        DataError: a file is no Parquet, or lacks its columns.
    """
    files = sorted((folder / "rows").glob("*.parquet")) or sorted(folder.glob("images*.parquet"))
    if not files:
        raise DataError(f"{folder}: no rows/*.parquet and no images.parquet")
    report, found = ReadReport(), []
    folders = [*Places.of(folder).folders]
    for file in files:
        rows, columns, image_root = _rows(file)
        folders += [folder / image_root] if image_root and (folder / image_root).is_dir() else []
        for other in columns[1:]:
            report.note("image masks of another output", f"{file}: {other}", len(rows))
        found += [(Row(value, f"{file}: row {number}"), columns[0]) for number, value in enumerate(rows)]
    base = paths_from(folder) if files[0].parent.name == "rows" else None
    sources = [row.text("path") if base is None else from_folder(row.text("path"), base) for row, _ in found]
    root = "" if base is None else common_root(sources)
    places = Places(*dict.fromkeys(folders))
    readers: list[Reads] = []
    for (row, column), source in zip(found, sources, strict=True):
        if row.has("error"):
            report.note("image could not be done", f"{row.place}: {source}")
        else:
            name = plain(source) if base is None else name_of(source, root)
            readers.append(partial(_read_image, row, column, source, name, places, report))
    return Dataset(folder, "parquet", readers, (), report)


def _rows(file: Path) -> tuple[list[dict[str, Any]], list[str], str]:
    """The rows, the names of the columns that hold masks (lists of records that have run lengths), and where images
    are, as seen from the folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            schema, rows = opened.schema_arrow, opened.read().to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:  # a text column may hold bytes that are no UTF-8
        raise DataError(f"{file}: not a Parquet file that can be read: {error}") from error
    columns = [
        one.name
        for one in schema
        if pa.types.is_list(one.type)
        and pa.types.is_struct(one.type.value_type)
        and one.type.value_type.get_field_index("counts") >= 0
    ]
    if not columns:
        raise DataError(f"{file}: no column of masks, lists of records with counts; it has {', '.join(schema.names)}")
    image_root = (schema.metadata or {}).get(_IMAGE_ROOT, b"").decode("utf-8", "replace").replace("\0", "")
    return rows, columns, image_root


def _read_image(row: Row, column: str, source: str, name: str, places: Places, report: ReadReport) -> AnnotatedImage:
    hw = row.hw()
    objects = []
    for number, value in enumerate(row.value[column] or (), start=1):
        one = Row(value, f"{row.place}: object {number}")
        counts = one.take("counts")
        try:
            mask = RLE(hw, counts if isinstance(counts, bytes) else str(counts).encode())
        except (DataError, TypeError) as error:
            raise DataError(f"{one.place}: counts: {error}") from error
        number_ = one.whole("class_id", least=-1, most=2**62) if one.has("class_id") else -1
        class_id = number_ if number_ >= 0 else None
        label = one.text("label") if one.has("label") else ("object" if class_id is None else f"class {class_id}")
        scores = {key: one.number(key) for key in ("score", "predicted_iou", "stability") if one.has(key)}
        objects.append(GroundTruth.of_mask(number, label, mask, category_id=class_id, scores=scores))
    report.images += 1
    report.keep(len(objects))
    there = path_of(source)
    path = there if there.is_absolute() and there.is_file() else places.find(name)
    if path is None:
        report.note("image file is not there", source)
    return AnnotatedImage(path or there, tuple(objects), hw, name)


@dataclass(kw_only=True)
class ParquetWriter(IndexWriter):
    """``images.parquet``: path, height, width and masks, as the rows of a job have them."""

    holds_empty: ClassVar[bool] = True

    file: InFolder = "images.parquet"

    def write_index(self, path: Path, images: Sequence[tuple[str, AnnotatedImage]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [
            {"path": name, "height": one.hw[0], "width": one.hw[1], "masks": records_of(one.masks())}
            for name, one in images
        ]
        fields = [("path", pa.string()), ("height", pa.int32()), ("width", pa.int32()), ("masks", records_type())]
        root = self.image_root([one for _, one in images], self.file)
        schema = pa.schema(fields, metadata={_IMAGE_ROOT: root.encode()} if root else None)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")


def _recognize(folder: Path) -> bool:
    return any((folder / "rows").glob("*.parquet")) or any(folder.glob("images*.parquet"))


FORMAT = Format(
    name="parquet",
    title="Parquet, and the rows of a job",
    read=read,
    recognize=_recognize,
    writer=ParquetWriter,
    index="images.parquet",
    cannot_hold="crowds, ids of categories that are text, negative or of more than 63 bits",
    opened_by="pyarrow 26.0.1",
)
