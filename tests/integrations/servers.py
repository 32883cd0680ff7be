"""Programs that serve, started by tests and stopped by them."""

import os
import signal
import socket
import subprocess
import time

import pytest
import requests

PATIENCE = 900  # seconds; a new database of Label Studio takes minutes on a slow machine


class Started:
    """A program that serves at an address, until it is stopped."""

    def __init__(self, command, folder, environment, health):
        self.log = folder / "log.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert self.process.poll() is None, self.said()
            try:
                if requests.get(health, timeout=10).ok:
                    return
            except requests.RequestException:
                time.sleep(1)
        self.stop()
        pytest.fail(f"{command} does not answer at {health}: {self.said()}")

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
