"""Objects of a video with stable ids: found every few frames, followed by their own masks between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from sampipe.graph import Graph, Node, Requirement, resource
from sampipe.nodes._checks import check_number, check_text
from sampipe.nodes._followed import Followed, box_overlaps, overlaps, pairs, prompts_for
from sampipe.nodes._inner import inner_graph, joint_digest, requirements_of, weights_of
from sampipe.nodes._motion import SmallFrame
from sampipe.nodes.segment import SamNode, decode, encode, low_resolution
from sampipe.types import Image, Masks, Prompts

_THE_SAME = 0.8  # IoU of two masks that both claim one object
_LEAST_LEFT = 0.15  # share of an object's mask that must be left of it, behind others or at the border
_NEAR = 0.1  # IoU of a detection's box with that of an object that was lost


@dataclass
class Memory:
    """What is known from the frames before."""

    objects: list[Followed] = field(default_factory=list)
    before: tuple[tuple[int, int], SmallFrame] | None = None
    frames: int = 0
    numbers: int = 0


class Follow(SamNode):
    """The objects of a video, frame after frame, each with the same track id wherever it is seen.

    ::

        Follow.of(FaceDetector(), every=5)          # then: graph.map(frames), or sampipe.video.through

    Every few frames ``detect`` says what is there. Between, each object's last mask is moved by what the pixels in its
    box did, and its box, inner points and logits are the prompts for the next frame: the model's masks carry the
    identity. A detection belongs to the object whose mask overlaps it most, or to one of its name that was lost
    nearby; one that fits none is a new object. An object vanishes when it leaves the picture, when ``patience``
    detections in a row miss it, or when its own mask was lost for as long.

    The memory lasts for one job (one ``map``), and for frames of one size.

    Args:
        detect: YAML text of a graph, or the path of its file, that takes an image and gives prompts or masks; None
            follows only what comes in as ``prompts``, such as a box on the first frame.
        every: frames from one detection to the next.
        patience: detections in a row that may miss an object.
        same_iou: overlap from which a detection, or the mask in the next frame, is the same object.
        least_iou: predicted IoU below which an object's mask counts as lost.
        model, device: see :class:`SamNode`.

    Raises:
        DataError: a parameter that does not fit.
        GraphError: the graph takes more than an image, or gives neither prompts nor masks.
    """

    pure: ClassVar[bool] = False
    remembers: ClassVar[bool] = True

    detect: str | None = None
    every: int = 5
    patience: int = 2
    same_iou: float = 0.3
    least_iou: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self, "detect", what="the YAML text of a graph, or the path of its file", optional=True)
        for name in ("every", "patience"):
            check_number(self, name, least=1, whole=True)
        for name in ("same_iou", "least_iou"):
            check_number(self, name, least=0, most=1)

    @classmethod
    def of(cls, detect: Graph | Node, **parameters: Any) -> Follow:
        """A node that follows what this graph, or this one node, finds."""
        from sampipe.graph.chain import as_graph

        return cls(detect=as_graph(detect).to_yaml(), **parameters)

    @resource
    def inner(self) -> tuple[Graph, str] | None:
        """The graph that finds objects, and its output."""
        return None if self.detect is None else inner_graph("Follow", self.detect, [Masks, Prompts])

    @resource
    def memory(self) -> Memory:
        """Of this job."""
        return Memory()

    def requirements(self) -> Sequence[Requirement]:
        """The model's, and those of the graph's nodes."""
        return [*super().requirements(), *(requirements_of(self.inner[0]) if self.inner else ())]

    def weights_digest(self) -> str:
        """Of the model and of all weights in the graph."""
        found = [super().weights_digest(), *(weights_of(self.inner[0]) if self.inner else ())]
        return joint_digest(found) or ""

    def flush(self) -> None:
        """The job is over; the next one begins without memory."""
        self._forget()

    def _forget(self) -> None:
        for name, value in vars(Memory()).items():
            setattr(self.memory, name, value)

    def run(self, image: Image, prompts: Prompts | None = None) -> Masks:
        memory, now = self.memory, SmallFrame(image)
        if memory.before is not None and memory.before[0] != image.hw:
            self._forget()
        carried = self._carried(image, now)
        found, looked = self._found(image, prompts)
        matched = self._matched(found, looked)
        memory.before = (image.hw, now)
        memory.frames += 1
        return self._shown(image, carried, found, matched)

    def _carried(self, image: Image, now: SmallFrame) -> dict[int, Masks]:
        """The masks, by track id, that the objects' own prompts give; those that are not to be trusted are left out."""
        memory = self.memory
        if not memory.objects or memory.before is None:
            return {}
        embedding = encode(self.sam, image)
        for one in memory.objects:
            moved = one.motion if one.unseen else memory.before[1].motion_to(now, one.box, one.motion)
            one.move(moved, embedding.frame)
        memory.objects = [one for one in memory.objects if one.is_inside(image.hw)]
        if not memory.objects:
            return {}
        masks = decode(self.sam, embedding, prompts_for(memory.objects, embedding.frame), "never")
        logits, boxes = low_resolution(masks, self.sam.config.mask_size), masks.boxes()
        trusted = self._trusted(masks, logits)
        for i, one in enumerate(memory.objects):
            if trusted[i]:
                one.seen_at(logits[i], boxes[i], image.hw)
            else:
                one.unseen += 1
        seen = {one.number: masks.select([i]) for i, one in enumerate(memory.objects) if trusted[i]}
        memory.objects = [one for one in memory.objects if one.unseen <= self.patience * self.every]
        return seen

    def _trusted(self, masks: Masks, logits: np.ndarray) -> np.ndarray:
        """Which masks look like the objects they are asked for, bool (n,); of two that claim one thing the older."""
        objects = self.memory.objects
        expected = np.stack([one.logits for one in objects]) > 0
        both, either = (op(expected, logits > 0).sum(axis=(1, 2)) for op in (np.logical_and, np.logical_or))
        trusted = (both >= self.same_iou * np.maximum(either, 1)) & (masks.area() > 0)
        trusted &= (logits > 0).sum(axis=(1, 2)) >= _LEAST_LEFT * np.array([one.cells for one in objects])
        trusted &= masks.iou_scores[:, 0] >= self.least_iou
        claims = np.triu(overlaps(logits > 0, logits > 0) > _THE_SAME, 1)
        for older, younger in np.argwhere(claims):
            if trusted[older] and trusted[younger]:
                trusted[younger] = False
        return np.asarray(trusted)

    def _found(self, image: Image, prompts: Prompts | None) -> tuple[Masks, bool]:
        """What somebody points at in this frame, and whether the graph was asked, too."""
        parts = [self._segmented(image, prompts)] if prompts is not None else []
        looked = self.inner is not None and self.memory.frames % self.every == 0
        if looked and self.inner is not None:
            graph, output = self.inner
            given = graph.run(image=image)[output]
            parts.append(self._segmented(image, given) if isinstance(given, Prompts) else given.best())
        parts = [part for part in parts if len(part)]
        return (Masks.concat(parts) if parts else Masks.empty(image.hw)), looked

    def _segmented(self, image: Image, prompts: Prompts) -> Masks:
        usable = prompts.sanitize(image.hw)
        if not len(usable):
            return Masks.empty(image.hw)
        return decode(self.sam, encode(self.sam, image), usable, "auto").best()

    def _matched(self, found: Masks, looked: bool) -> dict[int, int]:
        """Give each detection to the object that it shows, or to a new one: rows of ``found`` by track id."""
        memory = self.memory
        logits, boxes = low_resolution(found, self.sam.config.mask_size) if len(found) else None, found.boxes()
        rows = {} if logits is None else self._assigned(found, logits > 0, boxes)
        for row in sorted(set(np.flatnonzero(found.area()).tolist()) - set(rows.values())):
            memory.numbers += 1
            rows[memory.numbers] = row
            memory.objects.append(Followed(memory.numbers, np.zeros(0), np.zeros(4)))
        for one in memory.objects:
            if logits is not None and one.number in rows:
                row = rows[one.number]
                one.seen_at(logits[row], boxes[row], found.hw)
                _confirm(one, found.prompts, row)
            elif looked:
                one.unconfirmed += 1
        memory.objects = [one for one in memory.objects if one.unconfirmed < self.patience]
        return rows

    def _assigned(self, found: Masks, masks: np.ndarray, boxes: np.ndarray) -> dict[int, int]:
        """By the overlap of masks; what is left (half hidden, lost for a while) by its name and where it should be."""
        objects, labels = self.memory.objects, found.prompts.labels or ("",) * len(found)
        if not objects:
            return {}
        by_mask = pairs(overlaps(np.stack([one.logits for one in objects]) > 0, masks), self.same_iou)
        lost = sorted(set(range(len(objects))) - {i for i, _ in by_mask})
        new = sorted(set(range(len(masks))) - {row for _, row in by_mask})
        near = box_overlaps(np.array([objects[i].box for i in lost]), boxes[new])
        near *= np.array([[objects[i].label == labels[row] for row in new] for i in lost]).reshape(near.shape)
        by_place = [(lost[a], new[b]) for a, b in pairs(near, _NEAR)]
        return {objects[i].number: row for i, row in (*by_mask, *by_place)}

    def _shown(self, image: Image, carried: dict[int, Masks], found: Masks, matched: dict[int, int]) -> Masks:
        objects = [one for one in self.memory.objects if one.number in matched or one.number in carried]
        if not objects:
            return Masks.empty(image.hw).with_prompts(Prompts.empty().replace(track_ids=np.zeros(0, np.int64)))
        numbers = [one.number for one in objects]
        masks = Masks.concat([found.select([matched[n]]) if n in matched else carried[n] for n in numbers])
        prompts = Prompts(
            boxes=masks.boxes(),
            labels=tuple(one.label for one in objects),
            class_ids=np.array([one.class_id for one in objects]),
            scores=np.array([one.score for one in objects], np.float32),
            source=tuple(one.source or self.type_id for one in objects),
            track_ids=np.array(numbers),
        )
        return masks.with_prompts(prompts).add_step(f"Follow(every={self.every})")


def _confirm(one: Followed, prompts: Prompts, row: int) -> None:
    """The object is there, and it is what a detection says."""
    one.unconfirmed, one.cells = 0, int((one.logits > 0).sum())
    one.label = prompts.labels[row] if prompts.labels else one.label
    one.class_id = int(prompts.class_ids[row]) if prompts.class_ids is not None else one.class_id
    one.score = float(prompts.scores[row]) if prompts.scores is not None else one.score
    one.source = prompts.source[row] if prompts.source else one.source
