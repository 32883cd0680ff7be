"""``python compat_reference.py FOLDER``: the real ``segment_anything`` on the job in FOLDER, in its own process.

Reads ``weights.pth``, ``image.npy``, ``job.json`` and ``cases.npz``; writes ``answers.npz``. Nothing here is sampipe's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent / "nodes" / "segment"))


def main(folder: Path) -> None:
    from everything_reference import build
    from segment_anything import SamAutomaticMaskGenerator, SamPredictor

    torch.set_num_threads(1)
    job = json.loads((folder / "job.json").read_text())
    config = job["config"]
    sam = build(config["image_encoder"], config["mask_decoder"], config["stride"])
    sam.load_state_dict(torch.load(folder / "weights.pth", weights_only=True), strict=False)
    image = np.load(folder / "image.npy")
    predictor = SamPredictor(sam)
    predictor.set_image(image, job["image_format"])
    answers = {"embedding": predictor.get_image_embedding().numpy()}
    with np.load(folder / "cases.npz") as cases:
        for name in job["cases"]:
            given = {key: cases[f"{name}.{key}"] for key in job["cases"][name]["arrays"]}
            found = predictor.predict(**given, **job["cases"][name]["options"])
            answers |= {f"{name}.{i}": value for i, value in enumerate(found)}
        boxes = predictor.transform.apply_boxes_torch(torch.from_numpy(cases["boxes"]), image.shape[:2])
        found = predictor.predict_torch(None, None, boxes=boxes, multimask_output=False)
        answers |= {f"torch.{i}": value.numpy() for i, value in enumerate(found)}
    rows = SamAutomaticMaskGenerator(sam, **job["generator"]).generate(image[..., ::-1].copy())
    answers["areas"] = np.array([row["area"] for row in rows])
    answers["bboxes"] = np.array([row["bbox"] for row in rows])
    np.savez(folder / "answers.npz", **answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
