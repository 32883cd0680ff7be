"""Masks for boxes that are in a CSV file already, saved as a COCO dataset."""

from pathlib import Path

from sampipe_integrations.files import CsvBoxes

import sampipe as sp
from sampipe.nodes import SaveCoco, Segment

Path("boxes.csv").write_text("image,x0,y0,x1,y1,label\nsample:astronaut,175,66,274,165,face\n")

boxes, segment, save = CsvBoxes(path="boxes.csv"), Segment(model="nano"), SaveCoco(path="dataset/instances.json")


def pipeline(image: sp.Image) -> sp.Masks:
    masks = segment(image, prompts=boxes(image))
    save(image, masks)
    return masks


with sp.trace(pipeline) as graph:
    masks = graph.run(image=sp.Image.open("sample:astronaut")).masks
print(masks.prompts.labels, Path("dataset/instances.json").is_file())
