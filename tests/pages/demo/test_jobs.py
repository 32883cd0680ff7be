"""Runs with progress and an end."""

from __future__ import annotations

import threading

import pytest

import sampipe as sp
from sampipe.errors import NodeError
from sampipe.graph import Graph
from sampipe.graph.run.events import progress
from sampipe.pages.demo.jobs import GraphJob, Jobs
from sampipe.pages.shared import Cancelled
from sampipe.types import Image

IMAGE = Image.open("sample:coins")


class Counting(sp.Node):
    """Says how far it is until it is stopped, or for minutes."""

    wrong: bool = False

    def run(self, image: sp.Image) -> sp.Image:
        if self.wrong:
            raise ValueError("as asked")
        for step in range(20_000):
            progress(step / 20_000)
            threading.Event().wait(0.01)
        return image


def graph(node: sp.Node) -> Graph:
    def only(image: sp.Image) -> sp.Image:
        found: sp.Image = node(image)  # type: ignore[operator]
        return found

    return sp.trace(only)


def test_a_job_says_how_far_it_is_and_stops_soon() -> None:
    job = GraphJob(graph(Counting()), {"image": IMAGE}, device="cpu")
    shares = []
    for share in job.follow():
        shares.append(share)
        if share:
            job.cancel()
    assert 0 < max(one for one in shares if one is not None) < 0.9
    with pytest.raises(Cancelled):
        job.result()


def test_a_failure_keeps_its_node() -> None:
    job = GraphJob(graph(Counting(wrong=True)), {"image": IMAGE}, device="cpu")
    list(job.follow())
    with pytest.raises(NodeError, match="as asked"):
        job.result()


def test_a_new_job_of_a_window_stops_the_one_before() -> None:
    jobs = Jobs()
    first = jobs.start("window", lambda: GraphJob(graph(Counting()), {"image": IMAGE}, device="cpu"))
    second = jobs.start("window", lambda: GraphJob(graph(Counting()), {"image": IMAGE}, device="cpu"))
    jobs.cancel("window")
    jobs.cancel("another")
    for job in (first, second):
        with pytest.raises(Cancelled):
            job.result()
