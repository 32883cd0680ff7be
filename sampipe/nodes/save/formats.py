"""A node for each format that has options or is asked for often; :class:`SaveMasks` knows the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from sampipe.data.convert import open_writer
from sampipe.data.format import Writer
from sampipe.data.geojson import PIXELS
from sampipe.nodes._limits import FilePath, Folder, Name, NotNegative, Number
from sampipe.nodes.save.masks import FormatNode


class IndexNode(FormatNode):
    """All images of a job in one file, which is written in one piece when the job ends (``flush``), so that the jobs
    of one node add up until ``close``; an image that comes again replaces its earlier masks."""

    path: FilePath

    def open(self) -> Writer:
        file = Path(self.path)
        return open_writer(self.format_name, file.parent, {"file": file.name})


class SaveCoco(IndexNode):
    """All images of a job and their masks in one COCO instances file.

    Segmentations are compressed run lengths, so that holes and parts survive, with ``iscrowd`` 0, so that evaluation
    counts them. Besides COCO's own fields an annotation has, where known, ``score`` (the detector's),
    ``predicted_iou``, ``stability`` and, of an object of a video, ``track_id``. Objects without a pixel are left out:
    COCO has no such thing.

    One label is one category; its id is the class id that came with it. Labels without a class id get ids that are
    free, and objects with neither are an "object".

    Args:
        path: the JSON file.

    Raises:
        DataError: masks of another size than the image.
    """

    format_name: ClassVar[str] = "coco"

    path: FilePath = "annotations.json"


class SaveCvat(IndexNode):
    """All images of a job and their masks in one file "CVAT for images 1.1".

    Args:
        path: the XML file.

    Raises:
        DataError: masks of another size than the image.
    """

    format_name: ClassVar[str] = "cvat"

    path: FilePath = "annotations.xml"


class SaveYolo(FormatNode):
    """``labels/<name>.txt`` for each image: class, then x y x y ... as shares of width and height, a line an object.

    The format has one outline an object, so parts and holes are joined to it by cuts of no width. An image without
    objects gets an empty file (in training: background). ``classes.txt`` and ``data.yaml`` hold the names; classes
    are numbered from 0 as they come, and a folder that has names already goes on to count.

    Args:
        directory: where the files go.
        images: whether images are linked or copied into ``images/``, as training wants them: "link", "copy", "none".
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.

    Raises:
        DataError: masks of another size than the image.
    """

    format_name: ClassVar[str] = "yolo"

    directory: Folder = "yolo"
    images: str = "none"
    tolerance: NotNegative = 0.5


class SaveVoc(FormatNode):
    """``SegmentationObject/``, ``SegmentationClass/`` and ``Annotations/`` of Pascal VOC, and ``labelmap.txt``.

    Of objects that overlap the smaller is on top.

    Args:
        directory: where the files go.
        images: whether images are linked or copied into ``JPEGImages/``: "link", "copy", "none".

    Raises:
        DataError: more than 254 objects in an image, or more than 254 classes.
    """

    format_name: ClassVar[str] = "voc"

    directory: Folder = "masks"
    images: str = "none"


class SavePng(FormatNode):
    """A 16-bit label map for each image, ``<stem>.labels.png``: 0 is background, i + 1 the i-th object.

    With ``each`` also ``<stem>.mask-0001.png`` (0 and 255) for every object. Where objects overlap, the smaller one
    is on top in the map; ``ResolveOverlaps`` before this node decides otherwise, and ``each`` loses nothing.

    Args:
        directory: where the files go.
        images: whether images are linked or copied into ``images/``; the maps are then in ``masks/``.
        each: also one file for each mask.

    Raises:
        DataError: masks of another size than the image, or more than 65,535 of them.
    """

    format_name: ClassVar[str] = "png"

    directory: Folder = "masks"
    images: str = "none"
    each: bool = False


class SaveLabelMe(FormatNode):
    """``<stem>.json`` for each image, which LabelMe opens with it.

    Args:
        directory: where the files go.
        images: whether images are linked or copied beside them; without that the files say where the images are.
        polygons: outlines, which LabelMe can edit but without holes, in place of masks.
        tolerance: pixels by which an outline may be simplified.
    """

    format_name: ClassVar[str] = "labelme"

    directory: Folder = "masks"
    images: str = "none"
    polygons: bool = False
    tolerance: NotNegative = 1.0


class SaveLabelStudio(FormatNode):
    """``<stem>.task.json`` for each image: a task with the masks as brush labels to accept or mend.

    Args:
        directory: where the files go.
        images: whether images are linked or copied beside them.
        url: what the image's name is appended to, as Label Studio is to load it.
        from_name, to_name: of the ``BrushLabels`` and the ``Image`` tag in the project's labelling setup.
    """

    format_name: ClassVar[str] = "label_studio"

    directory: Folder = "masks"
    images: str = "none"
    url: str = "/data/local-files/?d="
    from_name: Name = "tag"
    to_name: Name = "image"


class SaveGeoJson(FormatNode):
    """``<stem>.geojson`` for each image: one Polygon or MultiPolygon an object.

    Args:
        directory: where the files go.
        images: whether images are linked or copied beside them.
        transform: from column and row to map coordinates, six numbers a to f: x = a * column + b * row + c,
            y = d * column + e * row + f, as rasterio gives it. By default pixels.
        crs: of those coordinates, as "EPSG:32632"; None: WGS 84, or pixels.
        tolerance: pixels by which an outline may be simplified.

    Raises:
        DataError: a transform that is not six numbers.
    """

    format_name: ClassVar[str] = "geojson"

    directory: Folder = "masks"
    images: str = "none"
    transform: Annotated[
        tuple[float, ...], Field(min_length=6, max_length=6, description="six numbers: a, b, c, d, e, f")
    ] = tuple(PIXELS)
    crs: str | None = None
    tolerance: NotNegative = 0.0


class SaveSvg(FormatNode):
    """``<stem>.svg`` for each image: one path an object, its label as the title.

    Args:
        directory: where the files go.
        images: whether images are linked or copied beside them.
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.
    """

    format_name: ClassVar[str] = "svg"

    directory: Folder = "masks"
    images: str = "none"
    tolerance: NotNegative = 0.5


class SaveCutouts(FormatNode):
    """``<stem>.0001.png`` and so on: each object with everything around it transparent.

    Args:
        directory: where the files go.
        images: whether images are linked or copied beside them.
        margin: transparent pixels around the object's box, where the image goes so far.
        whole: keep the image's size in place of the box.
    """

    format_name: ClassVar[str] = "cutouts"

    directory: Folder = "masks"
    images: str = "none"
    margin: Number = 0
    whole: bool = False
