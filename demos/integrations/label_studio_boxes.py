"""Masks for the pre-annotated boxes of a Label Studio project."""

import json
from pathlib import Path

from sampipe_integrations.label_studio import LabelStudioBoxes

import sampipe as sp
from sampipe.nodes import Segment

image = sp.Image.open("sample:astronaut")
value = {"x": 34.2, "y": 12.9, "width": 19.3, "height": 19.3, "rotation": 0, "rectanglelabels": ["face"]}
regions = [{"type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": value, "score": 0.9}]
Path("tasks.json").write_text(
    json.dumps([{"data": {"image": image.source}, "predictions": [{"result": regions}]}]), encoding="utf-8"
)

graph = LabelStudioBoxes(path="tasks.json") | Segment(model="nano")
masks = graph.run(image=image).masks
print(masks.prompts.labels, int(masks.area()[0]) > 0)
