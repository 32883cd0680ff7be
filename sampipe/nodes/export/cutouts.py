"""Objects cut out of their images."""

from __future__ import annotations

from collections.abc import Mapping

from sampipe.formats.cutouts import write_cutouts
from sampipe.nodes._checks import check_number
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.types import Image, Masks


class SaveCutouts(FilePerImage):
    """``<stem>.0001.png`` and so on: each object with everything around it transparent.

    Args:
        directory: where the files go.
        margin: transparent pixels around the object's box, where the image goes so far.
        whole: keep the image's size in place of the box.
    """

    margin: int = 0
    whole: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "margin", least=0, whole=True)

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        cut = write_cutouts(image, masks, margin=self.margin, whole=self.whole)
        return {f"{stem}.{i:04d}.png": png for i, png in enumerate(cut, start=1) if png is not None}
