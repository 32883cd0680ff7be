"""Objects of a video with stable ids: found every few frames, followed by their own masks between."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from sampipe.graph import Graph, Node, Requirement, resource
from sampipe.nodes._limits import Count, Fraction, GraphText
from sampipe.nodes.segment._inner import files_of, inner_graph, joint_digest, requirements_of, weights_of
from sampipe.nodes.segment.segment import SamNode
from sampipe.nodes.video._carry import ByMemory, ByPrompts, Carrier, cells_of
from sampipe.nodes.video._followed import Followed, beside_others, box_overlaps, overlaps, pairs
from sampipe.nodes.video._motion import SmallFrame
from sampipe.types import Image, Masks, Prompts

if TYPE_CHECKING:
    from sampipe.models.segmenters import Segmenter, VideoSegmenter

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
    taken: set[int] = field(default_factory=set)


class Follow(SamNode):
    """The objects of a video, frame after frame, each with the same track id wherever it is seen.

    ::

        Follow.of(FaceDetector(), every=5)          # then: graph.map(frames), or sampipe.video.through

    Every few frames ``detect`` says what is there. Between, a model with a memory (SAM 2.1, EdgeTAM, SAM 3) finds each
    object again; for the others its last mask is moved by what the pixels in its box did, and its box, inner points and
    logits are the prompts for the next frame: the model's masks carry the identity. Where objects pass each other, each
    goes on as it usually did of late, and keeps its shape while it is hidden. A detection belongs to the object
    whose mask overlaps it most, or to one of its name that was lost nearby; one that fits none is a new object. An
    object vanishes when it leaves the image, when ``patience`` detections in a row miss it, or when its own mask was
    lost for as long.

    What comes in as ``prompts`` on any frame is one more detection. With the track id of an object, a click or box
    corrects that object from this frame on (without a memory its mask so far is the mask prompt); with an id that no
    object has, it begins an object of that id, which detections that miss it do not end. The memory lasts for one job
    (one ``map``), and for frames of one size.

    Args:
        detect: YAML text of a graph, or the path of its file, that takes an image and gives prompts or masks; None
            follows only what comes in as ``prompts``, such as a box on the first frame.
        every: frames from one detection to the next.
        patience: detections in a row that may miss an object.
        same_iou: overlap from which a detection, or the mask in the next frame, is the same object.
        min_iou: predicted IoU below which an object's mask counts as lost (a memory has its own score for that).
        memories: which frames a model with a memory remembers: the "latest", or by "motion" those in which its mask is
            sure and its box moves as the object did (the idea of SAMURAI: Yang et al. 2024, section 4.2).
        model, device, precision: see :class:`SamNode`; a memory computes in float32.

    Raises:
        DataError: a parameter that does not fit.
        GraphError: the graph takes more than an image, or gives neither prompts nor masks.
    """

    pure: ClassVar[bool] = False
    stateful: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    inner_field: ClassVar[str] = "detect"

    detect: GraphText | None = None
    every: Count = 5
    patience: Count = 2
    same_iou: Fraction = 0.3
    min_iou: Fraction = 0.1
    memories: Literal["latest", "motion"] = "latest"

    @classmethod
    def of(cls, detect: Graph | Node, **parameters: Any) -> Follow:
        """A node that follows what this graph, or this one node, finds."""
        from sampipe.graph.chain import as_graph

        return cls(detect=as_graph(detect).to_yaml(), **parameters)

    @resource
    def sam(self) -> Segmenter | VideoSegmenter:  # type: ignore[override]
        """The loaded model: the half with a memory, where there is one."""
        from sampipe.models.segmenters import load_segmenter, load_video, takes

        if self.memories == "motion" or "video" in takes(self.model):
            return load_video(self.model, self.device)
        return load_segmenter(self.model, self.device, self.precision)

    @resource
    def carrier(self) -> Carrier:
        """What takes objects into the next frame."""
        from sampipe.models import Segmenter

        if isinstance(self.sam, Segmenter):
            return ByPrompts(self.sam)
        return ByMemory(self.sam, by_motion=self.memories == "motion")

    @resource
    def inner(self) -> tuple[Graph, str] | None:
        """The graph that finds objects, and its output."""
        return None if self.detect is None else inner_graph("Follow", self.detect, [Masks, Prompts])

    @resource
    def memory(self) -> Memory:
        """Of this job."""
        return Memory()

    def requirements(self) -> Sequence[Requirement]:
        """The model's, a memory where one is to choose what it keeps, and those of the graph's nodes."""
        from sampipe.models.segmenters import requirements

        memory = requirements(self.model, needs=frozenset({"video"}), of="Follow") if self.memories == "motion" else []
        unfit = [one for one in memory if one.kind == "prompts"]
        return [*super().requirements(), *unfit, *(requirements_of(self.inner[0]) if self.inner else ())]

    def input_files(self) -> Sequence[str]:
        """Those of the graph."""
        return files_of(self.detect, self.inner[0]) if self.detect and self.inner else ()

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """Of the files of the graph."""
        return self.inner[0].left_out(sources) if self.inner else ()

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
        self.carrier.look(image, memory.frames)
        carried = self._carried(image, now)
        found, looked = self._found(image, self._corrected(image, prompts, carried))
        matched = self._matched(found, looked, carried)
        memory.before = (image.hw, now)
        memory.frames += 1
        return self._shown(image, carried, found, matched)

    def _carried(self, image: Image, now: SmallFrame) -> dict[int, Masks]:
        """The masks, by track id, of the objects in this frame; those that are not to be trusted are left out."""
        memory = self.memory
        if not memory.objects or memory.before is None:
            return {}
        masks = self.carrier.carried(memory.objects, now, memory.before[1])
        if not memory.objects:
            return {}
        logits, boxes = cells_of(masks, self.carrier), masks.boxes()
        trusted, crowded = self._trusted(masks, logits), beside_others(memory.objects)
        for i, one in enumerate(memory.objects):
            if trusted[i]:
                one.seen_at(logits[i], boxes[i], image.hw, crowded=bool(crowded[i]))
            else:
                one.unseen += 1
        seen = {one.number: masks.select([i]) for i, one in enumerate(memory.objects) if trusted[i]}
        memory.objects = [one for one in memory.objects if one.unseen <= self.patience * self.every]
        return seen

    def _corrected(self, image: Image, prompts: Prompts | None, carried: dict[int, Masks]) -> Prompts | None:
        """Prompts with the track id of an object put its mask right; the others go on."""
        if prompts is None or prompts.track_ids is None:
            return prompts
        usable = prompts.sanitize(image.hw)
        known = {one.number: one for one in self.memory.objects}
        ids = np.asarray(usable.track_ids).tolist()
        rest = []
        for row, number in enumerate(ids):
            if number not in known:
                rest.append(row)
                continue
            masks = self.carrier.corrected(known[number], usable.select([row]))
            if masks.area()[0]:
                carried[number] = masks
                known[number].seen_at(cells_of(masks, self.carrier)[0], masks.boxes()[0], image.hw)
                known[number].confirm()
        return usable.select(np.array(rest, np.int64))

    def _trusted(self, masks: Masks, logits: np.ndarray) -> np.ndarray:
        """Which masks look like the objects they are asked for, bool (n,).

        Of two that claim one thing it is the one that it looks like more; the older, if that does not tell.
        """
        objects = self.memory.objects
        expected = np.stack([one.logits for one in objects]) > 0
        both, either = (op(expected, logits > 0).sum(axis=(1, 2)) for op in (np.logical_and, np.logical_or))
        likeness = both / np.maximum(either, 1)
        alike = likeness >= self.same_iou
        alike &= (logits > 0).sum(axis=(1, 2)) >= _LEAST_LEFT * np.array([one.cells for one in objects])
        alike &= masks.iou_scores[:, 0] >= self.min_iou
        trusted = self.carrier.agrees(masks, alike) & (masks.area() > 0)
        claims = np.triu(overlaps(logits > 0, logits > 0) > _THE_SAME, 1)
        for older, younger in np.argwhere(claims):
            if trusted[older] and trusted[younger]:
                trusted[younger if likeness[older] >= likeness[younger] else older] = False
        return np.asarray(trusted)

    def _found(self, image: Image, prompts: Prompts | None) -> tuple[Masks, bool]:
        """What somebody points at in this frame, and whether the graph was asked, too."""
        parts = [self._segmented(image, prompts)] if prompts is not None else []
        looked = self.inner is not None and self.memory.frames % self.every == 0
        if looked and self.inner is not None:
            graph, output = self.inner
            given = graph.run(image=image)[output]
            masks = self._segmented(image, given) if isinstance(given, Prompts) else given.best()
            parts.append(masks.with_prompts(masks.prompts.replace(track_ids=None)))  # ids are given here
        parts = [part for part in parts if len(part)]
        return (Masks.concat(parts) if parts else Masks.empty(image.hw)), looked

    def _segmented(self, image: Image, prompts: Prompts) -> Masks:
        usable = prompts.sanitize(image.hw)
        if not len(usable):
            return Masks.empty(image.hw)
        return self.carrier.segmented(usable)

    def _matched(self, found: Masks, looked: bool, carried: dict[int, Masks]) -> dict[int, int]:
        """Give each detection to the object that it shows, or to a new one: rows of ``found`` by track id."""
        memory = self.memory
        logits, boxes = cells_of(found, self.carrier) if len(found) else None, found.boxes()
        rows = {} if logits is None else self._assigned(found, logits > 0, boxes)
        asked = _asked_ids(found)
        for row in sorted(set(np.flatnonzero(found.area()).tolist()) - set(rows.values())):
            number = asked.get(row) or self._next_number(asked.values())
            memory.taken.add(number)
            rows[number] = row
            memory.objects.append(Followed(number, np.zeros(0), np.zeros(4), pointed_at=row in asked))
        for one in memory.objects:
            if logits is not None and one.number in rows:
                row = rows[one.number]
                if one.number not in carried:
                    self.carrier.start(one, found, row)
                one.seen_at(logits[row], boxes[row], found.hw)
                _confirm(one, found.prompts, row)
            elif looked and not one.pointed_at:
                one.unconfirmed += 1
        memory.objects = [one for one in memory.objects if one.unconfirmed < self.patience]
        return rows

    def _next_number(self, asked: Collection[int]) -> int:
        """The lowest track id above those that were counted out so far, and that nobody asked for."""
        memory = self.memory
        memory.numbers += 1
        while memory.numbers in memory.taken or memory.numbers in asked:
            memory.numbers += 1
        return memory.numbers

    def _assigned(self, found: Masks, masks: np.ndarray, boxes: np.ndarray) -> dict[int, int]:
        """By the overlap of masks; what is left (half hidden, lost for a while) by its name and where it should be."""
        objects, labels = self.memory.objects, found.prompts.labels or ("",) * len(found)
        if not objects:
            return {}
        likeness = overlaps(np.stack([one.logits for one in objects]) > 0, masks)
        likeness[:, [*_asked_ids(found)]] = 0  # they are no object that is known
        by_mask = pairs(likeness, self.same_iou)
        lost = sorted(set(range(len(objects))) - {i for i, _ in by_mask})
        new = sorted(set(range(len(masks))) - {row for _, row in by_mask} - _asked_ids(found).keys())
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


def _asked_ids(found: Masks) -> dict[int, int]:
    """By row of what was found: the track id that came with its prompt."""
    ids = found.prompts.track_ids
    return {} if ids is None else {row: int(number) for row, number in enumerate(ids) if number > 0}


def _confirm(one: Followed, prompts: Prompts, row: int) -> None:
    """The object is there, and it is what a detection says."""
    one.confirm()
    one.label = prompts.labels[row] if prompts.labels else one.label
    one.class_id = int(prompts.class_ids[row]) if prompts.class_ids is not None else one.class_id
    one.score = float(prompts.scores[row]) if prompts.scores is not None else one.score
    one.source = prompts.source[row] if prompts.source else one.source
