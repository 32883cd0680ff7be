"""A detector of things, trained on the masks so far: mechanics on small images, a step or two each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from annotate_squares import HW, square

pytest.importorskip("gradio", reason='the page needs pip install "sampipe[demo]"')

from sampipe_integrations.torchvision import learning

from sampipe.errors import DataError
from sampipe.pages.label.background import BackgroundJob
from sampipe.pages.label.instances import Instances
from sampipe.pages.label.learning import learn_things
from sampipe.pages.label.merge import Complete, Propose, Put
from sampipe.pages.label.project import Project
from sampipe.pages.label.proposals import LEARNED, Sources, proposed

MOMENT = 1e-6  # minutes: one step


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "_BATCH", 1)


def test_it_learns_from_accepted_masks_goes_on_and_proposes(
    folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[str, int]]] = []
    train = learning.train

    def noted(network: object, examples: list[tuple[Path, np.ndarray]], **how: object) -> object:
        seen.append([(path.name, len(boxes)) for path, boxes in examples])
        return train(network, examples, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(learning, "train", noted)
    monkeypatch.setenv("TORCH_HOME", str(folder / "no published weights"))
    project = Project(folder)
    project.change(project.images[0], HW, Put(square(3, 4, 20)), Propose((square(30, 4),), "x"))
    project.change(project.images[1], HW, Complete(True))
    sources = Sources(
        learned=project.annotations / "detector.safetensors", model=str(tiny_model), device="cpu", confidence=0.0
    )
    assert "no detector trained on these images yet" in sources.missing(LEARNED)
    report = learn_things(Instances(project), sources, minutes=MOMENT, job=BackgroundJob())
    assert seen == [[("a.png", 1), ("b.png", 0)]]
    assert report.startswith("Learnt from 1 boxes on 2 images: 1 steps") and "starting from random weights" in report
    assert "it finds only what looks much like them" in report
    assert sources.missing(LEARNED) == ""
    image = project.open(project.images[2])
    found = sources.detector(LEARNED)(image)
    assert len(found) > 0 and found.boxes.shape == (len(found), 4)
    masks = proposed(sources.graph(LEARNED), image, project.read(project.images[2]), LEARNED, None)
    assert all(not mask.accepted and mask.label == "" and mask.box is not None for mask in masks)
    again = learn_things(Instances(project), sources, minutes=MOMENT, job=BackgroundJob())
    assert "starting from the last training" in again


def test_without_a_mask_there_is_nothing_to_learn_from(folder: Path) -> None:
    project = Project(folder)
    project.change(project.images[0], HW, Propose((square(30, 4),), "x"))
    sources = Sources(learned=project.annotations / "detector.safetensors")
    with pytest.raises(DataError, match="nothing to learn from yet"):
        learn_things(Instances(project), sources, minutes=MOMENT, job=BackgroundJob())
    assert not sources.learned.exists()


def test_boxes_are_mirrored_and_reduced_with_their_images(tmp_path: Path) -> None:
    import random

    import torch
    from PIL import Image as Pillow

    pixels = np.zeros((400, 1280, 3), np.uint8)
    pixels[100:200, 800:1000] = 255
    Pillow.fromarray(pixels).save(tmp_path / "wide.png")
    pictures = learning._Pictures([(tmp_path / "wide.png", np.array([[800, 100, 1000, 200]], np.float32))])
    lefts = set()
    for seed in range(8):
        picture, target = pictures.draw(random.Random(seed), torch.device("cpu"))
        assert picture.shape == (3, 200, 640)
        x0, y0, x1, y1 = (int(value) for value in target["boxes"][0])
        assert picture[:, y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].min() > 0.5
        lefts.add(x0)
    assert lefts == {400, 140}


def test_images_that_are_gone_teach_nothing(tmp_path: Path) -> None:
    import random

    import torch

    gone = learning._Pictures([(tmp_path / "gone.png", np.zeros((1, 4), np.float32))])
    with pytest.raises(DataError, match="none of the annotated images can be read"):
        gone.draw(random.Random(0), torch.device("cpu"))
