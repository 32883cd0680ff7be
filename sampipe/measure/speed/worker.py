"""One contestant in a process: ``python -m sampipe.measure.speed.worker NAME MODEL CHECKPOINT DEVICE TASKS``.

Says which of TASKS (comma-separated) it can do, and loads nothing large if it is none.

Reads one request a line, ``{"task", "options", "answer": FILE or null}``, does the task once and writes one line,
``{"seconds", "cpu_seconds", "peak_bytes"}`` or ``{"error"}``. What vendors print goes to stderr.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._cores import prepare_threads

OURS = "sampipe"
GROUP = "sampipe.peers"


def contestant_type(name: str) -> Any:
    """The class of the contestant of that name; called with checkpoint, model and device it loads the model."""
    if name == OURS:
        from sampipe.measure.speed.ours import Sampipe

        return Sampipe
    from sampipe.graph.registry import load_entry, points

    return load_entry(points(GROUP)[name])


class Memory:
    """The most this process held since :meth:`start`, above what it held then, in bytes."""

    def start(self) -> None:
        """Forget what was held so far."""
        gc.collect()
        self._cuda = _cuda()
        if self._cuda is not None:
            self._cuda.reset_peak_memory_stats()
            self._before = self._cuda.memory_allocated()
        elif sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            self._before = _status("VmRSS:")

    def peak(self) -> int | None:
        """Bytes; None where the system does not tell."""
        if self._cuda is not None:
            return int(self._cuda.max_memory_allocated() - self._before)
        return max(0, _status("VmHWM:") - self._before) if sys.platform == "linux" else None


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def answer_request(contestant: Any, request: Mapping[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Do the task once, measured; the answer goes to the file that was asked for."""
    memory, task = Memory(), getattr(contestant, request["task"])
    prepare = getattr(contestant, f"prepare_{request['task']}", None)
    if prepare is not None:  # masks in the form that the contestant holds them in: not part of the task
        inputs = prepare(**inputs)
    memory.start()
    began, cpu_began = time.perf_counter(), time.process_time()
    answer = task(**inputs)
    if (cuda := _cuda()) is not None:
        cuda.synchronize()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    peak = memory.peak()
    if request["answer"] is not None:
        np.save(request["answer"], _as_array(answer), allow_pickle=True)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak}


def _as_array(answer: Any) -> np.ndarray:
    if hasattr(answer, "detach"):
        answer = answer.detach().float().cpu().numpy()
    return answer if isinstance(answer, np.ndarray) else np.array(answer, dtype=object)


def main() -> None:
    """Serve requests until stdin ends."""
    name, model, checkpoint, device, wanted = sys.argv[1:]
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # a vendor's warnings are about the vendor
    if name == OURS:
        prepare_threads()  # as the command does before torch loads
    from sampipe.measure.speed.inputs import inputs_of
    from sampipe.measure.speed.weights import config_of

    def reply(document: Mapping[str, Any]) -> None:
        replies.write(json.dumps(document) + "\n")
        replies.flush()

    try:
        kind = contestant_type(name)
        tasks = [task for task in wanted.split(",") if hasattr(kind, task)]
        contestant = kind(Path(checkpoint), model, device) if tasks else None
        config = config_of(model)
        reply({"tasks": tasks})
    except Exception as error:  # told to the parent, which decides
        reply({"error": f"{type(error).__name__}: {error}"})
        return
    for line in sys.stdin:
        request = json.loads(line)
        try:
            inputs = inputs_of(request["task"], request["options"], config)
            reply(answer_request(contestant, request, inputs))
        except Exception as error:
            reply({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
