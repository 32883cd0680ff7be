"""A detector over tiles of an image, by supervision's InferenceSlicer, and masks of what it finds."""

from sampipe_integrations.supervision import SlicedDetector

import sampipe as sp
from sampipe.nodes import Segment

detect = SlicedDetector(detector="face", detector_params={"min_size": 60}, tile=(300, 300), overlap=(200, 200))
graph = detect | Segment(model="nano")
masks = graph.run(image=sp.Image.open("sample:astronaut")).masks
print(sorted(set(masks.prompts.labels)), masks.hw)
