"""The text modes: from a text to masks, and the best that a machine has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sampipe.errors import DataError
from sampipe.text import words
from sampipe.text.head_matching import head_path

Mode = Literal["token", "rank", "dense", "detector", "model"]
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True)
class TextMode:
    """How a text is going to be answered.

    Attributes:
        name: "token": CLIP vectors as prompt tokens; "dense": a map of resemblance, then its parts as prompts; "rank":
            proposals, ranked; "detector": an open-vocabulary detector's boxes; "model": the segmenter reads words.
        clip: the text tower ("words" or a CLIP model); unused by detectors and by such models.
        matcher: for "dense" and "rank", what looks at the image: the Segment Anything model's own text head or a
            CLIP model.
    """

    name: Mode
    clip: str
    matcher: str

    def __str__(self) -> str:
        if self.name in ("detector", "model"):
            return f"text by {self.name}"
        if self.name == "token":
            return f"text by token ({self.clip})"
        eye = "its text head" if self.matcher != self.clip else self.clip
        return (
            f"text by {self.name} ({eye}, phrases by {self.clip})"
            if eye != self.clip
            else f"text by {self.name} ({eye})"
        )


def choose_mode(phrases: Sequence[str], *, model: str, mode: str | None, clip: str | None, detector: bool) -> TextMode:
    """The mode that was given, or the best there is.

    A detector that is named wins; then a model that reads words itself; then a text token that the model was trained
    with; then the model's text head; then a CLIP model by name, whose places need no training.

    Args:
        phrases: what is looked for.
        model: the Segment Anything model.
        mode: one of :data:`MODES`, or None.
        clip: a CLIP model; None takes the words inside the package.
        detector: whether an open-vocabulary detector is named.

    Raises:
        DataError: a mode that this model, CLIP model or phrase does not allow, with what would.
    """
    from sampipe.models.segmenters import takes  # with torch, which whoever asks for MODES does not wait for

    if mode is not None and mode not in MODES:
        raise DataError(f"text mode: got {mode!r}, wanted one of {', '.join(MODES)}")
    if mode == "detector" and not detector:
        raise DataError(
            "text mode 'detector' needs the name of one: --detector grounding_dino, owlv2, yolo_world, yoloe"
        )
    if detector:
        if mode not in (None, "detector"):
            raise DataError(f"text mode {mode!r} and a detector exclude each other; leave one of them out")
        return TextMode("detector", "", "")
    if mode in (None, "model") and clip is None and "words" in takes(model):
        return TextMode("model", "", "")
    if mode == "model":
        raise DataError(f"text mode 'model': {model} does not read words itself; sam3 does")
    token, head = _has_token(model), head_path(model).is_file()
    tower = clip or words.NAME
    if tower == words.NAME:
        words.load_words().encode_texts(phrases)  # raises for words that it does not know, before anything loads
    if mode == "token" or (mode is None and token):
        if not token:
            raise DataError(
                f"text mode 'token': {model} was not trained with a text token; `sampipe train token` trains one"
            )
        return TextMode("token", tower, "")
    eye = model if head and tower == words.NAME else tower
    if eye == words.NAME:
        raise DataError(
            f"text: {model} has no text head, and the words inside the package cannot look at images. Use "
            "--model nano, or name a CLIP model: --clip ViT-B-32/openai."
        )
    return TextMode("rank" if mode == "rank" else "dense", tower, eye)


def _has_token(model: str) -> bool:
    """Whether a model's file says that it takes text; only the header is read."""
    import json

    from safetensors import SafetensorError, safe_open

    from sampipe.models.weights.checkpoints import CONFIG_KEY
    from sampipe.models.weights.hub import installed_path
    from sampipe.models.weights.known import is_known, known_model

    path = installed_path(known_model(model)) if is_known(model) else Path(model).expanduser()
    if path is None or path.suffix != ".safetensors" or not path.is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            config = json.loads((file.metadata() or {}).get(CONFIG_KEY, "{}"))
    except (SafetensorError, OSError, ValueError):  # whoever loads the model will say what is wrong with it
        return False
    return bool(config.get("prompt_encoder", {}).get("text_dim"))
