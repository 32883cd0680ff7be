"""What happens to the demo's page: many clients at once, and requests that mean no good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sampipe._optional import require
from sampipe.measure.faults.trial import Outcome, Size

_PATIENCE = 300.0  # seconds for an answer
_SERVE = """
import threading
import sampipe.pages.demo.bench as bench
from sampipe.cli import main

most, now, lock, run = 0, 0, threading.Lock(), bench.Graph.run

def counted(graph, **inputs):
    global most, now
    with lock:
        now += 1
        most = max(most, now)
    try:
        return run(graph, **inputs)
    finally:
        with lock:
            now -= 1

bench.Graph.run = counted

def waiting(self, data):
    return {"most": most}

bench.Bench.waiting = waiting
main()
"""
_HOSTILE = (
    "gradio_api/file=/etc/passwd",
    "gradio_api/file=../../../etc/passwd",
    "gradio_api/file=http://169.254.169.254/latest",
    "sampipe/runtime/..%2f..%2fpage.py",
    "sampipe/runtime//etc/passwd",
)


def clients(size: Size, folder: Path) -> Outcome:
    """All clients click at once, each elsewhere; each gets what it would get alone."""
    require("gradio", "demo")
    with _served(folder) as url:
        bench = _component(url)
        key = _call(url, bench, "open_image", {"sample": "coffee"})[1]["key"]

        def click(number: int) -> tuple[int, Any]:
            marked = {"points": [[20 + 11 * number, 15 + 7 * number, 1]], "box": None, "brush": None}
            return _call(url, bench, "segment", {"key": key, "prompts": marked})

        alone = [_masks(click(number)) for number in range(size.clients)]
        with ThreadPoolExecutor(size.clients) as pool:
            together = [_masks(answer) for answer in pool.map(click, range(size.clients))]
        most = _call(url, bench, "waiting", {})[1]["most"]
        refused = sum(_refused(url, path) for path in _HOSTILE)
    errors = sum(answer is None for answer in (*alone, *together))
    wrong = sum(a != b for a, b in zip(alone, together, strict=True))
    figures = f"{size.clients} clients: {errors} errors, {wrong} wrong answers, {most} inference at a time; "
    figures += f"{refused} of {len(_HOSTILE)} hostile requests refused"
    return Outcome(not errors and not wrong and most == 1 and refused == len(_HOSTILE), figures)


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The demo in a process that also counts how many inferences run at once."""
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "uploads"), "HF_HUB_OFFLINE": "1"}
    with (folder / "server.log").open("w") as log:
        command = [sys.executable, "-c", _SERVE, "demo", "--no-browser"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        address = next((line for line in process.stdout if "http://127.0.0.1:" in line), None)
        if address is None:
            raise RuntimeError(f"the page did not begin: {(folder / 'server.log').read_text()[-500:]}")
        yield address[address.index("http://") :].split()[0]
    finally:
        process.kill()
        process.communicate()


def _component(url: str) -> int:
    """The component that the page's script talks to."""
    config = json.loads(_ask(f"{url}config")[1])
    return next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "bench")


def _call(url: str, bench: int, name: str, data: Any) -> tuple[int, Any]:
    body = {"session_hash": "selftest", "component_id": bench, "fn_name": name, "data": data}
    code, answer = _ask(f"{url}gradio_api/component_server", json.dumps(body).encode())
    return code, json.loads(answer) if code == 200 else answer


def _ask(url: str, data: bytes | None = None) -> tuple[int, bytes]:
    try:
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def _masks(answer: tuple[int, Any]) -> str | None:
    """What was answered, as text to compare; None for an error."""
    code, content = answer
    return json.dumps(content["candidates"]) if code == 200 and "candidates" in content else None


def _refused(url: str, path: str) -> bool:
    code, body = _ask(url + path)
    page = b"<!doctype html>" in body[:200].lower()  # the page itself: an address that Gradio does not know
    return (code in (400, 403, 404, 405) or page) and b"root:" not in body
