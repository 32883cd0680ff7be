"""Masks of what a detector in ONNX finds, its input and head described in a YAML file.

Run it with ``python onnx_described.py DESCRIPTION.yaml``.
"""

import sys

from sampipe_integrations.onnx import OnnxDetector

import sampipe as sp
from sampipe.nodes import Segment

graph = OnnxDetector(description=sys.argv[1], confidence=0.3) | Segment(model="nano")
masks = graph.run(image=sp.Image.open("sample:coffee")).masks
print(len(masks), "objects", masks.prompts.labels)
