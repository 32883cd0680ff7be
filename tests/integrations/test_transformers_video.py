"""``Follow`` with a model's own memory, against transformers' streaming sessions."""

from functools import partial

import numpy as np
import pytest
import torch
from tiny_transformers import write_edgetam_video, write_sam2_video, write_sam3_tracker_video

import sampipe as sp
from sampipe.graph.chain import as_graph
from sampipe.models.segmenters import load_video, takes
from sampipe.nodes import Follow
from sampipe.testing import check_node

WRITERS = {"sam2": write_sam2_video, "edgetam": write_edgetam_video, "sam3": write_sam3_tracker_video}
BOX, CLICK = [60, 40, 200, 180], [120, 90]
FRAMES = 9
all_of_them = pytest.mark.parametrize("name", WRITERS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    return {name: write(folder / name) for name, write in WRITERS.items()}


@pytest.fixture(scope="module")
def frames():
    pixels = sp.Image.open("sample:chelsea").pixels
    return [sp.Image.from_array(np.roll(pixels, 6 * i, axis=1)) for i in range(FRAMES)]


def theirs(folder, name, frames, asked):
    """Logits and scores frame by frame; ``asked`` says for frames what the processor is given."""
    import transformers
    from transformers import AutoImageProcessor

    network, processor = {
        "sam2": ("Sam2VideoModel", "Sam2VideoProcessor"),
        "edgetam": ("EdgeTamVideoModel", "Sam2VideoProcessor"),
        "sam3": ("Sam3TrackerVideoModel", "Sam3TrackerVideoProcessor"),
    }[name]
    images = AutoImageProcessor.from_pretrained(folder)
    model = getattr(transformers, network).from_pretrained(folder).eval()
    processor = getattr(transformers, processor)(images, transformers.Sam2VideoVideoProcessor())
    session = processor.init_video_session()
    if name == "edgetam":
        from transformers.models.edgetam_video.modeling_edgetam_video import EdgeTamVideoInferenceSession

        session = EdgeTamVideoInferenceSession(dtype=torch.float32)
    found = []
    for number, frame in enumerate(frames):
        pixels = images(images=frame.to_pil(), return_tensors="pt")["pixel_values"][0]
        if number in asked and number:  # as in an interactive session: carried first, then put right
            model(inference_session=session, frame=pixels, frame_idx=number)
        if number in asked:
            processor.add_inputs_to_inference_session(
                inference_session=session, frame_idx=number, obj_ids=1, original_size=frame.hw, **asked[number]
            )
        outputs = model(inference_session=session, frame=pixels, frame_idx=number)
        found.append((outputs.pred_masks.reshape(1, *outputs.pred_masks.shape[-2:]), outputs.object_score_logits))
    return found


@all_of_them
def test_a_track_is_that_of_transformers(models, frames, name):
    first = {"input_boxes": [[BOX]]}
    click = {"input_points": [[[CLICK]]], "input_labels": [[[1]]]}
    wanted = theirs(models[name], name, frames, {0: first, 5: click})
    video = load_video(models[name], "cpu")
    for number, (frame, (logits, score)) in enumerate(zip(frames, wanted, strict=True)):
        seen = video.see(frame, number)
        if number == 0:
            track, masks = video.begin(seen, sp.Prompts.from_boxes([BOX]))
        else:
            masks = video.carry(track, seen)
        if number == 5:
            masks = video.correct(track, seen, sp.Prompts.from_points([[CLICK]], [[1]]))
        assert torch.allclose(masks.logits[0], logits.float(), atol=1e-3), number
        assert masks.iou_scores[0, 0] == pytest.approx(float(score.sigmoid().reshape(-1)[0]), abs=1e-4)


@all_of_them
def test_a_mask_begins_a_track_as_in_transformers(models, frames, name):
    mask = np.zeros(frames[0].hw, bool)
    mask[60:200, 80:260] = True
    wanted = theirs(models[name], name, frames[:4], {0: {"input_masks": [mask]}})
    video = load_video(models[name], "cpu")
    track, masks = video.begin(video.see(frames[0], 0), mask)
    for number, (logits, _) in enumerate(wanted):
        if number:
            masks = video.carry(track, video.see(frames[number], number))
        assert torch.allclose(masks.logits[0], logits.float(), atol=1e-3)


@all_of_them
def test_memory_is_bounded(models, frames, name):
    video = load_video(models[name], "cpu")
    track, _ = video.begin(video.see(frames[0], 0), sp.Prompts.from_boxes([BOX]))
    sizes = []
    for number in range(1, 30):
        seen = video.see(frames[number % FRAMES], number)
        video.carry(track, seen)
        if number % 2:
            video.correct(track, seen, sp.Prompts.from_points([[CLICK]], [[1]]))
        sizes.append(_bytes_of(track.session))
    assert sizes[-1] == sizes[-3] and max(sizes) <= 1.5 * sizes[8]


def _bytes_of(value):
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return sum(map(_bytes_of, vars(value).values() if hasattr(value, "__dict__") else parts))


class Sure(sp.Node):
    """A box on every frame."""

    def run(self, image: sp.Image) -> sp.Prompts:
        return sp.Prompts.from_boxes([BOX], labels=["thing"])


@pytest.mark.parametrize("name", ["sam2", "sam3"])  # EdgeTAM's random masks are empty
def test_follow_gives_the_tracks_of_the_model_their_ids(models, frames, name):
    assert "video" in takes(models[name])
    node = Follow(model=models[name], device="cpu", patience=100)
    two = sp.Prompts.from_boxes([BOX, [220, 100, 420, 290]], labels=["left", "right"])
    items = [{"image": frame, **({"prompts": two} if i == 0 else {})} for i, frame in enumerate(frames)]
    found = [result.masks for result in as_graph(node).map(items)]
    assert found[0].prompts.track_ids.tolist() == [1, 2] and found[0].prompts.labels == ("left", "right")
    video = load_video(models[name], "cpu")
    track, masks = video.begin(video.see(frames[0], 0), sp.Prompts.from_boxes([BOX]))
    for number in range(1, FRAMES):
        masks = video.carry(track, video.see(frames[number], number))
        ids = found[number].prompts.track_ids.tolist()
        if 1 in ids:
            assert torch.allclose(found[number].logits[ids.index(1)], masks.logits[0], atol=1e-3)
        else:
            assert masks.iou_scores[0, 0] < 0.5 or not masks.area()[0] or 2 in ids


def test_a_click_with_an_id_puts_that_object_right(models, frames):
    node = Follow(model=models["sam2"], device="cpu", patience=100)
    first = sp.Prompts.from_boxes([BOX], labels=["mine"])
    click = sp.Prompts.from_points([[CLICK]], [[1]]).replace(track_ids=np.array([1]))
    node.run(frames[0], prompts=first)
    node.run(frames[1])
    masks = node.run(frames[2], prompts=click)
    video = load_video(models["sam2"], "cpu")
    track, _ = video.begin(video.see(frames[0], 0), first)
    video.carry(track, video.see(frames[1], 1))
    seen = video.see(frames[2], 2)
    video.carry(track, seen)
    wanted = video.correct(track, seen, click)
    assert masks.prompts.track_ids.tolist() == [1] and torch.allclose(masks.logits[0], wanted.logits[0], atol=1e-4)


@all_of_them
def test_what_a_motion_model_does_not_choose_is_forgotten(models, frames, name, monkeypatch):
    """All frames chosen: the tracks of transformers' sessions. Some of them: the same without the others' memories."""
    video, first, choices = load_video(models[name], "cpu"), sp.Prompts.from_boxes([BOX]), []
    plain, _ = video.begin(video.see(frames[0], 0), first)
    chosen, _ = video.begin(video.see(frames[0], 0), first, by_motion=True)
    some, _ = video.begin(video.see(frames[0], 0), first, by_motion=True)
    monkeypatch.setattr(chosen.choice, "judge", partial(_judged, chosen.choice, lambda number: True))
    monkeypatch.setattr(some.choice, "judge", partial(_judged, some.choice, lambda number: number not in (2, 3)))
    made = {}
    for number in range(1, FRAMES):
        seen = video.see(frames[number], number)
        wanted, found, _ = (video.carry(track, seen) for track in (plain, chosen, some))
        assert torch.allclose(found.logits, wanted.logits, atol=1e-4), number
        memories = some.session.output_dict_per_obj[0]["non_cond_frame_outputs"]
        made[number] = memories[number]
        choices.append([old for back in range(1, number) for old in made if memories.get(number - back) is made[old]])
    assert choices[:6] == [[], [1], [2, 1], [3, 1], [4, 1], [5, 4, 1]], "the frame before is always remembered"
    click = sp.Prompts.from_points([[CLICK]], [[1]])
    again = [video.correct(track, seen, click) for track in (plain, chosen)]
    assert torch.allclose(again[1].logits, again[0].logits, atol=1e-4)


def _judged(choice, counts, number, made, *_, **__):
    choice.kept.append((number, made))
    choice.counts.append(counts(number))


def test_memories_by_motion_are_bounded_and_need_a_memory(models, frames):
    video = load_video(models["sam2"], "cpu")
    track, _ = video.begin(video.see(frames[0], 0), sp.Prompts.from_boxes([BOX]), by_motion=True)
    sizes = []
    for number in range(1, 40):
        video.carry(track, video.see(frames[number % FRAMES], number))
        sizes.append(_bytes_of(track.session))
    assert max(sizes[20:]) <= 1.5 * max(sizes[:9]) and len(track.choice.kept) <= 16
    items = [
        {"image": frame, **({"prompts": sp.Prompts.from_boxes([BOX])} if not i else {})}
        for i, frame in enumerate(frames)
    ]
    graph = as_graph(Follow(model=models["sam2"], device="cpu", patience=100, memories="motion"))
    assert next(graph.map(items)).masks.prompts.track_ids.tolist() == [1]
    unfit = as_graph(Follow(model="nano", memories="motion")).check()
    assert "video" in str(unfit) and "sam2.1_hiera_t" in str(unfit)
    with pytest.raises(sp.NodeError, match="nano remembers no frames"):
        as_graph(Follow(model="nano", memories="motion")).run(image=frames[0])


def test_who_has_no_memory_says_so(models):
    with pytest.raises(sp.CheckpointError, match="nano remembers no frames"):
        load_video("nano")
    check_node(Follow(model=models["sam2"], device="cpu"))
