"""Masks as LabelMe files."""

from __future__ import annotations

from collections.abc import Mapping

from sampipe.formats.labelme import write_labelme
from sampipe.nodes._checks import check_number
from sampipe.nodes.export._per_image import FilePerImage, image_file_name
from sampipe.types import Image, Masks


class SaveLabelMe(FilePerImage):
    """``<stem>.json`` for each image, which LabelMe opens with it.

    Args:
        directory: where the files go; LabelMe looks for the image there.
        polygons: outlines, which LabelMe can edit but without holes, in place of masks.
        tolerance: pixels by which an outline may be simplified.
    """

    polygons: bool = False
    tolerance: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "tolerance", least=0)

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        text = write_labelme(masks, image_file_name(image), polygons=self.polygons, tolerance=self.tolerance)
        return {f"{stem}.json": text.encode()}
