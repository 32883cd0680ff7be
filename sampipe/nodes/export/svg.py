"""Masks as SVG drawings."""

from __future__ import annotations

from collections.abc import Mapping

from sampipe.formats.svg import write_svg
from sampipe.nodes._checks import check_number
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.types import Image, Masks


class SaveSvg(FilePerImage):
    """``<stem>.svg`` for each image: one path an object, its label as the title.

    Args:
        directory: where the files go.
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.
    """

    tolerance: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "tolerance", least=0)

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        return {f"{stem}.svg": write_svg(masks, tolerance=self.tolerance).encode()}
