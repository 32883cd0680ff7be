"""Blocks for Roboflow inference workflows: boxes, points or words in, instance masks out.

Found through the workflows' own variable::

    export WORKFLOWS_PLUGINS=sampipe_integrations.roboflow

This module imports nothing of theirs until the blocks are asked for.
"""

from __future__ import annotations

from typing import Any

__all__ = ["load_blocks"]


def load_blocks() -> list[type[Any]]:
    """The blocks of this plugin; the workflows' engine calls it.

    Raises:
        MissingDependencyError: inference is not installed.
    """
    from sampipe_integrations.roboflow.block import AddMasksBlock
    from sampipe_integrations.roboflow.prompted import PointMasksBlock, TextMasksBlock

    return [AddMasksBlock, PointMasksBlock, TextMasksBlock]
