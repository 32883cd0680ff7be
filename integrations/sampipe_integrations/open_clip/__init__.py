"""CLIP models of open_clip: text towers, image towers and what each place of an image says."""

from __future__ import annotations

from sampipe_integrations.open_clip.loading import is_here, load
from sampipe_integrations.open_clip.model import OpenClip

__all__ = ["OpenClip", "is_here", "load"]
