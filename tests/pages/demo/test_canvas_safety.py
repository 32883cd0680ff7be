"""What a graph that somebody brought to the page may not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampipe.errors import DataError
from sampipe.graph.spec import GraphSpec, NodeSpec
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.canvas import GraphCanvas
from sampipe.pages.demo.canvas.draft import text_of as draft_text
from sampipe.pages.demo.canvas.safety import refuse


def graph(type_id: str, **params: object) -> GraphSpec:
    return GraphSpec(sampipe=1, nodes={"it": NodeSpec(type=type_id, params=params)}, outputs={})


def test_a_graph_that_leaves_files_is_refused_and_one_that_remembers_is_not() -> None:
    with pytest.raises(DataError, match="it: SavePng leaves files on this machine"):
        refuse(graph("sampipe.SavePng@1", directory="elsewhere"))
    refuse(graph("sampipe.Follow@1"))
    refuse(graph("sampipe.Nothing@1"))


def test_no_path_of_this_machine_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, model, upload = tmp_path / "secret.json", tmp_path / "mine.onnx", tmp_path / "uploads" / "x" / "m.onnx"
    upload.parent.mkdir(parents=True)
    for file in (secret, model, upload, sly := upload.with_name("sly.onnx")):
        file.write_text("{}")
    upload.write_bytes(b"\x08\x08\x00weights")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.chdir(tmp_path)
    for path in (str(secret), "secret.json", "../", "~", str(sly), f"file://{secret}", "http://127.0.0.1:22/"):
        with pytest.raises(DataError, match="a page opens no path of this machine"):
            refuse(graph("files.CocoBoxes@1", path=path))
    refuse(graph("onnx.YoloxDetector@1", weights="mine.onnx"))  # a model file where the page was started
    refuse(graph("onnx.YoloxDetector@1", weights=str(upload)))
    refuse(graph("sampipe.Segment@1", model="nano"))


def test_a_graph_inside_a_parameter_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    inner = draft_text(graph("files.CocoBoxes@1", path=str(tmp_path / "secret.json")))
    with pytest.raises(DataError, match="it: in its graph, it: a page opens no path of this machine"):
        refuse(graph("sampipe.Follow@1", detect=inner))
    with pytest.raises(DataError, match="it: in its graph, it: SavePng leaves files"):
        refuse(graph("sampipe.Follow@1", detect=draft_text(graph("sampipe.SavePng@1", directory="x"))))
    refuse(graph("sampipe.Follow@1", detect=draft_text(graph("skimage.FaceDetector@1"))))


def test_what_is_refused_is_said_at_its_node_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("a secret")
    canvas = GraphCanvas(Bench(live=False), examples=dict, may_save=False)
    told = canvas.files({"graph": graph("sampipe.Follow@1", detect=str(tmp_path / "secret.yaml")).model_dump()})
    assert "a page opens no path" in told["problems"]["it"]
    assert "a secret" not in str(told)
