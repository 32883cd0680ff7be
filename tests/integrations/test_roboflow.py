"""The block in Roboflow's own workflow engine, where that is installed."""

import numpy as np
import pytest
from hosts import host

import sampipe as sp

PLUGIN = "sampipe_integrations.roboflow"
WORKFLOW = {
    "version": "1.3.0",
    "inputs": [
        {"type": "WorkflowImage", "name": "image"},
        {"type": "WorkflowBatchInput", "name": "found", "kind": ["object_detection_prediction"]},
        {"type": "WorkflowParameter", "name": "sam", "default_value": "nano"},
    ],
    "steps": [
        {
            "type": "sampipe/add_masks@v1",
            "name": "masks",
            "images": "$inputs.image",
            "predictions": "$inputs.found",
            "model": "$inputs.sam",
            "device": "cpu",
        }
    ],
    "outputs": [{"type": "JsonField", "name": "result", "selector": "$steps.masks.predictions"}],
}


pytestmark = pytest.mark.filterwarnings("ignore")  # the host's own
HOW = "an environment with inference"


@pytest.fixture
def core(monkeypatch):
    monkeypatch.setenv("WORKFLOWS_PLUGINS", PLUGIN)
    monkeypatch.setenv("LOAD_ENTERPRISE_BLOCKS", "False")
    return host("roboflow_workflows.execution_engine.core", HOW)


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:astronaut")


def run(core, workflow, picture, **parameters):
    """The result of the one image that goes in."""
    engine = core.ExecutionEngine.init(workflow_definition=workflow)
    bgr = np.ascontiguousarray(picture.pixels[..., ::-1])
    [answer] = engine.run(runtime_parameters={"image": [bgr], **parameters})
    return answer["result"]


def test_the_block_is_found_and_runs_in_a_workflow(core, picture):
    loader = host("roboflow_workflows.execution_engine.introspection.blocks_loader", HOW)
    blocks = [block for block in loader.load_plugins_blocks() if block.block_source == PLUGIN]
    assert [block.block_class.__name__ for block in blocks] == ["AddMasksBlock", "PointMasksBlock", "TextMasksBlock"]
    import supervision as sv

    boxes = np.array([[175, 66, 274, 165]], np.float32)
    found = sv.Detections(
        xyxy=boxes,
        confidence=np.array([0.9], np.float32),
        class_id=np.array([0]),
        data={"class_name": np.array(["face"]), "detection_id": np.array(["one"])},
    )
    result = run(core, WORKFLOW, picture, found=[found], sam="nano")
    assert list(result["class_name"]) == ["face"] and list(result["detection_id"]) == ["one"]
    assert list(result["prediction_type"]) == ["instance-segmentation"]
    assert np.array_equal(result.mask, sp.add_masks(picture, found, device="cpu").mask)


def prompted(kind, name, value, kinds):
    """A workflow of one block whose prompt is an input, and of Roboflow's own block that reads the masks after it."""
    return {
        "version": "1.3.0",
        "inputs": [
            {"type": "WorkflowImage", "name": "image"},
            {"type": "WorkflowParameter", "name": "asked", "kind": kinds, "default_value": value},
        ],
        "steps": [
            {"type": kind, "name": "masks", "images": "$inputs.image", name: "$inputs.asked", "device": "cpu"},
            {
                "type": "roboflow_core/mask_visualization@v1",
                "name": "drawn",
                "image": "$inputs.image",
                "predictions": "$steps.masks.predictions",
            },
        ],
        "outputs": [
            {"type": "JsonField", "name": "result", "selector": "$steps.masks.predictions"},
            {"type": "JsonField", "name": "drawn", "selector": "$steps.drawn.image"},
        ],
    }


@pytest.mark.parametrize(
    "points",
    [
        [{"x": 224, "y": 110}, {"x": 30, "y": 30, "positive": False}],
        [[224, 110], [30, 30, False]],
    ],
)
def test_points_are_one_object(core, picture, points):
    from sampipe.nodes import Segment

    result = run(core, prompted("sampipe/point_masks@v1", "points", points, ["labeled_points"]), picture)
    asked = sp.Prompts.from_points([[[224, 110], [30, 30]]], [[1, 0]])
    wanted = Segment(device="cpu")(picture, prompts=asked).best()
    assert np.array_equal(result.mask, wanted.binary()) and np.allclose(result.xyxy, wanted.boxes())
    assert list(result["class_name"]) == ["foreground"] and list(result.class_id) == [-1]
    assert list(result["prediction_type"]) == ["instance-segmentation"] and len(result["detection_id"][0]) == 36
    assert result["image_dimensions"].tolist() == [[512, 512]] and len(result["root_parent_id"]) == 1


def test_points_that_are_none_and_no_points(core, picture):
    with pytest.raises(Exception, match="points: got 5, wanted"):
        run(core, prompted("sampipe/point_masks@v1", "points", [5], ["labeled_points"]), picture)
    assert not len(run(core, prompted("sampipe/point_masks@v1", "points", [], ["labeled_points"]), picture))


@pytest.mark.parametrize("asked", [["cup", "person"], "cup, person"])
def test_words_find_all_that_they_name(core, picture, asked):
    from sampipe_integrations._words import graph_of_words

    kinds = ["list_of_values"] if isinstance(asked, list) else ["string"]
    result = run(core, prompted("sampipe/text_masks@v1", "class_names", asked, kinds), picture)
    wanted = graph_of_words("cup, person", "nano", "cpu").run(image=picture).masks.best()
    wanted = wanted.select(np.flatnonzero(wanted.area()))
    assert np.array_equal(result.mask, wanted.binary()) and set(result["class_name"]) == {"person"}
    assert set(result.class_id) == {1} and np.allclose(result.confidence, wanted.prompts.scores)


def test_without_the_host_it_says_what_to_install(monkeypatch):
    from sampipe_integrations.roboflow import _names

    monkeypatch.setattr(_names, "_HOMES", ("no_such_workflows",))
    with pytest.raises(sp.MissingDependencyError, match="pip install inference"):
        _names.workflows("prototypes.block")
