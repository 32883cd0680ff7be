"""A Roboflow workflow with sampipe's block: boxes in, instance masks out."""

import os

os.environ["WORKFLOWS_PLUGINS"] = "sampipe_integrations.roboflow"

import numpy as np
import supervision as sv
from roboflow_workflows.execution_engine.core import ExecutionEngine

import sampipe as sp

workflow = {
    "version": "1.3.0",
    "inputs": [
        {"type": "WorkflowImage", "name": "image"},
        {"type": "WorkflowBatchInput", "name": "found", "kind": ["object_detection_prediction"]},
    ],
    "steps": [
        {
            "type": "sampipe/add_masks@v1",
            "name": "masks",
            "images": "$inputs.image",
            "predictions": "$inputs.found",
            "model": "nano",
        }
    ],
    "outputs": [{"type": "JsonField", "name": "masks", "selector": "$steps.masks.predictions"}],
}
image = np.ascontiguousarray(sp.Image.open("sample:astronaut").pixels[:, :, ::-1])
boxes = sv.Detections(
    xyxy=np.array([[175.0, 66.0, 274.0, 165.0]]),
    confidence=np.array([0.9]),
    class_id=np.array([0]),
    data={"class_name": np.array(["face"]), "detection_id": np.array(["1"])},
)
engine = ExecutionEngine.init(workflow_definition=workflow)
[answer] = engine.run(runtime_parameters={"image": [image], "found": [boxes]})
print(answer["masks"].mask.shape, answer["masks"]["class_name"][0])
