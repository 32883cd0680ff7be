"""Label Studio's regions as prompts; its ML backend with the real server and SDK where they are installed."""

import json

import numpy as np
import pytest
from hosts import host
from sampipe_integrations.label_studio import LabelStudioBoxes, brush_results, prompts_from_results

import sampipe as sp
from sampipe.testing import check_node

HW = (100, 200)
CONFIG = """<View><Image name="image" value="$image"/>
<BrushLabels name="brush" toName="image"><Label value="face"/><Label value="hand"/></BrushLabels>
<KeyPointLabels name="point" toName="image" smart="true"><Label value="face"/></KeyPointLabels>
<RectangleLabels name="box" toName="image" smart="true"><Label value="face"/></RectangleLabels></View>"""


def rectangle(x, y, width, height, label="cat", **more):
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [label]}
    return {"type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": value, **more}


def point(x, y, **more):
    value = {"x": x, "y": y, "width": 1, "keypointlabels": ["face"]}
    return {"type": "keypointlabels", "from_name": "point", "to_name": "image", "value": value, **more}


def test_rectangles_are_percents_and_may_be_turned():
    turned = rectangle(50, 50, 10, 20)
    turned["value"]["rotation"] = 90
    found = prompts_from_results([rectangle(10, 20, 50, 30, score=0.75), turned], HW)
    assert np.allclose(found.boxes[0], [20, 20, 120, 50])
    assert np.allclose(found.boxes[1], [80, 50, 100, 70]), "20 wide and 20 high, turned about its first corner"
    assert found.labels == ("cat", "cat") and found.scores[0] == 0.75 and np.isnan(found.scores[1])


def test_points_of_one_parent_are_one_object():
    rows = [point(10, 10, parentID="a"), point(20, 10, parentID="a", is_positive=False), point(50, 50)]
    found = prompts_from_results(rows, HW)
    assert len(found) == 2 and found.labels == ("face", "face")
    assert found.points[0].tolist() == [[20, 10], [40, 10]] and found.point_labels.tolist() == [[1, 0], [1, -1]]
    assert prompts_from_results([{"type": "choices", "value": {"choices": ["a"]}}], HW).boxes.shape == (0, 4)


def test_a_box_and_a_click_on_one_object_are_one_object():
    rows = [rectangle(10, 20, 50, 30, parentID="a"), point(20, 30, parentID="a"), point(90, 90, parentID="b")]
    found = prompts_from_results(rows, HW)
    assert len(found) == 2 and found.has_boxes.tolist() == [True, False]
    assert found.points[0, 0].tolist() == [40, 30] and found.labels == ("cat", "face")


