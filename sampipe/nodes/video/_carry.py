"""Two ways to take objects into the next frame: prompts made of their last masks, or a model's own memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sampipe.nodes.segment.segment import decode, encode, low_resolution
from sampipe.nodes.video._followed import Followed, beside_others, mask_prompt, prompts_for
from sampipe.nodes.video._motion import SmallFrame
from sampipe.types import Frame, Image, Masks, Prompts

if TYPE_CHECKING:
    from sampipe.models.segmenters import Segmenter, VideoSegmenter
    from sampipe.types._arrays import BoolArray

_SURE = 0.5  # a memory's score from which the object is in sight


class Carrier(Protocol):
    """Masks of objects in the frame that was shown last."""

    mask_size: int

    def look(self, image: Image, number: int) -> None:
        """The next frame, and how many there were before it."""

    def frame(self) -> Frame:
        """How the frame lies in the model's square."""

    def carried(self, objects: list[Followed], now: SmallFrame, before: SmallFrame) -> Masks:
        """The masks of objects; those that can be nowhere in the frame are taken out of the list."""

    def agrees(self, masks: Masks, alike: np.ndarray) -> np.ndarray:
        """Which of these masks are their objects', bool (n,); ``alike`` says which look like them."""

    def corrected(self, one: Followed, prompts: Prompts) -> Masks:
        """The object's mask after one more click or box on it."""

    def segmented(self, prompts: Prompts) -> Masks:
        """The masks of what somebody points at."""

    def start(self, one: Followed, found: Masks, row: int) -> None:
        """The object is what that row of all that was found in the frame shows, those that were segmented first."""


class ByPrompts:
    """A model without a memory: each object's moved mask, box and inner points ask for it in the next frame."""

    def __init__(self, sam: Segmenter) -> None:
        self._sam, self.mask_size = sam, sam.mask_size

    def look(self, image: Image, number: int) -> None:
        self._image = image

    def frame(self) -> Frame:
        return encode(self._sam, self._image).frame

    def carried(self, objects: list[Followed], now: SmallFrame, before: SmallFrame) -> Masks:
        embedding = encode(self._sam, self._image)
        for one, crowded in zip(objects, beside_others(objects), strict=True):
            motion = one.motion
            if not one.unseen:
                motion = one.measured(before.motion_to(now, one.box, one.motion), crowded=bool(crowded))
            one.move(motion, embedding.frame)
        objects[:] = [one for one in objects if one.is_inside(self._image.hw)]
        if not objects:
            return Masks.empty(self._image.hw, embedding.frame)
        return decode(self._sam, embedding, prompts_for(objects, embedding.frame), "never")

    def agrees(self, masks: Masks, alike: np.ndarray) -> np.ndarray:
        return alike

    def corrected(self, one: Followed, prompts: Prompts) -> Masks:
        if prompts.mask_logits is None and not one.unseen:
            prompts = prompts.replace(mask_logits=mask_prompt(one)[None])
        return self.segmented(prompts)

    def segmented(self, prompts: Prompts) -> Masks:
        return decode(self._sam, encode(self._sam, self._image), prompts, "auto").best()

    def start(self, one: Followed, found: Masks, row: int) -> None:
        """Its mask is all that the next frame asks with."""


class ByMemory:
    """A model with a memory: each object has a track of its own, which the frames that were seen are kept in."""

    def __init__(self, video: VideoSegmenter, *, by_motion: bool = False) -> None:
        self._video, self.mask_size, self._by_motion = video, video.mask_size, by_motion

    def look(self, image: Image, number: int) -> None:
        self._seen, self._begun = self._video.see(image, number), list[Any]()

    def frame(self) -> Frame:
        return self._seen.frame

    def carried(self, objects: list[Followed], now: SmallFrame, before: SmallFrame) -> Masks:
        return Masks.concat([self._video.carry(one.track, self._seen) for one in objects])

    def agrees(self, masks: Masks, alike: np.ndarray) -> np.ndarray:
        return np.asarray(masks.iou_scores[:, 0] >= _SURE)

    def corrected(self, one: Followed, prompts: Prompts) -> Masks:
        return self._video.correct(one.track, self._seen, prompts)

    def segmented(self, prompts: Prompts) -> Masks:
        begun = [self._begin(prompts.select([row])) for row in range(len(prompts))]
        self._begun += [track for track, _ in begun]
        return Masks.concat([masks for _, masks in begun]).with_prompts(prompts)

    def start(self, one: Followed, found: Masks, row: int) -> None:
        if row < len(self._begun):
            one.track = self._begun[row]
        else:
            one.track, _ = self._begin(found.rle()[row].decode())

    def _begin(self, asked: Prompts | BoolArray) -> tuple[Any, Masks]:
        return self._video.begin(self._seen, asked, by_motion=self._by_motion)


def cells_of(masks: Masks, carrier: Carrier) -> np.ndarray:
    """Logits (n, m, m) of masks with one candidate, in the model's square."""
    return low_resolution(masks, carrier.frame(), carrier.mask_size)
