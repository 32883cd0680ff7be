"""YOLO-World and YOLOE: YOLO models that take words (AGPL-3.0).

The words are read by a CLIP text tower of sampipe's choice, in the space that each model was trained with. So nothing
of ultralytics' own text encoders is downloaded or run, and YOLO-World understands common nouns without any download but
its own weights.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import Count, Fraction, Side
from sampipe_integrations._phrases import checked_phrases, phrase_prompts
from sampipe_integrations._published import PublishedFile
from sampipe_integrations.ultralytics.loading import RELEASE, LoadedYolo, load
from sampipe_integrations.ultralytics.quarantine import side_effects_undone

_TEMPLATES = ("{}",)  # both models were trained on bare names


class WordedYolo:
    """A loaded model that is told its classes before each image; one thread at a time."""

    def __init__(self, loaded: LoadedYolo, network: Any) -> None:
        self._loaded, self.network = loaded, network
        self._lock = threading.Lock()  # classes and image belong together
        self._phrases: tuple[str, ...] = ()

    def detect(self, image: sp.Image, text: sp.Embedding, **options: Any) -> Any:
        """ultralytics' boxes of the phrases, as numpy arrays."""
        phrases = text.texts or ()
        with self._lock:
            if phrases == self._phrases:
                return self._loaded.predict(image, **options).boxes
            with side_effects_undone():  # the next prediction sets up a predictor, which changes thread counts
                self._set_classes(phrases, text)
                boxes = self._loaded.predict(image, **options).boxes
            self._phrases = phrases
            return boxes

    def _set_classes(self, phrases: tuple[str, ...], text: sp.Embedding) -> None:
        import torch

        weight = next(self.network.parameters())
        vectors = torch.tensor(text.vectors, dtype=weight.dtype, device=weight.device)[None]
        head = self.network.model[-1]
        if hasattr(head, "get_tpe"):  # YOLOE
            with torch.inference_mode():
                self.network.set_classes(list(phrases), head.get_tpe(vectors).clone())
        else:
            self.network.txt_feats = vectors
            head.nc = len(phrases)
            self.network.names = dict(enumerate(phrases))
        self._loaded.forget_predictor()


class _WordedYoloNode(sp.Node):
    """What both nodes share; see its subclasses."""

    texts: Sequence[str] = ()
    weights: str = ""
    clip: str = "words"
    confidence: Fraction = 0.1
    iou: Fraction = 0.7
    image_size: Side = 640
    max_detections: Count = 300
    device: str = "auto"
    _networks: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.texts:
            sp.Text.of(self.texts)

    def requirements(self) -> Sequence[sp.Requirement]:
        """ultralytics, the weights, the text tower and the device."""
        from sampipe.text.clip import is_here

        file = self._published()
        weights = file.requirement() if file else sp.Requirement.file(self.weights)
        tower = sp.Requirement.weights(
            self.clip, is_met=lambda: is_here(self.clip), fix=f"{self.clip} is fetched at the first run"
        )
        package = sp.Requirement.package("ultralytics", extra="ultralytics")
        return package, weights, tower, sp.Requirement.device(self.device)

    def weights_digest(self) -> str:
        """The detector's file's; the text tower is told by its name."""
        from sampipe.models.weights.checkpoints import file_digest

        return file_digest(self._file())

    @sp.resource(shared=lambda self: ("ultralytics.words", self.weights, self.device))
    def model(self) -> WordedYolo:
        """The loaded model; phrases are no part of it."""
        loaded = load(self._file(), device=self.device)
        network = loaded.network
        if type(network).__name__ not in self._networks:
            raise sp.CheckpointError(
                f"{self.weights}: a {type(network).__name__}; wanted a {' or '.join(self._networks)}, such as "
                f"{type(self)().weights}. ultralytics tells them by the file's name: keep it."
            )
        return WordedYolo(loaded, network)

    @sp.resource(shared=lambda self: ("sampipe.text.tower", self.clip, self.device))
    def tower(self) -> Any:
        """The text tower."""
        from sampipe.text.clip import load_text_tower

        return load_text_tower(self.clip, self.device)

    def run(self, image: sp.Image, text: sp.Text | None = None) -> sp.Prompts:
        """Find what the phrases name."""
        from sampipe.text.embed import embed_phrases

        phrases = checked_phrases(self.texts, text)
        vectors = embed_phrases(self.tower, phrases, _TEMPLATES)
        self._check_space(vectors)
        boxes = self.model.detect(
            image,
            vectors,
            conf=self.confidence,
            iou=self.iou,
            imgsz=self.image_size,
            max_det=self.max_detections,
        )
        return phrase_prompts(
            image,
            np.asarray(boxes.xyxy, dtype=np.float32).reshape(-1, 4),
            phrases=phrases,
            class_ids=np.asarray(boxes.cls, dtype=np.int64),
            scores=np.asarray(boxes.conf, dtype=np.float32),
            nms=1.0,  # ultralytics did that
            limit=self.max_detections,
            source=self.type_id,
        )

    def _file(self) -> Path:
        file = self._published()
        return file.obtain() if file else Path(self.weights)

    def _published(self) -> PublishedFile | None:
        return None if Path(self.weights).exists() else PublishedFile(url=f"{RELEASE}/{self.weights}")

    def _check_space(self, vectors: sp.Embedding) -> None:
        """Whether the model can read these vectors."""


