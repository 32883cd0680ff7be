"""A Ray cluster: one that exists, or one of our own on this machine for as long as it is needed."""

from __future__ import annotations

import logging
import math
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sampipe._cores import cores
from sampipe._optional import require
from sampipe.jobs.ray.pool import Pool


@contextmanager
def connected(address: str | None, pool: Pool) -> Iterator[Any]:
    """The module ``ray``, connected.

    Where this process is connected already, that cluster serves and stays. A cluster that begins here listens on all
    network interfaces, as Ray does; so it asks for a password that only this process and its workers know. Ray reads
    it when it is imported, so a program that imports ray before this goes without.

    Args:
        address: ``"auto"``, ``"host:port"`` or ``"ray://host:port"``; None: begin one here, and end it.
        pool: has room there.

    Raises:
        MissingDependencyError: no ray.
        ConnectionError: nobody answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # the rest reaches us as exceptions
    before = dict(os.environ)
    if address is None and "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    ray = require("ray", "ray")
    require("ray.data", "ray")
    if ray.is_initialized():
        yield ray
        return
    place = {"address": address} if address else {"num_cpus": _room(pool), "include_dashboard": False}
    ray.init(**place, log_to_driver=False, logging_level=logging.ERROR)
    try:
        with _quiet():
            yield ray
    finally:
        ray.shutdown()
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            if name not in before:
                os.environ.pop(name, None)


def _room(pool: Pool) -> int:
    """CPUs that Ray is told of: all there are, and beside the actors one for reading and writing."""
    return max(cores(), math.ceil(pool.most * pool.cpus) + 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray Data's log lines and bars go to its files; a command's output is its own."""
    import ray.data

    context, logger = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, logger.level
    logger.setLevel(logging.ERROR)
    context.enable_progress_bars = False
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)
