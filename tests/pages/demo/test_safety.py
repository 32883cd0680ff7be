"""The served page refuses what it should; asked over HTTP, around the page itself."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them


def ask(url: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, error.read(), {}


@pytest.fixture(scope="module")
def bench(demo: str) -> int:
    """The component that the page's script talks to."""
    config = json.loads(ask(f"{demo}config")[1])
    return next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "bench")


def call(demo: str, bench: int, name: str, data: Any) -> tuple[int, Any]:
    body = {"session_hash": "test", "component_id": bench, "fn_name": name, "data": data}
    code, answer, _ = ask(
        f"{demo}gradio_api/component_server", json.dumps(body).encode(), Content_Type="application/json"
    )
    return code, json.loads(answer) if code == 200 else answer


def test_it_listens_on_this_machine_only(demo: str) -> None:
    table = Path("/proc/net/tcp")
    if not table.is_file():
        pytest.skip("needs /proc/net/tcp to see who listens")
    port = urlsplit(demo).port
    listening = [line.split()[1] for line in table.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    hosts = {host for host, number in (one.split(":") for one in listening) if int(number, 16) == port}
    assert hosts == {"0100007F"}


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=../../../etc/passwd",
        "gradio_api/file=http://169.254.169.254/latest",
        "sampipe/runtime/../../../../pyproject.toml",
        "sampipe/runtime/..%2f..%2fpage.py",
        "sampipe/decoder/%2e%2e/%2e%2e/etc/passwd",
        "sampipe/runtime//etc/passwd",
    ],
)
def test_files_of_this_machine_are_not_served(demo: str, path: str) -> None:
    code, body, _ = ask(demo + path)
    assert code in (400, 403, 404, 405) or b"<!doctype html>" in body[:200].lower()
    assert b"root:" not in body
    assert b"[project]" not in body


def test_its_own_files_are_served_packed(demo: str) -> None:
    code, body, headers = ask(f"{demo}sampipe/runtime/ort-wasm-simd-threaded.wasm")
    assert (code, headers["content-encoding"], headers["content-type"]) == (200, "gzip", "application/wasm")
    assert body[:2] == b"\x1f\x8b"


def test_huge_uploads_are_refused(demo: str) -> None:
    limit = b"--x\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n\r\n"
    body = limit + bytes(65 << 20) + b"\r\n--x--\r\n"
    try:
        code, _, _ = ask(f"{demo}gradio_api/upload", body, Content_Type="multipart/form-data; boundary=x")
    except urllib.error.URLError:
        return  # hung up on, which refuses too
    assert code == 413


def test_there_is_no_api_beside_the_page(demo: str) -> None:
    config = json.loads(ask(f"{demo}config")[1])
    queued = next(one["id"] for one in config["dependencies"] if one["queue"] is not False)
    body = json.dumps({"fn_index": queued, "data": [""] * 20, "session_hash": "x"}).encode()
    assert ask(f"{demo}gradio_api/run/predict", body, Content_Type="application/json")[0] != 200


def test_other_pages_may_not_read_it(demo: str) -> None:
    _, _, headers = ask(f"{demo}config", Origin="https://elsewhere.example")
    assert headers.get("access-control-allow-origin") not in ("*", "https://elsewhere.example")


def test_only_the_functions_of_the_page_can_be_called(demo: str, bench: int) -> None:
    for name in ("__init__", "postprocess", "close", "get_config"):
        assert call(demo, bench, name, {})[0] == 404


@pytest.mark.parametrize(
    "source", [{"path": "/etc/passwd"}, {"path": "http://127.0.0.1:22"}, {"sample": "../x"}, {}, [1], None, {"path": 3}]
)
def test_images_come_from_uploads_and_samples_only(demo: str, bench: int, source: Any) -> None:
    code, answer = call(demo, bench, "open_image", source)
    assert code == 200
    assert set(answer) == {"error"}
    assert "Traceback" not in answer["error"]


def test_parallel_requests_are_all_answered_one_after_the_other(demo: str, bench: int) -> None:
    key = call(demo, bench, "open_image", {"sample": "coffee"})[1]["key"]
    with ThreadPoolExecutor(6) as pool:
        prompts = [{"points": [[30 * i, 50, 1]], "box": None, "brush": None} for i in range(1, 7)]
        answers = list(pool.map(lambda one: call(demo, bench, "segment", {"key": key, "prompts": one}), prompts))
    assert all(code == 200 and len(answer["candidates"]) == 3 for code, answer in answers)
    until = time.monotonic() + 120
    while (waiting := call(demo, bench, "waiting", {})[1]) != {"waiting": 0} and time.monotonic() < until:
        time.sleep(0.1)  # windows that were closed a moment ago
    assert waiting == {"waiting": 0}
