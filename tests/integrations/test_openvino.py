"""The encoder compiled by OpenVINO gives the embedding that ours gives, and masks come of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sampipe_integrations.openvino import OpenVinoEncode

import sampipe as sp
from sampipe.graph.registry import node_types
from sampipe.measure.quality.smoke import write_random_model
from sampipe.models import load_model
from sampipe.nodes import DecodeMasks

pytest.importorskip("openvino", reason='needs pip install "sampipe[openvino]"')


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield str(write_random_model(tmp_path_factory.mktemp("openvino") / "tiny.safetensors"))


IMAGE = sp.Image.from_array(np.random.default_rng(0).integers(0, 255, (60, 90, 3)).astype(np.uint8))
BOXES = sp.Prompts.from_boxes(np.array([[10, 10, 50, 40]], np.float32))


def test_the_embedding_is_ours_but_for_rounding(model: str) -> None:
    ours = load_model(model, "cpu").encode([IMAGE])[0]
    found = OpenVinoEncode(model=model, device="cpu", precision="exact").run(IMAGE)
    assert (found.model_key, found.image_key, found.frame) == (ours.model_key, ours.image_key, ours.frame)
    np.testing.assert_allclose(found.features.numpy(), ours.features.numpy(), atol=1e-4)


def test_masks_come_of_it(model: str) -> None:
    encode, decode = OpenVinoEncode(model=model, device="cpu"), DecodeMasks(model=model, device="cpu")

    def pipeline(image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        return decode(embedding=encode(image), prompts=prompts)

    found = sp.trace(pipeline).run(image=IMAGE, prompts=BOXES).masks
    exact = DecodeMasks(model=model, device="cpu").run(load_model(model, "cpu").encode([IMAGE])[0], BOXES)
    ours, theirs = exact.binary()[0], found.binary()[0]
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.9


def test_it_is_registered_and_says_what_it_needs(model: str) -> None:
    assert node_types()["openvino.OpenVinoEncode@1"] is OpenVinoEncode
    assert all(one.is_met() for one in OpenVinoEncode(model=model).requirements())


def test_a_precision_that_there_is_not() -> None:
    with pytest.raises(sp.DataError, match="precision='int3' does not fit; wanted one of 'exact', 'bf16'"):
        OpenVinoEncode(precision="int3")
