"""A host that calls again and again reads the weights once."""

import gc
import shutil

import numpy as np
import pytest
from hosts import host

import sampipe as sp
from sampipe.models import drop_loaded, load
from sampipe.models.weights.hub import download

PICTURE = sp.Image.open("sample:astronaut")
BOX = [175, 66, 274, 165]


def add_masks(model):
    import supervision as sv

    found = sv.Detections(xyxy=np.array([BOX], np.float32))
    return lambda: sp.add_masks(PICTURE, found, model=model, device="cpu")


def ultralytics_results(model):
    import torch
    from sampipe_integrations.ultralytics import masks_callback
    from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

    with side_effects_undone():
        load_ultralytics()
        from ultralytics.engine.results import Results

        boxes = torch.tensor([[*BOX, 0.9, 0.0]])
        result = Results(np.ascontiguousarray(PICTURE.pixels[:, :, ::-1]), path="a.png", names={0: "face"}, boxes=boxes)

    class Predictor:
        results = None

    def call():
        Predictor.results = [result]
        masks_callback(model=model, device="cpu")(Predictor)
        return Predictor.results[0].masks

    return call


def mask_generator(model):
    from sampipe_integrations.transformers import MaskGenerator

    return lambda: MaskGenerator(model=model, device="cpu", points_per_crop=2)(PICTURE.to_pil())


def comfyui(name, **given):
    def made(model):
        import torch
        from sampipe_integrations.comfyui import NODE_CLASS_MAPPINGS

        batch = torch.from_numpy(PICTURE.pixels.astype(np.float32) / 255)[None]
        return lambda: NODE_CLASS_MAPPINGS[name]().run(image=batch, model=model, device="cpu", **given)

    return made


def label_studio(model):
    api = host("label_studio_ml.api", "an environment with label-studio-ml and label-studio-sdk")
    from sampipe_integrations.label_studio.backend import SampipeBackend
    from test_label_studio import CONFIG, point

    client = api.init_app(SampipeBackend).test_client()
    client.post("/setup", json={"project": "7.7", "schema": CONFIG})
    task = {"id": 1, "data": {"image": "astronaut.png"}}
    clicked = {"params": {"context": {"result": [point(44, 22)]}}}
    asked = {"tasks": [task], "project": "7.7", "label_config": CONFIG, **clicked}
    return lambda: client.post("/predict", json=asked).json["results"][0]["result"][0]


def roboflow(model):
    core = host("roboflow_workflows.execution_engine.core", "an environment with inference")
    from test_roboflow import prompted, run

    workflow = prompted("sampipe/point_masks@v1", "points", [[224, 110]], ["labeled_points"])
    workflow["steps"][0]["model"] = model
    return lambda: run(core, workflow, PICTURE)


HOSTS = {
    "supervision": add_masks,
    "ultralytics": ultralytics_results,
    "transformers": mask_generator,
    "ComfyUI boxes": comfyui("SampipeSegmentBoxes", boxes="175,66,274,165"),
    "ComfyUI points": comfyui("SampipeSegmentPoints", points="224,110"),
    "ComfyUI detections": comfyui("SampipeSegmentDetections", detector="face"),
    "ComfyUI everything": comfyui("SampipeSegmentEverything", points_per_side=2),
    "Label Studio": label_studio,
    "Roboflow": roboflow,
}


@pytest.mark.filterwarnings("ignore")  # what the packages say about themselves
@pytest.mark.parametrize("name", HOSTS)
def test_weights_are_read_at_the_first_call(name, tmp_path, monkeypatch):
    model = str(shutil.copy(download("nano"), tmp_path / "mine.safetensors"))  # a file that no other test holds
    PICTURE.to_pil().save(tmp_path / "astronaut.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMPIPE_MODEL", model)
    monkeypatch.setenv("SAMPIPE_DEVICE", "cpu")
    monkeypatch.setenv("WORKFLOWS_PLUGINS", "sampipe_integrations.roboflow")
    reads, read = [], load.read_checkpoint
    monkeypatch.setattr(load, "read_checkpoint", lambda path: reads.append(str(path)) or read(path))
    drop_loaded()
    call = HOSTS[name](model)
    for _ in range(2):
        gc.collect()  # what nobody holds is gone
        assert call() is not None
    assert reads.count(model) == 1
    drop_loaded()
    gc.collect()
    call()
    assert reads.count(model) == 2, "what is dropped is gone"
    drop_loaded()
