"""Masks as tasks for Label Studio."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from sampipe.formats.label_studio import write_label_studio
from sampipe.nodes._checks import check_text
from sampipe.nodes.export._per_image import FilePerImage, image_file_name
from sampipe.types import Image, Masks


class SaveLabelStudio(FilePerImage):
    """``<stem>.task.json`` for each image: a task with the masks as brush labels to accept or mend.

    Args:
        directory: where the files go.
        images: what the image files' names are appended to, as Label Studio is to load them.
        from_name, to_name: of the ``BrushLabels`` and the ``Image`` tag in the project's labelling setup.
    """

    images: str = "/data/local-files/?d="
    from_name: str = "tag"
    to_name: str = "image"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("from_name", "to_name"):
            check_text(self, name, what="the name of a tag in the labelling setup")

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        url = self.images + quote(image_file_name(image))
        text = write_label_studio(masks, url, from_name=self.from_name, to_name=self.to_name)
        return {f"{stem}.task.json": text.encode()}
