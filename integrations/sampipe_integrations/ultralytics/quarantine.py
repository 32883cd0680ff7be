"""Importing and calling ultralytics without what it does to the rest of the process.

Importing it sets environment variables, the thread counts of OpenCV and torch, print options and warning
filters, replaces ``PIL.Image.open`` (files that Pillow cannot read then start a ``pip install``) and
``torch.save``, writes a settings file into the home directory and switches telemetry on. Loading a ``.pt``
runs the code inside it unless told otherwise. Here all of that is refused or put back.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import sampipe as sp
from sampipe._optional import require

LICENCE_NOTE = (
    "ultralytics is licensed under AGPL-3.0: what you build with it and offer to others, also over a "
    "network, falls under that licence unless you hold a commercial one."
)
MALICIOUS = frozenset({"8.3.41", "8.3.42", "8.3.45", "8.3.46"})
"""Releases that carried a cryptocurrency miner."""

log = logging.getLogger("sampipe.ultralytics")
lock = threading.RLock()
"""Held while process-wide state is not as the user left it."""


@functools.cache
def load_ultralytics() -> ModuleType:
    """The package, imported in quarantine; says its licence once.

    Raises:
        MissingDependencyError: not installed, one of the malicious releases, or too old to load weights
            without running the code in them.
    """
    _refuse_malicious_release()
    with side_effects_undone():
        package = require("ultralytics", "ultralytics")
        tasks = require("ultralytics.nn.tasks", "ultralytics")
        require("ultralytics.models", "ultralytics")
        require("ultralytics.utils.events", "ultralytics").events.enabled = False
    safe = getattr(tasks, "_SafeLoad", None)
    if safe is None or not safe.SUPPORTED:
        raise sp.MissingDependencyError(
            f"ultralytics {package.__version__} with this torch can load weights only by running the code in "
            'them. Install newer ones: pip install "ultralytics>=8.4.68" "torch>=2.6"',
            name="ultralytics",
        )
    vars(tasks)["SAFE_LOAD"] = True  # where it had been imported before the environment could say so
    log.warning(LICENCE_NOTE)
    return package


def _refuse_malicious_release() -> None:
    try:
        installed = version("ultralytics")
    except PackageNotFoundError:
        return
    if installed in MALICIOUS:
        raise sp.MissingDependencyError(
            f"ultralytics {installed} is a malicious release and is not imported. Install another: "
            'pip install -U "sampipe[ultralytics]"',
            name="ultralytics",
        )


@contextmanager
def side_effects_undone() -> Iterator[None]:
    """Hardened environment inside; the process as it was afterwards."""
    import numpy as np
    import PIL.Image
    import torch
    from torch import _tensor_str

    with lock:
        environment = dict(os.environ)
        filters = warnings.filters[:]
        image_open, torch_save = PIL.Image.open, torch.save
        numpy_print, torch_print = np.get_printoptions(), _tensor_str.get_printoptions()
        torch_threads = torch.get_num_threads()
        cv2_threads = _cv2_threads()
        os.environ.update(_hardened())
        try:
            yield
        finally:
            _restore_environment(environment)
            warnings.filters[:] = filters  # type: ignore[index]
            PIL.Image.open, torch.save = image_open, torch_save
            np.set_printoptions(**numpy_print)
            torch.set_printoptions(**torch_print)
            torch.set_num_threads(torch_threads)
            if cv2_threads is not None:
                sys.modules["cv2"].setNumThreads(cv2_threads)


def _hardened() -> dict[str, str]:
    return {
        "YOLO_AUTOINSTALL": "false",
        "YOLO_OFFLINE": "true",
        "YOLO_VERBOSE": "false",
        "YOLO_CONFIG_DIR": _private_folder(),
        "ULTRALYTICS_SAFE_LOAD": "true",
        "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
    }


@functools.cache
def _private_folder() -> str:
    """A settings folder of this process, gone when it ends."""
    folder = tempfile.mkdtemp(prefix="sampipe-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _cv2_threads() -> int | None:
    try:
        import cv2
    except ImportError:
        return None
    return int(cv2.getNumThreads())


def _restore_environment(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
