"""Optional packages: one clear message when an extra is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from sampipe.errors import MissingDependencyError


def require(module: str, extra: str) -> ModuleType:
    """Import ``module``, or say which extra brings it.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != module.partition(".")[0]:
            raise  # the package is there; something inside it is broken, and that is the news
        raise MissingDependencyError(
            f'{module!r} is needed here and is not installed. Install it with: pip install "sampipe[{extra}]"',
            name=module,
        ) from error
