"""Where the workflows keep what a block is made of: a package of their own, before inference 1.8 a part of it."""

from __future__ import annotations

import importlib
from types import ModuleType

import sampipe as sp

_HOMES = ("roboflow_workflows", "inference.core.workflows")


def workflows(module: str) -> ModuleType:
    """A module of the workflows by its name inside their package.

    Raises:
        MissingDependencyError: neither home is installed.
    """
    for home in _HOMES:
        try:
            return importlib.import_module(f"{home}.{module}")
        except ModuleNotFoundError as error:
            if not f"{home}.{module}".startswith(error.name or "-"):
                raise  # it is there; something inside it is broken
    raise sp.MissingDependencyError(
        "Roboflow's workflows are not installed. Install them with: pip install inference", name="inference"
    )
