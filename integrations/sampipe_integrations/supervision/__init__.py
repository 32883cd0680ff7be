"""supervision as a source of prompts: its key points, and its tiles. Nothing to install: it comes with sampipe.

``sampipe.Prompts.from_supervision`` takes its ``Detections``, ``sampipe.add_masks`` gives them masks.
"""

from __future__ import annotations

from sampipe_integrations.supervision.key_points import prompts_from_key_points
from sampipe_integrations.supervision.sliced import SlicedDetector

__all__ = ["SlicedDetector", "prompts_from_key_points"]
