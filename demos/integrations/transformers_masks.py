"""A detector of transformers in front of a mask model, and all masks of an image as its pipeline gives them.

Run it with ``python transformers_masks.py [DETECTOR]``.
"""

import sys

from sampipe_integrations.transformers import MaskGenerator, TransformersDetector

import sampipe as sp
from sampipe.nodes import Segment

image = sp.Image.open("sample:coins")
detect = TransformersDetector(model=sys.argv[1] if len(sys.argv) > 1 else "PekingU/rtdetr_r18vd", confidence=0.3)
masks = (detect | Segment(model="nano")).run(image=image).masks
print(len(masks), "objects", sorted(set(masks.prompts.labels or ())))

generate = MaskGenerator(model="nano", points_per_crop=4)
found = generate(image.to_pil(), points_per_batch=32)
print(sorted(found), len(found["masks"]) > 0)
