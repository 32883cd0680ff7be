"""What all tests share: where the test pictures are, and as many threads as is polite."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image as PilImage

from sampipe.types import RLE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch loads; the tests run in parallel already
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; what tests interrupt would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("sampipe", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("sampipe")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first: at the end they would keep one process busy and leave the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> None:
    """Parallel tests on few cores: one thread each."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of test pictures and annotations; skips where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SAMPIPE_TEST_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"needs the test data: {folder} is not there; set SAMPIPE_TEST_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; one a process, because Playwright runs only once in each."""
    playwright = pytest.importorskip("playwright.sync_api", reason='needs playwright: pip install "sampipe[test]"')
    found = os.environ.get("SAMPIPE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("needs a Chromium: apt-get install chromium, or set SAMPIPE_CHROMIUM to one")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def windows(browser: Any) -> Iterator[Any]:
    """A browser's profile whose windows share one cache: Gradio's scripts are read and compiled once for all tests."""
    profile = browser.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    yield profile
    profile.close()


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """Two pictures of 80 x 60; the first holds an ellipse and a box, both 40 x 30, the second an ellipse."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    ys, xs = np.mgrid[:60, :80] + 0.5
    oval = ((xs - 30) / 20) ** 2 + ((ys - 25) / 15) ** 2 <= 1
    block = (xs > 35) & (xs < 75) & (ys > 25) & (ys < 55)
    pictures = {1: [oval, block], 2: [oval]}
    images, annotations = [], []
    for key, masks in pictures.items():
        pixels = np.random.default_rng(key).integers(0, 90, size=(60, 80, 3), dtype=np.uint8)
        for mask in masks:
            rle = RLE.from_mask(mask)
            x1, y1, x2, y2 = rle.box.tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": key,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "segmentation": rle.to_coco(),
                }
            )
            pixels[mask] = 200
        PilImage.fromarray(pixels).save(folder / "images" / f"{key}.png")
        images.append({"id": key, "file_name": f"{key}.png", "height": 60, "width": 80})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder
