"""Ids stay with the objects: counted on clips whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from moving import Scene, account, box_of, clip, cut_out, iou, line

import sampipe as sp
from sampipe.graph.chain import as_graph
from sampipe.nodes import Follow, Segment, Track
from sampipe.testing import check_node

HW = (180, 320)
THINGS = (
    cut_out("face", "astronaut", (165, 40, 285, 200), line((6, 20), (90, 70)), step=2),
    cut_out("cup", "coffee", (150, 30, 430, 330), line((230, 40), (150, 10)), step=4),
    cut_out("coin", "coins", (191, 26, 242, 78), line((-50, 120), (150, 124))),
    cut_out("cat", "chelsea", (120, 40, 320, 230), line((240, 110), (330, 125)), step=3),
)
NAMES = [one.label for one in THINGS]
FRAMES = 14


@sp.register("video_test")
class Told(sp.Node):
    """A detector that is as good as its parameters say: boxes of a clip's truth, some wrong, some left out."""

    jitter: float = 0.0
    missing: float = 0.0

    def run(self, image: sp.Image) -> sp.Prompts:
        rng = np.random.default_rng(int(image.key[:8], 16))
        scene = next(one for one in SCENES if one.image.key == image.key)
        seen = [i for i, mask in scene.masks.items() if mask.sum() > 150 and rng.uniform() >= self.missing]
        boxes = np.array([box_of(scene.masks[i]) for i in seen], np.float32).reshape(-1, 4)
        boxes += rng.normal(0, self.jitter, boxes.shape).astype(np.float32)
        scores = rng.uniform(0.7, 1, len(seen)).astype(np.float32)
        return sp.Prompts.from_boxes(boxes, labels=[NAMES[i] for i in seen], scores=scores)


SCENES: list[Scene] = []


@pytest.fixture(scope="module", autouse=True)
def scenes() -> Iterator[list[Scene]]:
    """Four things, of which one comes in and one leaves; each frame is encoded once for all tests."""
    SCENES.extend(clip(THINGS, FRAMES, HW))
    yield SCENES
    SCENES.clear()


def masks_of(node: Any, scenes: Sequence[Scene], **first: Any) -> list[sp.Masks]:
    items = [{"image": one.image, **(first if i == 0 else {})} for i, one in enumerate(scenes)]
    return [result.masks for result in as_graph(node).map(items)]  # type: ignore[union-attr]


def test_ids_stay_between_detections(scenes: list[Scene]) -> None:
    found = masks_of(Follow.of(Told(jitter=1.5), every=5), scenes)
    told = account(scenes, found)
    print(f"mean IoU {np.mean(told.ious):.3f}, {told.switches} switches, {told.ids}")
    assert told.switches == 0 and told.shared == 0
    assert np.mean(told.ious) > 0.75
    assert len(told.ids) == 4
    names = {n: NAMES[i] for i, ids in told.ids.items() for n in ids if n > 0}
    for masks in found:
        assert masks.prompts.labels == tuple(names[n] for n in masks.prompts.track_ids)  # type: ignore[union-attr]


@pytest.mark.parametrize("frames", [12, 16, 24])
def test_two_that_cross_keep_their_ids(frames: int) -> None:
    """The cup goes by in front of the face, hides nearly all of it, and each is itself on the other side."""
    things = (
        cut_out("face", "astronaut", (165, 40, 285, 200), line((30, 40), (210, 60)), step=2),
        cut_out("cup", "coffee", (150, 30, 430, 330), line((230, 60), (20, 50)), step=4),
    )
    crossing = list(clip(things, frames, HW))
    hidden = [1 - one.masks[0].sum() / things[0].mask.sum() for one in crossing]
    assert max(hidden) > 0.6 and hidden[0] == hidden[-1] == 0
    first = sp.Prompts.from_boxes([box_of(crossing[0].masks[i]) for i in (0, 1)])
    told = account(crossing, masks_of(Follow(patience=8), crossing, prompts=first))
    assert told.switches == 0 and told.shared == 0 and np.mean(told.ious) > 0.85
    assert told.ids[0][0] == told.ids[0][-1] == 1 and told.ids[1] == [2] * len(crossing)


def test_new_objects_get_new_ids_and_those_that_left_are_gone(scenes: list[Scene]) -> None:
    found = masks_of(Follow.of(Told(), every=2, patience=1), scenes)
    first, last = found[0].prompts, found[-1].prompts
    assert set(first.labels or ()) == {"face", "cup", "cat"}
    assert set(last.labels or ()) == {"face", "cup", "coin"}
    coin = {n for masks in found for n, name in _named(masks) if name == "coin"}
    assert len(coin) == 1 and min(coin) > 3


def _named(masks: sp.Masks) -> list[tuple[int, str]]:
    ids = [] if masks.prompts.track_ids is None else masks.prompts.track_ids.tolist()
    return list(zip(ids, masks.prompts.labels or (), strict=True))


