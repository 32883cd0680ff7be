"""A detector finds faces, Segment Anything cuts them out; the page has a widget for each parameter.

python demos/detector.py
"""

from __future__ import annotations

from sampipe_integrations.skimage import FaceDetector

import sampipe as sp
from sampipe.nodes import CleanMasks, Segment, SelectCandidate

detect, segment, choose, clean = FaceDetector(), Segment(model="nano"), SelectCandidate(), CleanMasks()


def faces(image: sp.Image) -> sp.Masks:
    return clean(choose(segment(image, prompts=detect(image))))


if __name__ == "__main__":
    sp.demo.launch(sp.trace(faces))
