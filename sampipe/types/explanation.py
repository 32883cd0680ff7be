"""Why an object is in the result: what asked for it, what the model thought, what it passed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sampipe.errors import DataError
from sampipe.types.masks import Masks
from sampipe.types.prompts import Prompts


@dataclass(frozen=True)
class Explanation:
    """One object's story; ``str()`` tells it.

    Args:
        index: which object.
        prompt: what was asked, in words.
        source: the node that asked, or "" if not known.
        candidate: which decoder output the mask is: 0 the single mask, 1 to 3 the ambiguous ones.
        iou: the model's own guess of the mask's IoU; None for masks that no model made.
        stability: how little the mask changes with the threshold, if that is known.
        score: the detector's confidence, if there was one.
        label: the object's name, if it has one.
        history: the steps that it passed, first to last.
    """

    index: int
    prompt: str
    source: str
    candidate: int
    iou: float | None
    stability: float | None
    score: float | None
    label: str | None
    history: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"object {self.index}" + (f": {self.label}" if self.label else "")]
        lines.append(f"  prompted by {self.source or 'unknown'}, with {self.prompt}")
        kind = "the single mask" if self.candidate == 0 else f"ambiguous mask {self.candidate}"
        lines.append(f"  candidate   {self.candidate} ({kind})")
        numbers = [
            f"{name} {value:.3f}"
            for name, value in (
                ("predicted IoU", self.iou),
                ("stability", self.stability),
                ("detector", self.score),
            )
            if value is not None
        ]
        lines.append(f"  scores      {', '.join(numbers) or 'none'}")
        lines.append(f"  passed      {' > '.join(self.history) or 'nothing yet'}")
        return "\n".join(lines)


def explain(masks: Masks, i: int) -> Explanation:
    """The story of object ``i``; of its best candidate while it has several.

    Raises:
        DataError: there is no such object.
    """
    if not -len(masks) <= i < len(masks):
        raise DataError(f"explain: object {i} is not there; there are {len(masks)}")
    index = i % len(masks)
    one = masks.select([index]).best()
    prompts = one.prompts
    return Explanation(
        index=index,
        prompt=_in_words(prompts),
        source=prompts.source[0] if prompts.source else "",
        candidate=int(one.candidates[0, 0]),
        iou=_known(one.iou_scores[0, 0]),
        stability=None if one.stability is None else _known(one.stability[0, 0]),
        score=None if prompts.scores is None else _known(prompts.scores[0]),
        label=(prompts.labels[0] or None) if prompts.labels else None,
        history=one.history[0],
    )


def _known(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


def explain_prompt(prompt: Prompts) -> dict[str, object]:
    """One object's prompt as a row of a table: its name, its score, what is asked, and who asked."""
    return {
        "label": prompt.labels[0] if prompt.labels else None,
        "score": None if prompt.scores is None else _known(prompt.scores[0]),
        "prompt": _in_words(prompt),
        "source": prompt.source[0] if prompt.source else None,
    }


def _in_words(prompt: Prompts) -> str:
    parts = []
    if prompt.has_boxes[0] and prompt.boxes is not None:
        parts.append("box ({})".format(", ".join(f"{value:g}" for value in prompt.boxes[0])))
    if prompt.points is not None and prompt.point_labels is not None:
        for (x, y), label in zip(prompt.points[0], prompt.point_labels[0], strict=True):
            if label >= 0:
                parts.append(f"{'foreground' if label else 'background'} point ({x:g}, {y:g})")
    if prompt.has_masks[0]:
        parts.append("a rough mask")
    if prompt.has_text[0]:
        parts.append("a text")
    return ", ".join(parts) or "no prompt"