class YoloWorld(_WordedYoloNode):
    """Boxes of the things that phrases name, by YOLO-World (Cheng et al. 2024), as prompts.

    ultralytics is AGPL-3.0, and the log says so when it loads. The phrases are read in the space of CLIP ViT-B/32, by
    the words inside sampipe or by the real text tower.

    Args:
        texts: phrases, such as ["wheel", "dog"]; left out where they come through the input ``text``.
        weights: a ``.pt`` file with "-world" in its name, or a published one, downloaded on first use.
        clip: "words", or "ViT-B-32/openai" for phrases that the words do not know.
        confidence: keep boxes with at least this score.
        iou: of two boxes of one phrase that overlap more than this the weaker is dropped.
        image_size: the longer side of the model's input, in pixels.
        max_detections: keep at most so many, the best.
        device: where to run; ``auto`` is the fastest that is there.

    Raises:
        DataError: no phrase, one that the text tower does not know, or a threshold outside 0..1.
        CheckpointError: weights that are missing, unsafe, damaged, of another kind; text of another CLIP space.
        MissingDependencyError: ultralytics is missing, too old to read files safely, or a malicious release.
    """

    weights: str = "yolov8s-worldv2.pt"

    _networks: ClassVar[tuple[str, ...]] = ("WorldModel",)

    def _check_space(self, vectors: sp.Embedding) -> None:
        if vectors.model != "ViT-B-32/openai":
            raise sp.CheckpointError(
                f"text: vectors of the CLIP space {vectors.model!r}, and YOLO-World was trained on those of "
                "'ViT-B-32/openai'. Use clip='words' or clip='ViT-B-32/openai'."
            )


class YoloE(_WordedYoloNode):
    """Boxes of the things that phrases name, by YOLOE (Wang et al. 2025), as prompts.

    ultralytics is AGPL-3.0, and the log says so when it loads. The phrases are read by MobileCLIP-B (LT), through
    open_clip.

    Args:
        texts: phrases, such as ["wheel", "dog"]; left out where they come through the input ``text``.
        weights: a ``.pt`` file with "yoloe" in its name, or a published one, downloaded on first use.
        clip: the text tower that these weights were trained with.
        confidence: keep boxes with at least this score.
        iou: of two boxes of one phrase that overlap more than this the weaker is dropped.
        image_size: the longer side of the model's input, in pixels.
        max_detections: keep at most so many, the best.
        device: where to run; ``auto`` is the fastest that is there.

    Raises:
        DataError: no phrase, or a threshold outside 0..1.
        CheckpointError: weights that are missing, unsafe, damaged, of another kind; text of another length.
        MissingDependencyError: ultralytics is missing, too old to read files safely, or a malicious release.
    """

    weights: str = "yoloe-11s-seg.pt"
    clip: str = "MobileCLIP-B/datacompdr_lt"

    _networks: ClassVar[tuple[str, ...]] = ("YOLOEModel", "YOLOESegModel")

    def _check_space(self, vectors: sp.Embedding) -> None:
        if vectors.vectors.shape[1] != 512 or vectors.model == "ViT-B-32/openai":
            raise sp.CheckpointError(
                f"text: vectors of the CLIP space {vectors.model!r}, and YOLOE was trained on 512 numbers of "
                "MobileCLIP-B (LT). Use clip='MobileCLIP-B/datacompdr_lt'."
            )
