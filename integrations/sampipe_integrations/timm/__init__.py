"""Image models of timm, DINOv2 first of all. Nothing to install: open_clip brings timm, and sampipe open_clip."""

from __future__ import annotations

from sampipe_integrations.timm.similar import TimmSimilarPrompts

__all__ = ["TimmSimilarPrompts"]
