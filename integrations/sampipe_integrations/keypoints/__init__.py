"""Key points of any kind as point prompts. Nothing to install.

Functions, not nodes: whatever found the points has run already. ``keypoint_prompts`` takes arrays,
``landmark_prompts`` what mediapipe gives.
"""

from __future__ import annotations

from sampipe_integrations._keypoints import keypoint_prompts
from sampipe_integrations.keypoints.landmarks import landmark_prompts

__all__ = ["keypoint_prompts", "landmark_prompts"]
