"""Results of any ultralytics model with masks. ultralytics is AGPL-3.0.

Run it with ``python ultralytics_masks.py [WEIGHTS]``.
"""

import sys

import numpy as np
from sampipe_integrations.ultralytics import masks_callback
from ultralytics import YOLO

import sampipe as sp

weights = sys.argv[1] if len(sys.argv) > 1 else "yolo11n.pt"
image = np.ascontiguousarray(sp.Image.open("sample:chelsea").pixels[:, :, ::-1])  # BGR, as ultralytics has it

yolo = YOLO(weights)
yolo.add_callback("on_predict_postprocess_end", masks_callback(model="nano"))
[result] = yolo.predict(image, conf=0.05, max_det=10, imgsz=320, verbose=False)
for box, outline in zip(result.boxes, result.masks.xy if result.masks else [], strict=True):
    print(result.names[int(box.cls)], f"{float(box.conf):.2f}", f"{len(outline)} corners")
