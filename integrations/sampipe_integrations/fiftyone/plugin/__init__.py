"""What FiftyOne loads from its plugins folder."""

from __future__ import annotations

from typing import Any


def register(plugin: Any) -> None:
    """FiftyOne calls this with what operators are registered on."""
    from sampipe_integrations.fiftyone.operator import AddMasks

    plugin.register(AddMasks)
