"""What you click on the page goes to a node of your own, and from there to Segment Anything.

python demos/clicks.py
"""

from __future__ import annotations

import sampipe as sp
from sampipe.nodes import Segment, SelectCandidate


class Shifted(sp.Node):
    """The same prompts, moved: what would a shaky hand have got?

    Args:
        right: pixels to the right.
        down: pixels down.
    """

    right: float = 0.0
    down: float = 0.0

    def run(self, prompts: sp.Prompts) -> sp.Prompts:
        step = (self.right, self.down)
        points = None if prompts.points is None else prompts.points + step
        boxes = None if prompts.boxes is None else prompts.boxes + step * 2
        return prompts.replace(points=points, boxes=boxes)


if __name__ == "__main__":
    sp.demo.launch(Shifted() | Segment(model="nano") | SelectCandidate())
