"""The six steps of docs/integrations/label_studio.md, with the real Label Studio and the real backend.

``LABEL_STUDIO`` names the program of an environment of its own (``…/bin/label-studio``); this one has label-studio-ml.
"""

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import requests
from hosts import host
from servers import PATIENCE, Started, free_port

import sampipe as sp
from sampipe.data.formats import read_images

PROGRAM = os.environ.get("LABEL_STUDIO") or shutil.which("label-studio")
PAGE = Path(__file__).parents[2] / "docs" / "integrations" / "label_studio.md"
KEY = "0123456789abcdef0123456789abcdef01234567"

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="LABEL_STUDIO names no label-studio program; see docs/integrations.md"),
    pytest.mark.filterwarnings("ignore"),  # the host's own
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Step 1: Label Studio, as the page starts it, with an account."""
    folder, port = tmp_path_factory.mktemp("label_studio"), free_port()
    page = PAGE.read_text(encoding="utf-8")
    assert "label-studio start --port 8080 --enable-legacy-api-token\n" in page
    switches = dict(one.split("=") for one in re.findall(r"\b[A-Z_]+=false\b", page))
    assert len(switches) == 2
    command = [PROGRAM, "start", "--port", str(port), "--enable-legacy-api-token", "--no-browser", "--data-dir", folder]
    account = ["--username", "me@example.com", "--password", "of-the-test", "--user-token", KEY]
    given = {"LABEL_STUDIO_BASE_DATA_DIR": str(folder), "COLLECT_ANALYTICS": "false"} | switches
    address = f"http://localhost:{port}"
    started = Started([*command, *account], folder, os.environ | given, f"{address}/health")
    yield address
    started.stop()


def backend(server, folder, **environment):
    """Steps 2 and 3: the backend, as the page starts it."""
    host("label_studio_ml.api", "an environment with label-studio-ml and label-studio-sdk")
    port = free_port()
    command = "python -m sampipe_integrations.label_studio.backend --port 9090\n"
    assert command in PAGE.read_text(encoding="utf-8")
    command = [sys.executable, *command.split()[1:-1], str(port)]
    given = {"SAMPIPE_DEVICE": "cpu", "MODEL_DIR": str(folder), "XDG_CACHE_HOME": str(folder)} | environment
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LABEL_STUDIO")}
    return Started(command, folder, kept | given, f"http://localhost:{port}/health"), f"http://localhost:{port}"


class Project:
    """Steps 4 and 5: a project with the page's labelling configuration, one uploaded image, the backend connected."""

    def __init__(self, server, model):
        self.server = server
        page = PAGE.read_text(encoding="utf-8")
        [config] = re.findall(r"```xml\n(.*?)```", page, re.DOTALL)
        self.number = self.ask("post", "projects", json={"title": "faces", "label_config": config})["id"]
        encoded = io.BytesIO()
        sp.Image.open("sample:astronaut").to_pil().save(encoded, "PNG")
        files = {"file": ("astronaut.png", encoded.getvalue(), "image/png")}
        self.ask("post", f"projects/{self.number}/import", files=files)
        [self.task] = self.ask("get", "tasks", params={"project": self.number})["tasks"]
        assert self.task["data"]["image"].startswith("/data/upload/")
        connected = {"url": model, "project": self.number, "title": "sampipe", "is_interactive": True}
        self.model = self.ask("post", "ml", json=connected)["id"]

    def ask(self, how, what, **given):
        """Of Label Studio's API."""
        headers = {"Authorization": f"Token {KEY}"}
        answer = requests.request(how, f"{self.server}/api/{what}", headers=headers, timeout=PATIENCE, **given)
        assert answer.ok, f"{what}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    def draw(self, *regions):
        """Step 6: what the editor asks when something was drawn with a smart tool."""
        asked = {"task": self.task["id"], "context": {"result": list(regions)}}
        return self.ask("post", f"ml/{self.model}/interactive-annotating", json=asked)


