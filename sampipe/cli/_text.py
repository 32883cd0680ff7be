"""``--text``: the graph that answers words, and how it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sampipe.graph import Graph


def graph_of_text(
    text: str,
    *,
    mode: str | None,
    clip: str | None,
    detector: str | None,
    params: Mapping[str, Any],
    model: str,
    device: str,
    threshold: float | None = None,
) -> tuple[Graph, str]:
    """The graph, and a word about its mode.

    Args:
        text: phrases with commas between them.
        mode: token, dense, rank, detector, model; None takes the best there is.
        clip: what reads the phrases.
        detector: an open-vocabulary detector's short name, if one is wanted.
        params: of the detector.
        threshold: score below which an answer is not drawn.
        model, device: of the Segment Anything model.

    Raises:
        typer.BadParameter: a detector that takes no words.
        DataError: a text that asks for nothing, or a mode that there is not.
    """
    from sampipe.nodes.text.pipelines import text_graph
    from sampipe.text.modes import choose_mode
    from sampipe.types import Text

    phrases = Text.of(text).phrases
    chosen = choose_mode(phrases, model=model, mode=mode, clip=clip, detector=detector is not None)
    node = None if detector is None else _open_vocabulary(detector, phrases, params)
    how = f"{chosen}" if detector is None else f"{chosen} ({detector})"
    return text_graph(chosen, phrases, model=model, device=device, detector=node, threshold=threshold), how


def _open_vocabulary(detector: str, phrases: tuple[str, ...], params: Mapping[str, Any]) -> Any:
    from sampipe.graph.registry import detector as find_detector

    node = find_detector(detector, **params)
    if not hasattr(node, "texts"):
        raise typer.BadParameter(
            f"--detector {detector} has classes of its own and takes no words; leave --text out, or name one that "
            "does: grounding_dino, owlv2, yolo_world, yoloe"
        )
    return type(node)(**{**node.params(), "texts": list(phrases)})
