"""DAVIS: frames in ``JPEGImages/``, label maps in ``Annotations/``, both in a folder for each clip."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image as Pillow

from sampipe._files import write_atomic
from sampipe.data.annotated import AnnotatedImage, Dataset
from sampipe.data.format import Format, MapWriter
from sampipe.data.label_png import dataset_of_maps, pairs_of
from sampipe.data.palette import palette
from sampipe.data.report import ReadReport
from sampipe.errors import DataError
from sampipe.types import Image


def read(folder: Path) -> Dataset:
    """Every annotated frame. A number of the map is an object; 255 is void beside others (DAVIS 2016 has it alone).

    Raises:
        DataError: no such folders.
    """
    images, labels = folder / "JPEGImages", folder / "Annotations"
    if not (images.is_dir() and labels.is_dir()):
        raise DataError(f"{folder}: wanted JPEGImages/ and Annotations/")
    report = ReadReport()
    return dataset_of_maps(folder, "davis", pairs_of(images, labels, report), images, report)


@dataclass(kw_only=True)
class DavisWriter(MapWriter):
    """``Annotations/<name>.png``, palette maps; frames in ``JPEGImages/`` as ``images`` says."""

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        if len(image.objects) >= 255:
            raise DataError(f"{image.name}: {len(image.objects)} objects; a DAVIS map holds 254")
        self.place(image, pixels, self.folder / "JPEGImages" / name)
        opened = Pillow.fromarray(self.label_map(image).astype(np.uint8))
        opened.putpalette(palette())
        buffer = io.BytesIO()
        opened.save(buffer, format="PNG")
        file = self.folder / "Annotations" / PurePosixPath(name).with_suffix(".png")
        write_atomic(file, buffer.getvalue())
        return [file]


def _recognize(folder: Path) -> bool:
    images, labels = folder / "JPEGImages", folder / "Annotations"
    return images.is_dir() and labels.is_dir() and next(labels.rglob("*.png"), None) is not None


FORMAT = Format(
    name="davis",
    title="DAVIS",
    read=read,
    recognize=_recognize,
    writer=DavisWriter,
    files="Annotations/{stem}.png",
    placing="link",
    cannot_hold="overlaps (the smaller is on top), labels, category ids, scores, crowds, more than 254 objects",
    opened_by="Pillow 12",
)