@pytest.fixture
def export(tmp_path):
    tasks = [
        {
            "id": 1,
            "data": {"image": "/data/upload/1/a.png"},
            "predictions": [{"result": [rectangle(0, 0, 50, 50, score=0.9), rectangle(0, 0, 10, 10, score=0.1)]}],
            "annotations": [
                {"result": [rectangle(0, 0, 25, 25, "dog")]},
                {"result": [rectangle(0, 0, 99, 99)], "was_cancelled": True},
            ],
        }
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    return str(tmp_path / "tasks.json")


def test_an_export_as_a_source_of_prompts(export):
    image = sp.Image.from_array(np.zeros((*HW, 3), np.uint8), source="photos/a.png")
    found = LabelStudioBoxes(path=export, confidence=0.5)(image)
    assert found.boxes.tolist() == [[0, 0, 100, 50]] and found.labels == ("cat",)
    drawn = LabelStudioBoxes(path=export, take="annotations")(image)
    assert drawn.boxes.tolist() == [[0, 0, 50, 25]] and drawn.labels == ("dog",)
    other = sp.Image.from_array(np.zeros((*HW, 3), np.uint8), source="photos/b.png")
    assert len(LabelStudioBoxes(path=export)(other)) == 0
    check_node(LabelStudioBoxes(path=export))


def test_other_files_are_said(tmp_path):
    (tmp_path / "x.json").write_text('[{"data": {"text": "no picture"}}]')
    with pytest.raises(sp.DataError, match=r"x.json: task 0: data: lacks image; it has text"):
        LabelStudioBoxes(path=str(tmp_path / "x.json"))(sp.Image.open("sample:coins"))
    with pytest.raises(sp.DataError, match="wanted one of 'predictions', 'annotations'"):
        LabelStudioBoxes(path="x.json", take="both")


def test_brush_regions_hold_the_masks():
    brush = host("label_studio_sdk.converter.brush", 'pip install "sampipe[label_studio]"')
    pixels = np.zeros((2, *HW), bool)
    pixels[0, 10:30, 40:90] = True
    prompts = sp.Prompts.from_boxes([[40, 10, 90, 30], [0, 0, 5, 5]], labels=["face", "hand"])
    [region] = brush_results(sp.Masks.from_binary(pixels, prompts), from_name="brush", to_name="image")
    decoded = brush.decode_rle(region["value"]["rle"]).reshape(*HW, 4)[..., 3] > 0
    assert np.array_equal(decoded, pixels[0])
    assert region["value"]["brushlabels"] == ["face"] and "score" not in region


def test_regions_of_two_answers_never_share_an_id():
    host("label_studio_sdk.converter.brush", 'pip install "sampipe[label_studio]"')
    masks = sp.Masks.from_binary(np.ones((3, *HW), bool))
    found = [region["id"] for _ in range(2) for region in brush_results(masks, from_name="brush", to_name="image")]
    assert len(set(found)) == 6, "an accepted region would replace another"


@pytest.mark.filterwarnings("ignore")  # the host's own
def test_the_backend_answers_over_the_real_server(tmp_path, monkeypatch):
    api = host("label_studio_ml.api", "an environment with label-studio-ml and label-studio-sdk")
    brush = host("label_studio_sdk.converter.brush", 'pip install "sampipe[label_studio]"')
    interface = host("label_studio_sdk.label_interface", 'pip install "sampipe[label_studio]"')
    from sampipe_integrations.label_studio.backend import SampipeBackend

    monkeypatch.setenv("SAMPIPE_DEVICE", "cpu")
    path = tmp_path / "astronaut.png"
    sp.Image.open("sample:astronaut").to_pil().save(path)
    client = api.init_app(SampipeBackend, model_dir=str(tmp_path)).test_client()
    boxed = rectangle(175 / 5.12, 66 / 5.12, 99 / 5.12, 99 / 5.12, "face")
    task = {"id": 1, "data": {"image": str(path)}, "predictions": [{"result": [boxed]}]}
    asked = {"tasks": [task], "project": "1.1", "label_config": CONFIG, "params": {}}
    clicked = {"result": [point(44, 22), point(44, 26)]}
    set_up = client.post("/setup", json={"project": "1.1", "schema": CONFIG})  # as Label Studio does first
    assert set_up.status_code == 200, set_up.data
    for body, count in (
        (asked, 1),
        ({**asked, "params": {"context": clicked}}, 1),
        ({**asked, "tasks": [{**task, "predictions": []}]}, 0),
    ):
        answer = client.post("/predict", json=body)
        assert answer.status_code == 200, answer.data
        [prediction] = json.loads(answer.data)["results"]
        assert len(prediction["result"]) == count and prediction["model_version"] == "sampipe-nano"
        assert interface.LabelInterface(CONFIG).validate_prediction(prediction)
        for region in prediction["result"]:
            mask = brush.decode_rle(region["value"]["rle"]).reshape(512, 512, 4)[..., 3] > 0
            rows, columns = np.nonzero(mask)
            assert 150 < columns.mean() < 300 and 40 < rows.mean() < 200 and region["value"]["brushlabels"] == ["face"]


def test_numbers_as_text_are_numbers_and_others_are_named():
    found = prompts_from_results([rectangle("10", "20", "50", 30.0, score="0.75"), point("50", "50")], HW)
    assert found.boxes[0].tolist() == [20, 20, 120, 50] and found.scores[0] == 0.75
    assert found.points[1, 0].tolist() == [100, 50]
    wrong = [
        (rectangle(None, 0, 1, 1), "region 0: value: x: got None"),
        (rectangle(0, "a", 1, 1), "value: y: got 'a', wanted a number"),
        (rectangle(0, 0, float("nan"), 1), "width: got nan, wanted a finite number"),
        (point([5], 5), r"x: got \[5\], wanted a number"),
        (rectangle(0, 0, 1, 1, label=7), "wanted a list of labels"),
        (point(5, 5, is_positive="no"), "is_positive: got 'no'"),
        ({"type": "rectanglelabels"}, "region 0: lacks value"),
    ]
    for region, message in wrong:
        with pytest.raises(sp.DataError, match=message):
            prompts_from_results([region], HW)
