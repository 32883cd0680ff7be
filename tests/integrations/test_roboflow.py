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


@pytest.mark.filterwarnings("ignore")  # the host's own
def test_the_block_is_found_and_runs_in_a_workflow(monkeypatch):
    monkeypatch.setenv("WORKFLOWS_PLUGINS", PLUGIN)
    monkeypatch.setenv("LOAD_ENTERPRISE_BLOCKS", "False")
    core = host("roboflow_workflows.execution_engine.core", "an environment with inference")
    loader = host("roboflow_workflows.execution_engine.introspection.blocks_loader", "an environment with inference")
    blocks = [block for block in loader.load_plugins_blocks() if block.block_source == PLUGIN]
    assert [block.block_class.__name__ for block in blocks] == ["AddMasksBlock"]
    import supervision as sv

    picture = sp.Image.open("sample:astronaut")
    boxes = np.array([[175, 66, 274, 165]], np.float32)
    found = sv.Detections(
        xyxy=boxes,
        confidence=np.array([0.9], np.float32),
        class_id=np.array([0]),
        data={"class_name": np.array(["face"]), "detection_id": np.array(["one"])},
    )
    engine = core.ExecutionEngine.init(workflow_definition=WORKFLOW)
    bgr = np.ascontiguousarray(picture.pixels[..., ::-1])
    [answer] = engine.run(runtime_parameters={"image": [bgr], "found": [found], "sam": "nano"})
    result = answer["result"]
    assert list(result["class_name"]) == ["face"] and list(result["detection_id"]) == ["one"]
    assert list(result["prediction_type"]) == ["instance-segmentation"]
    assert np.array_equal(result.mask, sp.add_masks(picture, found, device="cpu").mask)


def test_without_the_host_it_says_what_to_install(monkeypatch):
    from sampipe_integrations.roboflow import _names

    monkeypatch.setattr(_names, "_HOMES", ("no_such_workflows",))
    with pytest.raises(sp.MissingDependencyError, match="pip install inference"):
        _names.workflows("prototypes.block")
