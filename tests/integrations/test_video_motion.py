"""Which frames a motion model finds worth remembering, on a clip of known truth with a crossing."""

import numpy as np
import pytest
from moving import clip, cut_out, line
from sampipe_integrations.transformers.motion import BoxMotion, Choice, box_of

HW = (160, 240)
FRAMES = 24


@pytest.fixture(scope="module")
def crossing():
    """Two coins that pass each other; the first is behind the second for a while. Boxes of both, frame by frame."""
    one = cut_out("one", "coins", (160, 35, 220, 95), line((10, 40), (170, 50)))
    other = cut_out("other", "coins", (240, 35, 300, 95), line((170, 50), (10, 40)))
    scenes = list(clip([one, other], FRAMES, HW))
    return [[box_of(scene.masks[i]) for i in (0, 1)] for scene in scenes]


def judged(boxes, **scores):
    """For each frame whether it counts, of a track that begins in the first."""
    choice = Choice()
    choice.begin(boxes[0])
    counts = []
    for number, box in enumerate(boxes[1:], start=1):
        choice.place({}, number)
        choice.judge(number, None, box, **({"iou": 0.9, "is_there": True, "most": 16} | scores))
        counts.append(choice.counts[-1])
    return counts


def test_frames_where_they_cross_do_not_count(crossing):
    mine = [boxes[0] for boxes in crossing]
    counts = [True, *judged(mine)]
    covered = [number for number, counted in enumerate(counts) if not counted]
    assert covered and covered == list(range(covered[0], covered[-1] + 1))
    assert all(boxes[0][0] < boxes[1][2] and boxes[1][0] < boxes[0][2] for boxes in crossing[covered[0] : covered[-1]])


def test_a_mask_that_jumps_to_the_other_is_not_remembered(crossing):
    """From frame 14 to 19 it shows the coin that came by; then it is the first one's again."""
    stolen = range(14, 20)
    boxes = [boxes[1] if number in stolen else boxes[0] for number, boxes in enumerate(crossing)]
    counts = [True, *judged(boxes)]
    assert not any(counts[number] for number in stolen) and all(counts[:8]) and all(counts[20:])


def test_unsure_frames_and_those_without_the_object_do_not_count(crossing):
    boxes = [boxes[1] for boxes in crossing]
    assert all(judged(boxes)) and not any(judged(boxes, iou=0.4)) and not any(judged(boxes, is_there=False))
    assert not any(judged([boxes[0], *[None] * 5]))


def test_what_goes_elsewhere_for_long_is_expected_there():
    still = [np.array([100.0, 100, 140, 140])] * 30
    counts = judged([np.array([0.0, 0, 40, 40])] * 6 + still)
    assert counts[:5] == [True] * 5 and not any(counts[5:20]) and all(counts[20:])


@pytest.mark.parametrize("step", [(4, -2), (30, 0)])
def test_a_box_is_expected_where_its_motion_takes_it(step):
    start, step = np.array([20.0, 80, 60, 140]), np.array([*step, *step], float)
    assert all(judged([start + number * step for number in range(8)]))
    motion = BoxMotion(start)
    for number in range(1, 8):
        motion.expected()
        motion.seen_at(start + number * step)
    motion.expected()
    assert np.array_equal(motion.expected(), start + 9 * step), "unseen in between"


def test_the_latest_frame_and_those_that_count_take_the_places_before():
    choice, memories = Choice(), {}
    for number, box in enumerate([[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 10]], start=1):
        choice.place(memories, number)
        memories[number] = f"frame {number}"
        choice.judge(number, memories[number], np.array(box, float), iou=0.9, is_there=True, most=3)
    choice.place(memories, 5)
    assert memories == {4: "frame 4", 3: "frame 2"}
    choice.place(memories, 4)
    assert memories == {3: "frame 2"}, "the fourth frame is asked for again"
