"""The example workflow on a real ComfyUI server, of which ``COMFYUI`` names the checkout; this Python runs it."""

import io
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import requests
import sampipe_integrations
from PIL import Image
from sampipe_integrations._words import graph_of_words
from servers import PATIENCE, Started, free_port

import sampipe as sp
from sampipe.nodes import Segment

FOLDER = Path(sampipe_integrations.__path__[0]) / "comfyui"
pytestmark = pytest.mark.skipif("COMFYUI" not in os.environ, reason="COMFYUI names no checkout of ComfyUI")


@pytest.fixture
def server(tmp_path):
    """With the pack linked as the page says, in folders of the test's own."""
    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "custom_nodes" / "sampipe").symlink_to(FOLDER)
    port, main = free_port(), str(Path(os.environ["COMFYUI"]) / "main.py")
    command = [sys.executable, main, "--cpu", "--port", str(port), "--base-directory", str(tmp_path)]
    address = f"http://127.0.0.1:{port}"
    started = Started(command, tmp_path, dict(os.environ), f"{address}/system_stats")
    yield address
    started.stop()


def test_the_example_workflow_gives_the_masks_of_sampipe(server):
    workflow = json.loads((FOLDER / "example_workflow.json").read_text(encoding="utf-8"))
    picture, encoded = sp.Image.open("sample:astronaut"), io.BytesIO()
    picture.to_pil().save(encoded, "PNG")
    files = {"image": (workflow["1"]["inputs"]["image"], encoded.getvalue(), "image/png")}
    assert requests.post(f"{server}/upload/image", files=files, timeout=60).ok
    known = requests.get(f"{server}/object_info", timeout=60).json()
    assert sum(one["category"] == "sampipe" for one in known.values()) == 6
    number = requests.post(f"{server}/prompt", json={"prompt": workflow}, timeout=60).json()["prompt_id"]
    until, history = time.monotonic() + PATIENCE, {}
    while not history and time.monotonic() < until:
        time.sleep(0.5)
        history = requests.get(f"{server}/history/{number}", timeout=60).json()
    assert history[number]["status"]["status_str"] == "success", history
    [shown] = [image for output in history[number]["outputs"].values() for image in output["images"]]
    answer = requests.get(f"{server}/view", params=shown, timeout=60).content
    found = np.asarray(Image.open(io.BytesIO(answer)).convert("L")) > 127
    words = graph_of_words("a person", "nano", "auto").run(image=picture).masks.best().binary().any(axis=0)
    points = sp.Prompts.from_points([[[224, 110], [30, 30]]], [[1, 0]])
    assert np.array_equal(found, words | Segment(model="nano")(picture, prompts=points).best().binary()[0])
