"""One register: a family of another package's segmenters behind ``model=``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch

import sampipe as sp
from sampipe.models import Segmenter, load_segmenter
from sampipe.models import segmenters as register
from sampipe.models.config import EverythingDefaults
from sampipe.nodes import AddClicks, PointGrid, Refine, Segment, SegmentEverything

IMAGE = sp.Image.from_array(np.full((64, 64, 3), 128, np.uint8))


class Discs(Segmenter):
    """A disc of 6 pixels around each point, or the inscribed disc of a box: takes no masks and no text."""

    name, key = "discs", "discs"
    device = torch.device("cpu")
    takes = frozenset({"points", "boxes"})
    mask_size = 16
    everything = EverythingDefaults(points_per_side=2, pred_iou=0.5, stability=0.0, min_region_area=0)

    def encode(self, images: Sequence[sp.Image]) -> list[sp.ImageEmbedding]:
        return [
            sp.ImageEmbedding(
                features=torch.zeros(1, 4, 4), frame=sp.Frame.fit(one.hw, 64), model_key=self.key, image_key=one.key
            )
            for one in images
        ]

    def decode_batch(
        self, embeddings: Sequence[sp.ImageEmbedding], prompts: Sequence[sp.Prompts], *, multimask: bool
    ) -> list[sp.Masks]:
        return [self._discs(*pair, 3 if multimask else 1) for pair in zip(embeddings, prompts, strict=True)]

    def _discs(self, embedding: sp.ImageEmbedding, prompts: sp.Prompts, width: int) -> sp.Masks:
        self.check(embedding, prompts)
        y, x = np.mgrid[:16, :16] * 4 + 2
        middles = prompts.points[:, 0] if prompts.points is not None else prompts.boxes.reshape(-1, 2, 2).mean(axis=1)
        logits = np.stack([8.0 - np.hypot(x - mx, y - my) for mx, my in middles]).astype(np.float32)
        return sp.Masks(
            frame=embedding.frame,
            prompts=prompts,
            logits=torch.from_numpy(logits)[:, None].repeat(1, width, 1, 1),
            iou_scores=np.tile(np.linspace(0.9, 0.1, width, dtype=np.float32), (len(prompts), 1)),
            candidates=np.tile(np.arange(width) + (width > 1), (len(prompts), 1)),
        )


class Family:
    names = ("discs",)
    loads = 0

    def has(self, model: str) -> bool:
        return model == "discs"

    def takes(self, model: str) -> frozenset[str]:
        return Discs.takes

    def requirements(self, model: str) -> Sequence[sp.Requirement]:
        return [sp.Requirement.package("torch")]

    def load(self, model: str, device: torch.device, precision: str) -> Segmenter:
        self.loads += 1
        return Discs()


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    one = Family()
    monkeypatch.setattr(register, "_families", lambda: iter([one]))
    yield one


def test_a_family_is_one_name_away(family: Family) -> None:
    segment = Segment(model="discs", device="cpu")
    masks = segment(IMAGE, prompts=sp.Prompts.from_points([[20, 30], [50, 40]]))
    assert masks.num_candidates == 3 and masks.best().binary()[0, 30, 20]
    assert segment.sam is SegmentEverything(model="discs", device="cpu").sam is load_segmenter("discs", "cpu")
    assert family.loads == 1 and "discs" in register.segmenter_names()


def test_everything_keeps_the_candidates_that_are_good(family: Family) -> None:
    masks = SegmentEverything(model="discs", device="cpu")(IMAGE)
    assert {tuple(point) for point in masks.prompts.points[:, 0]} == {(x, y) for x in (16, 48) for y in (16, 48)}
    assert masks.candidates.tolist() == [[1]] * 4  # of 0.9, 0.5 and 0.1 two are good, and alike


def test_a_node_that_gives_masks_says_at_the_check_that_a_model_takes_none(family: Family) -> None:
    report = (Segment(model="discs") | Refine(model="discs")).check()
    assert str(report) == (
        "prompts: 'refine' (Refine) needs the prompts 'masks', which is not here.\n"
        "    discs takes points and boxes; give Refine a model that takes masks, such as nano"
    )
    assert (Segment(model="discs") | Refine(model="nano")).check().ok
    assert not (Segment(model="discs") | AddClicks(model="discs", points=[[1, 1]])).check().ok
    assert (PointGrid() | Segment(model="discs")).check().ok and not family.loads


def test_a_prompt_that_the_model_does_not_take_is_refused(family: Family) -> None:
    for prompts, reason in (
        (sp.Prompts(mask_logits=np.ones((1, 16, 16), np.float32)), "takes points and boxes as prompts, not masks"),
        (sp.Prompts(text=np.eye(1, 8, dtype=np.float32), text_space="s"), "takes points and boxes, not CLIP vectors"),
    ):
        with pytest.raises(sp.DataError, match=reason):
            Segment(model="discs", device="cpu")(IMAGE, prompts=prompts)


def test_who_needs_a_network_of_sampipe_s_own_says_so(family: Family) -> None:
    with pytest.raises(sp.CheckpointError, match="discs is another package's model"):
        sp.load_model("discs")
    with pytest.raises(sp.CheckpointError, match=r"'dics' is neither .* Did you mean 'discs'"):
        load_segmenter("dics")
