"""What the nodes that match images with phrases have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sampipe.graph import Node, Requirement, resource
from sampipe.nodes._limits import ClipName, Device
from sampipe.text.matching import BACKGROUND, Matcher, check_space, load_matcher
from sampipe.types import Embedding


class MatchingNode(Node):
    """A node that looks for phrases in images.

    Args:
        model: "nano" or another Segment Anything model with a text head, or a CLIP model: "ViT-B-32/openai",
            "local-dir:FOLDER", "hf-hub:OWNER/NAME".
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        background: phrases that compete with those that are looked for, where the model has to choose the likeliest
            (CLIP models do; a text head judges each phrase by itself).

    Raises:
        DataError: a parameter that does not fit.
        CheckpointError: when it runs: weights that are missing, or text of another CLIP space.
    """

    model: ClipName = "nano"
    device: Device = "auto"
    background: Sequence[str] = BACKGROUND

    def requirements(self) -> Sequence[Requirement]:
        """The weights and the device."""
        weights = Requirement.weights(
            self.model,
            is_met=lambda: _is_here(self.model),
            fix=_fix(self.model),
        )
        return (weights, Requirement.device(self.device))

    @resource(shared=lambda self: ("sampipe.text.matcher", self.model, self.device))
    def matcher(self) -> Matcher:
        """The loaded model; one per process for all nodes that name it."""
        return load_matcher(self.model, self.device)

    def matched(self, text: Embedding) -> Matcher:
        """The model, once it is sure that the text is of its space."""
        matcher = self.matcher
        check_space(text, matcher)
        return matcher


def _fix(model: str) -> str:
    from sampipe.models.weights.known import is_known

    if is_known(model) or Path(model).expanduser().is_file():
        return f"it has no text head; use nano, a CLIP model, or sampipe train text --from {model} --install"
    return f"{model} is fetched at the first run; without a network give local-dir:FOLDER, or nano"


def _is_here(model: str) -> bool:
    from sampipe.models.weights.known import is_known
    from sampipe.text.clip import is_here
    from sampipe.text.head_matching import head_path

    if is_known(model) or Path(model).expanduser().is_file():
        return head_path(model).is_file()
    return is_here(model)
