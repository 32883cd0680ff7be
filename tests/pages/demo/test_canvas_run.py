"""Running what is on the canvas: as far as it goes, nothing twice, and no longer than somebody wants it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import sampipe as sp
from sampipe.graph.result import NodeReport
from sampipe.graph.run.events import progress
from sampipe.graph.spec import GraphSpec, NodeSpec
from sampipe.pages.demo import jobs
from sampipe.pages.demo.canvas.run import CanvasRun, Given, Memory
from sampipe.pages.shared import Cancelled

IMAGE = sp.Image.from_array(np.zeros((8, 8, 3), np.uint8), color="rgb")
RAN: list[str] = []


@sp.register("canvas_test")
class Brighter(sp.Node):
    """Adds to every pixel."""

    by: int = 1

    def run(self, image: sp.Image) -> sp.Image:
        RAN.append(f"brighter {self.by}")
        return sp.Image.from_array(image.pixels + np.uint8(self.by), color="rgb")


@sp.register("canvas_test")
class Fails(sp.Node):
    """Never works."""

    def run(self, image: sp.Image) -> sp.Image:
        raise sp.DataError("as asked")


@sp.register("canvas_test")
class Slow(sp.Node):
    """Says how far it is, for a long time."""

    def run(self, image: sp.Image) -> sp.Image:
        for step in range(2000):
            progress(step / 2000)
            threading.Event().wait(0.01)
        return image


def draft(**nodes: tuple[str, dict[str, Any], str]) -> GraphSpec:
    made = {
        name: NodeSpec(type=f"canvas_test.{kind}@1", params=params, inputs={"image": source} if source else {})
        for name, (kind, params, source) in nodes.items()
    }
    return GraphSpec(sampipe=1, inputs={"image": "Image"}, nodes=made, outputs={})


def shown(outputs: Mapping[str, Any], report: NodeReport) -> dict[str, Any]:
    return {"gave": int(outputs["image"].pixels[0, 0, 0])}


def run(graph: GraphSpec, memory: Memory, image: sp.Image | None = IMAGE) -> dict[str, dict[str, Any]]:
    """The last event of each node."""
    RAN.clear()
    given = {} if image is None else {"image": Given(image, image.key)}
    job = CanvasRun(graph, given, memory, shown=shown, device="cpu")
    events: list[dict[str, Any]] = []
    while not job.look() or job.count > len(events):
        events += job.events(len(events), 1.0)
    job.result()
    return {event["node"]: event for event in events}


def test_after_a_change_only_what_is_downstream_runs_again() -> None:
    memory = Memory()
    chain = {"a": ("Brighter", {"by": 1}, "$image"), "b": ("Brighter", {"by": 2}, "a.image")}
    ended = run(draft(**chain, c=("Brighter", {"by": 4}, "b.image")), memory)
    assert (ended["c"]["gave"], ended["c"]["kept"]) == (7, False)
    assert RAN == ["brighter 1", "brighter 2", "brighter 4"]
    ended = run(draft(**chain, c=("Brighter", {"by": 5}, "b.image")), memory)
    assert RAN == ["brighter 5"]
    assert (ended["b"]["kept"], ended["c"]["gave"]) == (True, 8)
    other = sp.Image.from_array(np.ones((8, 8, 3), np.uint8), color="rgb")
    assert run(draft(**chain), memory, other)["b"]["gave"] == 4
    assert len(RAN) == 2, "another image changes everything"


def test_a_failure_stops_what_depends_on_it_and_nothing_else() -> None:
    ended = run(
        draft(bad=("Fails", {}, "$image"), after=("Brighter", {}, "bad.image"), other=("Brighter", {}, "$image")),
        Memory(),
    )
    assert (ended["bad"]["state"], ended["bad"]["message"]) == ("failed", "as asked")
    assert (ended["after"]["state"], ended["after"]["message"]) == ("open", "It waits for bad.")
    assert ended["other"]["state"] == "done"


def test_loose_ends_wrong_parameters_unknown_nodes_and_circles_are_told() -> None:
    graph = draft(
        loose=("Brighter", {}, ""), wrong=("Brighter", {"by": "much"}, "$image"), unknown=("Nothing", {}, "$image"),
        one=("Brighter", {}, "two.image"), two=("Brighter", {}, "one.image"), fine=("Brighter", {}, "$image"),
    )  # fmt: skip
    ended = run(graph, Memory())
    assert ended["loose"]["message"] == "Nothing feeds image yet."
    assert ended["wrong"]["state"] == ended["unknown"]["state"] == "failed"
    assert "'by'" in ended["wrong"]["message"] or "by=" in ended["wrong"]["message"]
    assert "circle" in ended["one"]["message"]
    assert ended["fine"]["state"] == "done"
    assert run(draft(a=("Brighter", {}, "$image")), Memory(), None)["a"]["message"] == "image is not given yet."


def test_a_run_ends_when_it_is_cancelled_and_when_nobody_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, given = draft(slow=("Slow", {}, "$image")), {"image": Given(IMAGE, IMAGE.key)}
    job = CanvasRun(graph, given, Memory(), shown=shown, device="cpu")
    assert job.events(0, 60.0)[0] == {"node": "slow", "state": "running"}
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()
    monkeypatch.setattr(jobs, "FORGOTTEN", 0.2)
    with pytest.raises(Cancelled):  # result() alone does not say that somebody is there
        CanvasRun(graph, given, Memory(), shown=shown, device="cpu").result()
