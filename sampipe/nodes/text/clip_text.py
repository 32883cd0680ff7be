"""Phrases to CLIP vectors."""

from __future__ import annotations

from collections.abc import Sequence

from sampipe.errors import DataError
from sampipe.graph import Node, Requirement, resource
from sampipe.nodes._limits import ClipName, Device
from sampipe.text.clip import TextTower, is_here, load_text_tower
from sampipe.text.embed import TEMPLATES, embed_phrases
from sampipe.types import Embedding, Text


class ClipText(Node):
    """The vector of each phrase, by a CLIP text tower; kept on disk by (weights digest, text).

    Args:
        texts: phrases, such as ["wheel", "dog"]; left out where they come through the input ``text``.
        clip: "words", the small encoder in the package, which knows common English nouns in the space of
            ViT-B-32/openai; or a CLIP model: "ViT-B-32/openai", "local-dir:FOLDER", "hf-hub:OWNER/NAME".
        templates: sentences with {} where a phrase goes; their mean stands for the phrase.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".

    Raises:
        DataError: no phrase, or one that the tower cannot read.
        CheckpointError: when it runs: weights that are missing.
    """

    texts: Sequence[str] = ()
    clip: ClipName = "words"
    templates: Sequence[str] = TEMPLATES
    device: Device = "auto"

    def __post_init__(self) -> None:
        if self.texts:
            Text.of(self.texts)
        if not self.templates or any(template.count("{}") != 1 for template in self.templates):
            raise DataError(
                f"ClipText: templates={list(self.templates)} do not fit; wanted sentences with one {{}} each, such as "
                "'a photo of a {}.'"
            )

    def requirements(self) -> Sequence[Requirement]:
        """The text tower and the device."""
        weights = Requirement.weights(
            self.clip,
            is_met=lambda: is_here(self.clip),
            fix=f"{self.clip} is fetched at the first run; without a network give local-dir:FOLDER, or words",
        )
        return (weights, Requirement.device(self.device))

    @resource(shared=lambda self: ("sampipe.text.tower", self.clip, self.device))
    def tower(self) -> TextTower:
        """The text tower; one per process for all nodes that name it."""
        return load_text_tower(self.clip, self.device)

    def run(self, text: Text | None = None) -> Embedding:
        wanted = text or Text.of(self.texts)
        return embed_phrases(self.tower, wanted.phrases, self.templates)
