"""What is written opens in the program that it is for; those that are not installed skip."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as Pillow
from test_formats import BAR, HW, RING, coco

from sampipe.data.convert import convert
from sampipe.data.formats import read_dataset

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own


def written(tmp_path: Path, name: str, **options: Any) -> Path:
    convert(read_dataset(coco(tmp_path / "from")), tmp_path / name, name, **options)
    return tmp_path / name


def in_another_process(program: str, cwd: Path, **environment: str) -> str:
    """What a program prints; those that it imports change this process too much (Pillow, threads, settings)."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


def needs(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


def test_pycocotools(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        opened = COCO(str(written(tmp_path, "coco") / "instances.json"))
        convert(read_dataset(tmp_path / "from"), tmp_path / "results", "coco_results")
        rows = json.loads((tmp_path / "results" / "results.json").read_text())
        found = opened.loadRes([{**row, "image_id": row["image_id"] - 3} for row in rows])
    for key, mask in ((1, RING), (2, BAR)):
        np.testing.assert_array_equal(opened.annToMask(opened.loadAnns([key])[0]), mask)
        np.testing.assert_array_equal(found.annToMask(found.loadAnns([key])[0]), mask)


def test_faster_coco_eval(tmp_path: Path) -> None:
    package = pytest.importorskip("faster_coco_eval")
    opened = package.COCO(str(written(tmp_path, "coco") / "instances.json"))
    assert len(opened.anns) == 2 and sorted(opened.cats) == [3, 7, 12]


def test_lvis(tmp_path: Path) -> None:
    package = pytest.importorskip("lvis")
    opened = package.LVIS(str(written(tmp_path, "lvis") / "lvis.json"))
    np.testing.assert_array_equal(opened.ann_to_mask(opened.load_anns([1])[0]), RING)
    assert {row["frequency"] for row in opened.cats.values()} == {"r"}


def test_ultralytics_finds_the_images_from_another_working_directory(tmp_path: Path) -> None:
    needs("ultralytics")
    folder = written(tmp_path, "yolo", images="link")
    (tmp_path / "elsewhere" / "images").mkdir(parents=True)
    program = (
        "from ultralytics.data.utils import check_det_dataset as check\n"
        f"found = check({str(folder / 'data.yaml')!r}, autodownload=False)\n"
        "print('RESULT', found['train'], found['names'])"
    )
    told = in_another_process(program, tmp_path / "elsewhere", YOLO_OFFLINE="true", YOLO_CONFIG_DIR=str(tmp_path))
    assert f"RESULT {folder / 'images'} {{0: 'ring', 1: 'bar', 2: 'unused'}}" in told


def test_ultralytics_trains_an_epoch(tmp_path: Path) -> None:
    """It finds both objects and the image of background, and leaves no image out as corrupt."""
    needs("ultralytics")
    folder = written(tmp_path, "yolo", images="link")
    program = f"""
import torch
torch.set_num_threads(1)
from ultralytics import YOLO
model = YOLO("yolo11n-seg.yaml", verbose=False)
model.train(data={str(folder / "data.yaml")!r}, epochs=1, imgsz=64, batch=2, workers=0, device="cpu", plots=False,
            val=False, save=False, pretrained=False, project={str(tmp_path / "runs")!r}, exist_ok=True, verbose=False)
data = model.trainer.train_loader.dataset
print("RESULT", sorted((label["cls"].ravel().tolist(), len(label["segments"])) for label in data.labels))
"""
    told = in_another_process(program, tmp_path, YOLO_OFFLINE="true", YOLO_CONFIG_DIR=str(tmp_path))
    assert "RESULT [([], 0), ([0.0], 1), ([1.0], 1)]" in told


@pytest.mark.parametrize("images", ["copy", "none"])
def test_labelme(tmp_path: Path, images: str) -> None:
    """Its loader opens the image that the file names, from wherever it is, and compares the size."""
    folder = written(tmp_path, "labelme", images=images)
    names = [(file, json.loads(file.read_text())["imagePath"]) for file in sorted(folder.rglob("*.json"))]
    assert len(names) == 3
    for file, name in names:
        assert not Path(name).is_absolute() and "\\" not in name and (file.parent / name).is_file()
    needs("labelme")
    program = f"""
from pathlib import Path
from labelme._label_file import LabelFile
for file in sorted(Path({str(folder)!r}).rglob("*.json")):
    opened = LabelFile(str(file))
    shapes = [(one["label"], int(one["mask"].sum()), one["points"]) for one in opened.shapes]
    print("RESULT", len(opened.image_data or b"") > 0, shapes)
"""
    told = in_another_process(program, tmp_path, QT_QPA_PLATFORM="offscreen").splitlines()
    assert [line for line in told if line.startswith("RESULT")] == [
        f"RESULT True [('ring', {RING.sum()}, [[3.0, 2.0], [16.0, 13.0]])]",
        f"RESULT True [('bar', {BAR.sum()}, [[20.0, 15.0], [32.0, 20.0]])]",
        "RESULT True []",
    ]


def test_label_studio_converter(tmp_path: Path) -> None:
    brush = pytest.importorskip("label_studio_converter.brush")
    task = json.loads((written(tmp_path, "label_studio") / "p" / "one.task.json").read_text())
    [region] = task["predictions"][0]["result"]
    pixels = np.array(brush.decode_rle(region["value"]["rle"])).reshape(*HW, 4)
    np.testing.assert_array_equal(pixels, np.where(RING[..., None], 255, 0).repeat(4, axis=2))


def test_pycocotools_reads_the_run_lengths_of_sa1b(tmp_path: Path) -> None:
    from pycocotools import mask

    document = json.loads((written(tmp_path, "sa1b") / "q" / "one.json").read_text())
    np.testing.assert_array_equal(mask.decode(document["annotations"][0]["segmentation"]), BAR)


def test_pyarrow(tmp_path: Path) -> None:
    from pyarrow import parquet
    from pycocotools import mask

    rows = parquet.read_table(written(tmp_path, "parquet") / "images.parquet").to_pylist()
    assert [(row["path"], len(row["masks"])) for row in rows] == [("p/one.png", 1), ("q/one.png", 1), ("sky.png", 0)]
    found = mask.decode({"size": [rows[0]["height"], rows[0]["width"]], "counts": rows[0]["masks"][0]["counts"]})
    np.testing.assert_array_equal(found, RING)


def test_pillow(tmp_path: Path) -> None:
    """The rule of each format that is images, as its own documents give it."""
    for name, path in (("png", "masks/p/one.png"), ("davis", "Annotations/p/one.png")):
        np.testing.assert_array_equal(np.asarray(Pillow.open(written(tmp_path, name) / path)), RING)
    colors = np.asarray(Pillow.open(written(tmp_path, "panoptic") / "panoptic" / "p" / "one.png")).astype(int)
    np.testing.assert_array_equal(colors @ [1, 256, 256**2], RING)  # panopticapi's rgb2id
    binary = np.asarray(Pillow.open(written(tmp_path, "masks") / "p" / "one" / "0.png"))
    np.testing.assert_array_equal(binary, RING * 255)
    cut = Pillow.open(written(tmp_path, "cutouts") / "p" / "one.0001.png")
    np.testing.assert_array_equal(np.asarray(cut.getchannel("A")) > 0, RING[2:14, 3:17])


def test_a_parser_of_xml(tmp_path: Path) -> None:
    root = ElementTree.parse(written(tmp_path, "svg") / "p" / "one.svg").getroot()
    [path] = root.iter("{http://www.w3.org/2000/svg}path")
    assert path.findtext("{http://www.w3.org/2000/svg}title") == "ring"


def test_pandas_reads_the_table_of_masks(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(written(tmp_path, "masks") / "p" / "one" / "metadata.csv")
    assert table[["id", "area", "bbox_x0", "bbox_w"]].to_numpy().tolist() == [[0, RING.sum(), 3, 14]]


def test_rasterio(tmp_path: Path) -> None:
    features = pytest.importorskip("rasterio.features")
    document = json.loads((written(tmp_path, "geojson") / "p" / "one.geojson").read_text())
    drawn = features.rasterize([(document["features"][0]["geometry"], 1)], out_shape=HW)
    np.testing.assert_array_equal(drawn, RING)


def test_a_reader_of_excels_csv(tmp_path: Path) -> None:
    with (written(tmp_path, "csv") / "boxes.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, dialect="excel"))
    assert [(row["image"], row["label"], row["x0"]) for row in rows] == [
        ("p/one.png", "ring", "3.0"),
        ("q/one.png", "bar", "20.0"),
    ]


@pytest.mark.parametrize(("name", "importer"), [("cvat", "cvat"), ("voc", "voc_segmentation")])
def test_datumaro(tmp_path: Path, name: str, importer: str) -> None:
    package = pytest.importorskip("datumaro")
    opened = package.Dataset.import_from(str(written(tmp_path, name)), importer)
    assert len(opened) == 3
    assert sum(len(item.annotations) for item in opened) == 2


def test_datumaro_reads_our_coco_and_we_read_its(tmp_path: Path) -> None:
    """It wants the document where COCO has it; what it exports is read as it lies."""
    package = pytest.importorskip("datumaro")
    folder = written(tmp_path, "coco", options={"file": "annotations/instances_default.json"})
    opened = package.Dataset.import_from(str(folder), "coco_instances")
    masks = {
        item.id: one.image.astype(bool)
        for item in opened
        for one in item.annotations
        if one.type == package.AnnotationType.mask
    }
    np.testing.assert_array_equal(masks["p/one"], RING)
    np.testing.assert_array_equal(masks["q/one"], BAR)
    assert {item.id for item in opened} == {"p/one", "q/one", "sky"}
    opened.export(str(tmp_path / "exported"), "coco_instances", save_media=True)
    data = read_dataset(tmp_path / "exported")
    images = {image.name: image for image in (reads() for reads in data.images)}
    assert data.format == "coco" and set(images) == {"p/one.png", "q/one.png", "sky.png"}
    assert {one.category for image in images.values() for one in image.objects} == {"ring", "bar"}
    assert all(image.open().hw == HW for image in images.values())
    assert not data.report.lost and not data.report.left_out


@pytest.mark.parametrize("name", ["coco", "coco_instances", "coco_panoptic", "cvat", "voc"])
def test_we_read_what_datumaro_exports(tmp_path: Path, name: str) -> None:
    package = pytest.importorskip("datumaro")
    media = package.Image.from_numpy(np.zeros((*HW, 3), np.uint8))
    mask = package.Mask(image=RING, label=0, id=1, group=1)
    item = package.DatasetItem("p/one", subset="default", media=media, annotations=[mask])
    exported = package.Dataset.from_iterable([item], categories=["ring"])
    exported.export(str(tmp_path / "exported"), name, save_media=True)
    [image] = [reads() for reads in read_dataset(tmp_path / "exported").images]
    [one] = image.objects
    assert (image.name, image.open().hw, one.category) == ("p/one.jpg", HW, "ring")
    np.testing.assert_array_equal(one.mask.decode(), RING)


def test_geopandas(tmp_path: Path) -> None:
    """Where the shapes are on the map, what they are called, and that every pixel is theirs."""
    package = pytest.importorskip("geopandas")
    features = pytest.importorskip("rasterio.features")
    affine = pytest.importorskip("affine").Affine(0.5, 0, 400_000, 0, -0.5, 5_000_000)
    options = {"transform": tuple(affine)[:6], "crs": "EPSG:32632"}
    table = package.read_file(written(tmp_path, "geojson", options=options) / "p" / "one.geojson")
    assert table.crs.to_epsg() == 32632
    assert table["label"].tolist() == ["ring"] and table.geometry.is_valid.all()
    assert table.geometry.area.tolist() == [RING.sum() / 4]
    assert table.total_bounds.tolist() == [400_001.5, 4_999_993, 400_008.5, 4_999_999]
    np.testing.assert_array_equal(features.rasterize(table.geometry, out_shape=HW, transform=affine), RING)
