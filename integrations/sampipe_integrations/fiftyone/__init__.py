"""FiftyOne: its samples as prompts, masks as its labels, an operator for its app. Needs ``pip install fiftyone``."""

from __future__ import annotations

from pathlib import Path

from sampipe_integrations.fiftyone.labels import masks_to_detections, prompts_from_label
from sampipe_integrations.fiftyone.source import FiftyOneBoxes

PLUGIN_FOLDER = Path(__file__).parent / "plugin"
"""Link or copy it into FiftyOne's plugins folder, under any name."""

__all__ = ["PLUGIN_FOLDER", "FiftyOneBoxes", "masks_to_detections", "prompts_from_label"]
