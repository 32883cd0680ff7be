"""Masks of what a torchvision model finds.

Run it with ``python torchvision_boxes.py [FILE]``.
"""

import sys

from sampipe_integrations.torchvision import TorchvisionDetector

import sampipe as sp
from sampipe.nodes import Segment

weights = sys.argv[1] if len(sys.argv) > 1 else "DEFAULT"
detect = TorchvisionDetector(model="ssdlite320_mobilenet_v3_large", weights=weights, confidence=0.3)
graph = detect | Segment(model="nano")
masks = graph.run(image=sp.Image.open("sample:coffee")).masks
for label, score, area in zip(masks.prompts.labels, masks.prompts.scores, masks.area(), strict=True):
    print(f"{label} {score:.2f} {area} px")
print(len(masks), "objects")
