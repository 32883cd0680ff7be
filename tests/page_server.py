"""Pages that are really served, by a process of their own, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def serve(folder: Path, *command: str) -> tuple[subprocess.Popen[str], str]:
    """Start a program that serves a page; gives it and the page's address."""
    environment = {
        **os.environ,
        "BROWSER": "true",  # what opens pages does nothing
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "SAMPIPE_CACHE_DIR": os.environ.get("SAMPIPE_CACHE_DIR") or str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    log = (folder / "server.log").open("w")
    served = subprocess.Popen(
        [sys.executable, *command], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
    )
    log.close()
    assert served.stdout is not None
    for line in served.stdout:
        if "http://127.0.0.1:" in line:
            return served, line[line.index("http://") :].split()[0]
    served.wait()
    raise AssertionError((folder / "server.log").read_text())


def stop(served: subprocess.Popen[str]) -> None:
    """End it, as Ctrl-C would or harder."""
    served.terminate()
    try:
        served.wait(20)
    except subprocess.TimeoutExpired:
        served.kill()
        served.wait()
    assert served.stdout is not None
    served.stdout.close()
