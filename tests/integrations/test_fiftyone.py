"""FiftyOne's labels as prompts and back; its operator in the real FiftyOne where that is installed."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hosts import host
from sampipe_integrations.fiftyone import PLUGIN_FOLDER, masks_to_detections, prompts_from_label

import sampipe as sp

IMAGE = sp.Image.from_array(np.zeros((100, 200, 3), np.uint8))
HOW = "an environment with fiftyone and its database"


@dataclass
class Row:
    """A Detection or Keypoint, by the fields that FiftyOne documents."""

    label: str | None
    confidence: float | None = None


@dataclass
class Box(Row):
    bounding_box: list = field(default_factory=list)


@dataclass
class Points(Row):
    points: list = field(default_factory=list)


@dataclass
class Many:
    detections: list | None = None
    keypoints: list | None = None


def test_boxes_are_fractions_x_y_width_height():
    label = Many(detections=[Box("cat", 0.9, [0.1, 0.2, 0.5, 0.5]), Box(None, None, [0.5, 0.5, 0.9, 0.1])])
    prompts = prompts_from_label(label, IMAGE)
    assert np.allclose(prompts.boxes, [[20, 20, 120, 70], [100, 50, 200, 60]])
    assert prompts.labels == ("cat", "") and prompts.scores[0] == pytest.approx(0.9) and np.isnan(prompts.scores[1])
    assert len(prompts_from_label(None, IMAGE)) == len(prompts_from_label(Many(detections=[]), IMAGE)) == 0
    assert len(prompts_from_label(label.detections[0], IMAGE)) == 1


def test_key_points_of_different_number():
    label = Many(keypoints=[Points("a", None, [(0.5, 0.5)]), Points("b", None, [(0.1, 0.2), (float("nan"), 0.5)])])
    prompts = prompts_from_label(label, IMAGE)
    assert prompts.points[0, 0].tolist() == [100, 50] and np.allclose(prompts.points[1, 0], [20, 20])
    assert prompts.point_labels.tolist() == [[1, -1], [1, -1]]


def test_other_labels_are_said():
    with pytest.raises(sp.DataError, match="a Row has no boxes or key points"):
        prompts_from_label(Row("cat"), IMAGE)


def test_masks_become_detections_and_come_back(tmp_path):
    host("fiftyone", HOW)
    pixels = np.zeros((2, 100, 200), bool)
    pixels[0, 20:40, 50:90] = True
    prompts = sp.Prompts.from_boxes([[50, 20, 90, 40], [0, 0, 5, 5]], labels=["cat", "none"], scores=[0.5, 0.4])
    label = masks_to_detections(sp.Masks.from_binary(pixels, prompts))
    [one] = label.detections
    assert one.label == "cat" and one.confidence == 0.5 and one.mask.shape == (20, 40) and one.mask.all()
    again = prompts_from_label(label, IMAGE)
    assert np.allclose(again.boxes, [[50, 20, 90, 40]], atol=1e-3)


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    fiftyone = host("fiftyone", HOW)
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "sampipe").symlink_to(PLUGIN_FOLDER)
    monkeypatch.setattr(fiftyone.config, "plugins_dir", str(plugins))
    sp.Image.open("sample:astronaut").to_pil().save(tmp_path / "astronaut.png")
    data = fiftyone.Dataset()
    sample = fiftyone.Sample(filepath=str(tmp_path / "astronaut.png"))
    face = fiftyone.Detection(
        label="face",
        bounding_box=[175 / 512, 66 / 512, 99 / 512, 99 / 512],
        index=7,
        tags=["checked"],
        attributes={"age": fiftyone.NumericAttribute(value=43)},
        iscrowd=0,
    )
    outside = fiftyone.Detection(label="nothing", bounding_box=[1.5, 0, 0.1, 0.1])
    sample["ground_truth"] = fiftyone.Detections(detections=[outside, face])
    sample["weather"] = fiftyone.Classification(label="sunny")
    data.add_sample(sample)
    yield data
    data.delete()


@pytest.mark.filterwarnings("ignore")  # the host's own
def test_the_operator_is_found_and_adds_masks(dataset):
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionError

    assert "@sampipe/segment/add_masks" in [one.uri for one in foo.list_operators(builtin=False)]
    params = {"field": "ground_truth", "into": "masks", "model": "nano", "device": "cpu"}
    result = foo.execute_operator("@sampipe/segment/add_masks", {"dataset": dataset, "params": params})
    assert result.result == {"samples": 1, "masks": 1}
    _is_the_face_with_all_it_had(dataset)
    wrong = {"boxes": "the dataset has no 'boxes'; there is .*ground_truth", "weather": "has no boxes or key points"}
    for name, reason in wrong.items():
        with pytest.raises(ExecutionError, match=reason):
            asked = {"dataset": dataset, "params": {**params, "field": name}}
            foo.execute_operator("@sampipe/segment/add_masks", asked).raise_exceptions()


def _is_the_face_with_all_it_had(dataset):
    [found] = dataset.first()["masks"].detections
    assert found.label == "face" and found.mask.any() and found.index == 7 and found.tags == ["checked"]
    assert found.attributes["age"].value == 43 and found.iscrowd == 0
    assert found.id != dataset.first()["ground_truth"].detections[1].id


@pytest.mark.filterwarnings("ignore")
def test_samples_are_a_source_of_prompts(dataset):
    from sampipe_integrations.fiftyone import FiftyOneBoxes

    from sampipe.testing import check_node

    node = FiftyOneBoxes(dataset=dataset.name)
    found = node(sp.Image.open(dataset.first().filepath))
    assert found.labels == ("face",) and np.allclose(found.boxes, [[175, 66, 274, 165]], atol=0.01)
    check_node(node)
    with pytest.raises(sp.DataError, match="FiftyOne has no 'nothing'"):
        FiftyOneBoxes(dataset="nothing")(IMAGE)
    with pytest.raises(sp.DataError, match="has no 'boxes'"):
        FiftyOneBoxes(dataset=dataset.name, field="boxes")(sp.Image.open(dataset.first().filepath))


@pytest.mark.filterwarnings("ignore")
def test_a_model_answers_a_sample_or_a_graph():
    fiftyone = host("fiftyone", HOW)
    from sampipe_integrations.fiftyone.model import SampipeModel

    from sampipe.nodes import NanoDetector, Segment

    picture = sp.Image.open("sample:astronaut")
    sample = fiftyone.Sample(filepath="astronaut.png")
    face = fiftyone.Detection(label="face", bounding_box=[175 / 512, 66 / 512, 99 / 512, 99 / 512], index=7)
    sample["ground_truth"] = fiftyone.Detections(detections=[face])
    model = SampipeModel(device="cpu")
    model.needs_fields = {"prompt_field": "ground_truth"}
    [answer] = model.predict_all([picture.pixels], samples=[sample])
    [found] = answer.detections
    prompts = prompts_from_label(sample["ground_truth"], picture)
    wanted = Segment(device="cpu")(picture, prompts=prompts).best()
    assert (found.label, found.index) == ("face", 7) and found.mask.sum() == wanted.area()[0]
    everybody = SampipeModel(NanoDetector(device="cpu") | Segment(device="cpu"))
    assert "person" in [one.label for one in everybody.predict(picture.pixels).detections]
    for fields, reason in (({}, "got neither a graph nor"), ({"prompt_field": "nope"}, "the sample has no 'nope'")):
        model.needs_fields = fields
        with pytest.raises(sp.DataError, match=reason):
            model.predict(picture.pixels, sample)


@pytest.mark.filterwarnings("ignore")
def test_the_model_is_applied_to_a_dataset(dataset):
    from sampipe_integrations.fiftyone.model import SampipeModel

    dataset.apply_model(SampipeModel(device="cpu"), label_field="masks", prompt_field="ground_truth")
    _is_the_face_with_all_it_had(dataset)
