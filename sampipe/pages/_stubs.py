"""Gradio without its stub files.

While Gradio is imported, it reads the source of each of its components, and writes a ``.pyi`` file beside it for
editors: half of the time of the import, and files in a folder that may not be ours. Pages that are served need none.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MODULE, _FUNCTION = "gradio.component_meta", "create_or_modify_pyi"


class _Finder(MetaPathFinder):
    """Finds the one module that writes them, and takes its function away once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def without(module: ModuleType) -> None:
                execute(module)
                if hasattr(module, _FUNCTION):
                    setattr(module, _FUNCTION, lambda *of_a_component: None)

            loader.exec_module = without
        return spec


def write_no_stubs() -> None:
    """Ask for it, before Gradio is imported; afterwards it does nothing."""
    if _MODULE not in sys.modules:
        sys.meta_path.insert(0, _Finder())
