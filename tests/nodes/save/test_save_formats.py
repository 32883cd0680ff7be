"""The nodes that write other tools' formats: the files' names and that they read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import grey_image, mask, masks_of
from PIL import Image as Pillow

from sampipe import DataError
from sampipe.data.cutouts import read_cutout
from sampipe.data.cvat import read_cvat
from sampipe.data.formats import read_dataset
from sampipe.data.geojson import read_geojson
from sampipe.data.label_studio import read_label_studio
from sampipe.data.labelme import read_labelme
from sampipe.data.svg import read_svg
from sampipe.nodes import SaveCutouts, SaveCvat, SaveGeoJson, SaveLabelMe, SaveLabelStudio, SaveSvg, SaveVoc

PIXELS = [mask("##..", "#...", "...."), mask("....", "..##", "..##")]


@pytest.fixture
def masks():
    return masks_of(PIXELS, labels=["cup", "pot"])


IMAGE = grey_image((3, 4), "folder/photo.jpg")


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("node", "file", "read"),
    [
        (SaveLabelMe, "photo.json", lambda path: read_labelme(path.read_text())),
        (SaveLabelStudio, "photo.task.json", lambda path: read_label_studio(path.read_text())),
        (SaveGeoJson, "photo.geojson", lambda path: read_geojson(path.read_text(), (3, 4))),
        (SaveSvg, "photo.svg", lambda path: read_svg(path.read_text())),
    ],
)
def test_one_file_an_image(node, file, read, masks, tmp_path: Path) -> None:
    parameters = {"tolerance": 0.0} if node is SaveSvg else {}
    assert node(directory=str(tmp_path), **parameters)(IMAGE, masks) is masks
    assert names(tmp_path) == [file]
    found = read(tmp_path / file)
    np.testing.assert_array_equal(found.binary(), np.stack(PIXELS))
    assert found.prompts.labels == ("cup", "pot")


def test_voc(masks, tmp_path: Path) -> None:
    save = SaveVoc(directory=str(tmp_path))
    save(IMAGE, masks)
    save.flush()
    maps = ["SegmentationClass/photo.png", "SegmentationObject/photo.png", "labelmap.txt"]
    assert names(tmp_path) == ["Annotations/photo.xml", "ImageSets/Segmentation/default.txt", *maps]
    (tmp_path / "JPEGImages").mkdir()
    Pillow.fromarray(IMAGE.pixels).save(tmp_path / "JPEGImages" / "photo.jpg")
    [image] = [reads() for reads in read_dataset(tmp_path, "voc").images]
    np.testing.assert_array_equal(image.masks().binary(), np.stack(PIXELS))
    assert [one.category for one in image.objects] == ["cup", "pot"]


def test_cutouts(masks, tmp_path: Path) -> None:
    SaveCutouts(directory=str(tmp_path))(IMAGE, masks)
    assert names(tmp_path) == ["photo.0001.png", "photo.0002.png"]
    np.testing.assert_array_equal(read_cutout((tmp_path / "photo.0001.png").read_bytes()), PIXELS[0][:2, :2])


def test_cvat_collects_the_images_of_a_job(masks, tmp_path: Path) -> None:
    save = SaveCvat(path=str(tmp_path / "all.xml"))
    save(IMAGE, masks)
    save(grey_image((3, 4), "other.jpg"), masks.select([1]))
    assert names(tmp_path) == []
    save.flush()
    found = read_cvat((tmp_path / "all.xml").read_text())
    assert list(found) == ["folder/photo.jpg", "other.jpg"]
    np.testing.assert_array_equal(found["other.jpg"].binary(), PIXELS[1][None])


def test_a_transform_of_five_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="wanted six"):
        SaveGeoJson(transform=(1, 0, 0, 0, 1))