def test_a_box_on_the_first_frame_is_followed_without_a_detector(scenes: list[Scene]) -> None:
    box = sp.Prompts.from_boxes([box_of(scenes[0].masks[0])], labels=["mine"])
    found = masks_of(Follow(), scenes, prompts=box)
    assert [masks.prompts.track_ids.tolist() for masks in found] == [[1]] * FRAMES  # type: ignore[union-attr]
    truth = [Scene(one.image, {0: one.masks[0]}) for one in scenes]
    assert np.mean(account(truth, found).ious) > 0.7


def test_a_detector_that_misses_half_of_them_changes_no_id(scenes: list[Scene]) -> None:
    told = account(scenes, masks_of(Follow.of(Told(jitter=2, missing=0.3), every=2), scenes))
    assert told.switches == 0 and told.shared == 0


def test_each_job_begins_anew_and_so_does_another_size(scenes: list[Scene]) -> None:
    node = Follow.of(Told(), every=1)
    graph = as_graph(node)
    for _ in range(2):
        (result,) = graph.map([scenes[0].image])
        assert result.masks.prompts.track_ids.tolist() == [1, 2, 3]  # type: ignore[union-attr]
    memory = Follow(model="nano")
    box = sp.Prompts.from_boxes([[10, 10, 60, 60]])
    small = sp.Image.from_array(scenes[0].image.pixels[:100, :100])
    assert len(memory.run(scenes[0].image, prompts=box)) == 1
    assert len(memory.run(small)) == 0


def test_track_gives_ids_to_masks_of_any_graph(scenes: list[Scene]) -> None:
    found = masks_of(Told(jitter=1) | Segment() | Track(), scenes)
    told = account(scenes, found)
    assert told.switches == 0 and told.shared == 0
    assert [number for ids in told.ids.values() for number in ids].count(-1) == 4, "in its first frame it has none"


def test_masks_of_a_graph_are_taken_as_they_are(scenes: list[Scene]) -> None:
    (masks,) = masks_of(Follow.of(Told() | Segment(), every=1), scenes[:1])
    (alone,) = masks_of(Told() | Segment(), scenes[:1])
    assert masks.rle() == alone.best().rle()
    assert masks.to_supervision().tracker_id.tolist() == [1, 2, 3]
    assert sp.Masks.from_supervision(masks.to_supervision(), HW).prompts.track_ids.tolist() == [1, 2, 3]  # type: ignore[union-attr]


def test_a_graph_that_finds_nothing_to_follow_is_refused(scenes: list[Scene]) -> None:
    from sampipe.nodes import Annotate

    with pytest.raises(sp.GraphError, match="prompts"):
        Follow.of(Annotate()).run(scenes[0].image)


def test_both_behave(scenes: list[Scene]) -> None:
    assert "close" in check_node(Track())
    assert "close" in check_node(Follow(), image=scenes[0].image)


def test_a_click_with_an_id_corrects_the_object_from_there_or_begins_one_of_that_id(scenes: list[Scene]) -> None:
    face, other = (sp.Prompts.from_boxes([box_of(scenes[0].masks[i])]) for i in (0, 3))
    wrong = face.replace(track_ids=np.array([7]))  # what is asked for under 7 is the cup, as frame 5 says
    right = sp.Prompts.from_boxes([box_of(scenes[5].masks[1])]).replace(track_ids=np.array([7]))
    items = [{"image": one.image} for one in scenes[:9]]
    items[0]["prompts"] = sp.Prompts.concat([wrong, other.replace(track_ids=np.array([9]))])
    items[2]["prompts"] = sp.Prompts.from_boxes([box_of(scenes[2].masks[2])])  # without an id: the next that is free
    items[5]["prompts"] = right
    found = [one.masks for one in as_graph(Follow()).map(items)]  # type: ignore[union-attr]
    at = {n: mask for n, mask in zip(found[4].prompts.track_ids.tolist(), found[4].binary(), strict=True)}  # type: ignore[union-attr]
    assert set(at) == {7, 9, 1}
    assert iou(at[7], scenes[4].masks[0]) > 0.6
    for number in (5, 6, 7):
        ids = found[number].prompts.track_ids.tolist()  # type: ignore[union-attr]
        assert iou(found[number].binary()[ids.index(7)], scenes[number].masks[1]) > 0.6


def test_what_somebody_pointed_at_outlives_detections_that_miss_it(scenes: list[Scene]) -> None:
    cup = sp.Prompts.from_boxes([box_of(scenes[0].masks[1])])
    blind = Follow.of(Told(missing=1.0), every=1, patience=1)
    kept = masks_of(blind, scenes[:4], prompts=cup.replace(track_ids=np.array([3])))
    assert [masks.prompts.track_ids.tolist() for masks in kept] == [[3]] * 4  # type: ignore[union-attr]
    lost = masks_of(blind, scenes[:4], prompts=cup)
    assert len(lost[-1]) == 0
