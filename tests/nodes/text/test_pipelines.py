"""Nodes together, as people write them."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawings import files, grey_image

from sampipe import Graph, Image, Masks, trace
from sampipe.nodes import (
    Annotate,
    Boxes,
    CleanMasks,
    LargestMasks,
    MaskNMS,
    PointGrid,
    ResolveOverlaps,
    SaveCoco,
    SaveLabelMe,
    SaveOverlay,
    SavePng,
    SaveYolo,
    Segment,
    SegmentEverything,
    SelectCandidate,
)


@pytest.fixture
def photos() -> list[Image]:
    rng = np.random.default_rng(0)
    return [Image.from_array(rng.integers(0, 255, (40, 60, 3)).astype(np.uint8), source=f"{i}.png") for i in range(4)]


def test_a_chain_to_files_and_through_yaml(photos: list[Image], tiny_sam: str, tmp_path: Path) -> None:
    graph = (
        PointGrid(per_side=3)
        | Segment(model=tiny_sam, device="cpu")
        | SelectCandidate(by="click")
        | MaskNMS(iou=0.9)
        | CleanMasks(max_hole=5, min_island=5)
        | ResolveOverlaps(by="area")
        | SaveCoco(path=str(tmp_path / "annotations.json"))
        | SavePng(directory=str(tmp_path))
        | SaveYolo(directory=str(tmp_path))
        | SaveOverlay(directory=str(tmp_path))
    )
    assert Graph.from_yaml(graph.to_yaml()) == graph
    results = list(graph.map(photos, batch_size=2))
    coco = json.loads((tmp_path / "annotations.json").read_text())
    with_pixels = sum(int((result["masks"].area() > 0).sum()) for result in results)
    assert len(coco["annotations"]) == with_pixels > 0
    expected = {"annotations.json", "classes.txt", "data.yaml"}
    for index in range(4):
        expected |= {f"{index}.labels.png", f"{index}.overlay.png", f"labels/{index}.txt"}
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("[!.]*") if path.is_file()} == expected
    steps = [step.partition("(")[0] for step in results[0]["masks"].history[0]]
    assert steps == ["Segment", "SelectCandidate", "MaskNMS", "CleanMasks", "ResolveOverlaps"]


def test_a_traced_function_with_two_branches(photos: list[Image], tiny_sam: str) -> None:
    boxes, segment = Boxes(boxes=[[5, 5, 30, 30], [20, 10, 50, 35]]), Segment(model=tiny_sam, device="cpu")
    largest, annotate = LargestMasks(count=1), Annotate()

    def pipeline(image: Image) -> tuple[Image, Masks]:
        masks = largest(segment(image, prompts=boxes()))
        return annotate(image, masks), masks

    drawn, masks = pipeline(photos[0])
    result = trace(pipeline).run(image=photos[0])
    np.testing.assert_array_equal(result.image.pixels, drawn.pixels)
    assert result.masks.rle() == masks.rle()


def test_threads_share_a_graph(photos: list[Image], tiny_sam: str) -> None:
    graph = SegmentEverything(model=tiny_sam, device="cpu", points_per_side=2) | CleanMasks()
    alone = [graph.run(image=photo).masks.rle() for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda photo: graph.run(image=photo).masks.rle(), photos * 2))
    assert together == alone * 2


def test_importing_the_nodes_loads_nothing_heavy() -> None:
    program = "import sys, sampipe.nodes; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"torch", "supervision", "scipy", "skimage", "pycocotools", "cv2", "pandas"}
    assert not heavy & set(loaded.stdout.split())


def test_an_image_called_annotations_does_not_overwrite_the_index(tmp_path: Path) -> None:
    image, masks = grey_image((2, 2), "annotations.jpg"), Masks.empty((2, 2))
    coco, labelme = SaveCoco(path=str(tmp_path / "annotations.json")), SaveLabelMe(directory=str(tmp_path))
    for node in (coco, labelme):
        node(image, masks)
        node.flush()
    assert files(tmp_path) == ["annotations.json", "annotations_.json"]
