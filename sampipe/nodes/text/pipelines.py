"""The text modes: from a text to masks, as graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampipe.errors import DataError
from sampipe.graph import Graph, trace
from sampipe.graph.chain import as_graph
from sampipe.nodes.masks.select import SelectCandidate
from sampipe.nodes.segment.everything import SegmentEverything
from sampipe.nodes.segment.segment import Segment
from sampipe.nodes.text.clip_text import ClipText
from sampipe.nodes.text.dense_prompts import DensePrompts
from sampipe.nodes.text.rank_by_text import RankByText
from sampipe.nodes.text.segment_text import SegmentText
from sampipe.nodes.text.text_prompts import TextPrompts
from sampipe.text.modes import TextMode
from sampipe.types import Image, Masks


def text_graph(
    mode: TextMode,
    phrases: Sequence[str],
    *,
    model: str,
    device: str,
    detector: Any = None,
    threshold: float | None = None,
) -> Graph:
    """An image in, named masks out.

    Args:
        mode: how; see :func:`sampipe.text.modes.choose_mode`.
        phrases: what is looked for.
        model, device: of the Segment Anything model.
        detector: for the mode "detector", the node; it knows the phrases already.
        threshold: for the modes "dense" and "model", the score below which an answer is not drawn; None for the usual.

    Raises:
        DataError: a threshold for another mode.
    """
    if threshold is not None and mode.name not in ("dense", "model"):
        raise DataError(f"text threshold: it is for the modes 'dense' and 'model', and this is {mode}; leave it out")
    limits: dict[str, Any] = {} if threshold is None else {"confidence": threshold}
    if mode.name == "model":
        return as_graph(SegmentText(texts=list(phrases), model=model, device=device, **limits))
    if mode.name == "detector":
        straight: Graph = detector | Segment(model=model, device=device) | SelectCandidate()
        return straight
    words = ClipText(texts=list(phrases), clip=mode.clip, device=device)
    if mode.name == "dense":
        return _by_places(words, mode, model, device, limits)
    return (_by_token if mode.name == "token" else _by_rank)(words, mode, model, device)


def _by_token(words: ClipText, mode: TextMode, model: str, device: str) -> Graph:
    prompt, segment = TextPrompts(), Segment(model=model, device=device)

    def by_token(image: Image) -> Masks:
        return segment(image, prompts=prompt(text=words()))

    return trace(by_token)


def _by_places(words: ClipText, mode: TextMode, model: str, device: str, limits: Mapping[str, Any]) -> Graph:
    find = DensePrompts(model=mode.matcher, device=device, **limits)
    segment, choose = Segment(model=model, device=device), SelectCandidate()

    def by_places(image: Image) -> Masks:
        return choose(segment(image, prompts=find(image, text=words())))

    return trace(by_places)


def _by_rank(words: ClipText, mode: TextMode, model: str, device: str) -> Graph:
    propose, rank = SegmentEverything(model=model, device=device), RankByText(model=mode.matcher, device=device)

    def by_rank(image: Image) -> Masks:
        return rank(image, masks=propose(image), text=words())

    return trace(by_rank)
