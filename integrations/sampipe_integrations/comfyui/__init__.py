"""A node pack for ComfyUI. Copy or link this folder into ComfyUI's ``custom_nodes``::

    ln -s "$(python -c 'import sampipe_integrations.comfyui as c; print(c.__path__[0])')" custom_nodes/sampipe

ComfyUI reads the two mappings below; images come as float tensors (b, h, w, 3), 0 to 1, and masks go as (n, h, w).
"""

from __future__ import annotations

from sampipe_integrations.comfyui.nodes import (
    CombineMasks,
    SegmentBoxes,
    SegmentDetections,
    SegmentEverythingNode,
    SegmentPoints,
    SegmentTextNode,
)

NODE_CLASS_MAPPINGS = {
    "SampipeCombineMasks": CombineMasks,
    "SampipeSegmentBoxes": SegmentBoxes,
    "SampipeSegmentDetections": SegmentDetections,
    "SampipeSegmentEverything": SegmentEverythingNode,
    "SampipeSegmentPoints": SegmentPoints,
    "SampipeSegmentText": SegmentTextNode,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "SampipeCombineMasks": "Combine masks (sampipe)",
    "SampipeSegmentBoxes": "Segment boxes (sampipe)",
    "SampipeSegmentDetections": "Segment what a detector finds (sampipe)",
    "SampipeSegmentEverything": "Segment everything (sampipe)",
    "SampipeSegmentPoints": "Segment by points (sampipe)",
    "SampipeSegmentText": "Segment by text (sampipe)",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
