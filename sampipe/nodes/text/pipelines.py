"""The four ways from a text to masks, as graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampipe.graph import Graph, trace
from sampipe.nodes.everything import SegmentEverything
from sampipe.nodes.segment import Segment
from sampipe.nodes.select import SelectCandidate
from sampipe.nodes.text.clip_text import ClipText
from sampipe.nodes.text.dense_prompts import DensePrompts
from sampipe.nodes.text.rank_by_text import RankByText
from sampipe.nodes.text.text_prompts import TextPrompts
from sampipe.text.ways import Way
from sampipe.types import Image, Masks


def text_graph(way: Way, phrases: Sequence[str], *, model: str, device: str, detector: Any = None) -> Graph:
    """An image in, named masks out.

    Args:
        way: how; see :func:`sampipe.text.ways.choose_way`.
        phrases: what is looked for.
        model, device: of the Segment Anything model.
        detector: for the way "detector", the node; it knows the phrases already.
    """
    if way.mode == "detector":
        straight: Graph = detector | Segment(model=model, device=device) | SelectCandidate()
        return straight
    words = ClipText(texts=list(phrases), clip=way.clip, device=device)
    make = {"token": _by_token, "dense": _by_places, "rank": _by_rank}[way.mode]
    return make(words, way, model, device)


def _by_token(words: ClipText, way: Way, model: str, device: str) -> Graph:
    prompt, segment = TextPrompts(), Segment(model=model, device=device)

    def by_token(image: Image) -> Masks:
        return segment(image, prompts=prompt(text=words()))

    return trace(by_token)


def _by_places(words: ClipText, way: Way, model: str, device: str) -> Graph:
    find, segment = DensePrompts(model=way.matcher, device=device), Segment(model=model, device=device)
    choose = SelectCandidate()

    def by_places(image: Image) -> Masks:
        return choose(segment(image, prompts=find(image, text=words())))

    return trace(by_places)


def _by_rank(words: ClipText, way: Way, model: str, device: str) -> Graph:
    propose, rank = SegmentEverything(model=model, device=device), RankByText(model=way.matcher, device=device)

    def by_rank(image: Image) -> Masks:
        return rank(image, masks=propose(image), text=words())

    return trace(by_rank)
