"""Masks for the boxes of any detector that supervision can read."""

import numpy as np
import supervision as sv

import sampipe

image = sampipe.Image.open("sample:astronaut").to_pil()  # a Pillow image, a file or a BGR array does as well
detections = sv.Detections(
    xyxy=np.array([[175.0, 66.0, 274.0, 165.0]]),
    class_id=np.array([0]),
    data={"class_name": np.array(["face"])},
)
detections = sampipe.add_masks(image, detections, model="nano")

print(detections.mask.shape, detections["class_name"][0], int(detections.mask.sum()) > 0)
sv.MaskAnnotator().annotate(image, detections).save("astronaut.masks.png")
