"""Hosts that do not live beside our own dependencies: their tests run in an environment of theirs, or are skipped."""

from __future__ import annotations

import pytest


def host(module: str, how: str) -> object:
    """The host's module; where it is not installed the test is skipped and says how to have it."""
    return pytest.importorskip(module, reason=f"needs {how}; see docs/integrations.md")
