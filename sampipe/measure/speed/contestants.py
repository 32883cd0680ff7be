"""Contestants as seen from outside: processes that take one request at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sampipe.graph.registry import points
from sampipe.measure.speed.worker import GROUP, OURS


def peer_names() -> list[str]:
    """The peers that an installed package registers, whether or not their own packages are there."""
    return sorted(points(GROUP))


class Contestant:
    """A process that loaded one contestant, if it can do any of ``tasks``; ``problem`` says why it could not."""

    def __init__(
        self, name: str, *, model: str, checkpoint: Path, device: str, threads: int, tasks: Iterable[str]
    ) -> None:
        self.name = name
        words = (name, model, str(checkpoint), device, ",".join(tasks))
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sampipe.measure.speed.worker", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        hello = self._answer()
        self.problem: str | None = hello.get("error")
        self.tasks: frozenset[str] = frozenset(hello.get("tasks", ()))

    @property
    def is_ours(self) -> bool:
        """Whether it is the product."""
        return self.name == OURS

    def do(self, task: str, options: dict[str, Any], answer: Path | None = None) -> dict[str, Any]:
        """Do a task once; what the process says of it."""
        if self._process.poll() is not None:
            return self._ended()
        request = {"task": task, "options": options, "answer": None if answer is None else str(answer)}
        _stream(self._process.stdin).write(json.dumps(request) + "\n")
        _stream(self._process.stdin).flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        _stream(self._process.stdin).close()
        self._process.wait(timeout=60)
        _stream(self._process.stdout).close()

    def _answer(self) -> dict[str, Any]:
        line = _stream(self._process.stdout).readline()
        return dict(json.loads(line)) if line else self._ended()

    def _ended(self) -> dict[str, Any]:
        return {"error": f"its process ended with code {self._process.wait()} (out of memory?)"}


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