def drawn(kind, **value):
    """A region as Label Studio's editor sends it, of an image of 512 x 512."""
    more = {"is_positive": value.pop("is_positive", True)} if kind == "keypointlabels" else {}
    return {
        "id": "drawn", "type": kind, "from_name": {"keypointlabels": "point", "rectanglelabels": "box"}[kind],
        "to_name": "image", "original_width": 512, "original_height": 512, "image_rotation": 0,
        "value": {"rotation": 0, kind: ["face"]} | {name: at / 5.12 for name, at in value.items()}, **more,
    }  # fmt: skip


def pixels_of(region):
    brush = host("label_studio_sdk.converter.brush", 'pip install "sampipe[label_studio]"')
    return brush.decode_rle(region["value"]["rle"]).reshape(512, 512, 4)[..., 3] > 0


BOX = drawn("rectanglelabels", x=175, y=66, width=99, height=99)
CLICK = drawn("keypointlabels", x=224, y=110, width=3)
NOT_HERE = drawn("keypointlabels", x=224, y=250, width=3, is_positive=False)


def test_the_six_steps(server, tmp_path):
    started, model = backend(server, tmp_path, LABEL_STUDIO_URL=server, LABEL_STUDIO_API_KEY=KEY)
    try:
        project = Project(server, model)
        results, ids = [], set()
        for regions in ([CLICK], [BOX], [BOX, CLICK, NOT_HERE]):
            answer = project.draw(*regions)
            assert "errors" not in answer, (answer, started.said())
            [region] = answer["data"]["result"]  # a box and clicks on one object are one object
            ids.add(region["id"])
            assert region["value"]["brushlabels"] == ["face"] and region["from_name"] == "brush"
            results.append(region)
        assert len(ids) == 3, "an accepted region would replace another"
        mask = pixels_of(results[2])
        rows, columns = np.nonzero(mask)
        assert mask[110, 224] and not mask[250, 224] and 175 < columns.mean() < 274 and 66 < rows.mean() < 165
        annotation = {"result": results, "was_cancelled": False}
        project.ask("post", f"tasks/{project.task['id']}/annotations", json=annotation)
        exported = project.ask("get", f"projects/{project.number}/export", params={"exportType": "JSON"})
        saved = exported[0]["annotations"][0]["result"]
        assert [region["id"] for region in saved] == [region["id"] for region in results]
        assert all(np.array_equal(pixels_of(one), pixels_of(other)) for one, other in zip(saved, results, strict=True))
    finally:
        started.stop()
    assert_readers_take(exported, tmp_path / "export", [pixels_of(region) for region in saved])


def assert_readers_take(exported, folder, masks):
    """The export, with its image beside it, is read as a data set of sampipe."""
    folder.mkdir()
    [task] = exported
    sp.Image.open("sample:astronaut").to_pil().save(folder / Path(task["data"]["image"]).name)
    (folder / "tasks.json").write_text(json.dumps(exported), encoding="utf-8")
    [read] = read_images(folder, "label_studio")
    assert np.array_equal(read.masks().binary(), np.stack(masks)) and read.masks().prompts.labels == ("face",) * 3


def test_pre_annotated_boxes_become_masks(server, tmp_path):
    """Beside the six steps: Label Studio asks for a whole task."""
    started, model = backend(server, tmp_path, LABEL_STUDIO_URL=server, LABEL_STUDIO_API_KEY=KEY)
    try:
        project = Project(server, model)
        project.ask("post", "predictions", json={"task": project.task["id"], "result": [BOX], "score": 0.9})
        answer = project.draw()
        [region] = answer["data"]["result"]
        assert pixels_of(region)[110, 224]
    finally:
        started.stop()


def test_without_address_and_key_the_error_names_them(server, tmp_path):
    started, model = backend(server, tmp_path)
    try:
        task = {"id": 1, "data": {"image": "/data/upload/9/0a1b2c3d-astronaut.png"}}
        [config] = re.findall(r"```xml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        requests.post(f"{model}/setup", json={"project": "9.9", "schema": config}, timeout=PATIENCE)
        asked = {"tasks": [task], "project": "9.9", "label_config": config, "params": {"context": {"result": [CLICK]}}}
        answer = requests.post(f"{model}/predict", json=asked, timeout=PATIENCE)
        assert answer.status_code == 500
        for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
            assert name in answer.text, (answer.text, started.said())
    finally:
        started.stop()
