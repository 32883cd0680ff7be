"""The image encoder compiled by OpenVINO: faster on Intel and AMD processors, in bfloat16 not exact."""

from __future__ import annotations

from sampipe_integrations.openvino.encode import OpenVinoEncode

__all__ = ["OpenVinoEncode"]
