"""Masks from key points: here as fractions of the image, as mediapipe gives them."""

from dataclasses import dataclass

from sampipe_integrations.keypoints import landmark_prompts

import sampipe as sp
from sampipe.nodes import Segment


@dataclass
class Landmark:
    """With mediapipe: ``PoseLandmarker.create_from_model_path(...).detect(...).pose_landmarks``."""

    x: float
    y: float
    visibility: float


image = sp.Image.open("sample:astronaut")
people = [[Landmark(0.44, 0.20, 0.99), Landmark(0.46, 0.26, 0.97), Landmark(0.90, 0.95, 0.05)]]
prompts = landmark_prompts(people, image, label="face")
masks = Segment(model="nano")(image, prompts=prompts)
print(masks.prompts.labels, prompts.point_labels.tolist())
