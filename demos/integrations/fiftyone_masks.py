"""Masks for the boxes of FiftyOne samples, as labels that its app shows."""

import fiftyone as fo
from sampipe_integrations.fiftyone import masks_to_detections, prompts_from_label

import sampipe as sp
from sampipe.nodes import Segment

image = sp.Image.open("sample:astronaut")
image.to_pil().save("astronaut.png")
sample = fo.Sample(filepath="astronaut.png")
face = fo.Detection(label="face", bounding_box=[0.342, 0.129, 0.193, 0.193])
sample["ground_truth"] = fo.Detections(detections=[face])

prompts = prompts_from_label(sample["ground_truth"], image)
sample["masks"] = masks_to_detections(Segment(model="nano")(image, prompts=prompts))
[found] = sample["masks"].detections
print(found.label, found.mask.dtype, found.mask.any())
