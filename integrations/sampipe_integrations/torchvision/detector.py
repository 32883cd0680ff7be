"""torchvision's detection models as prompt sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations._detections import ClassChoice, Fraction, box_prompts, chosen_class_ids
from sampipe_integrations.torchvision.loading import LoadedDetector, load, weights_file, weights_requirement

if TYPE_CHECKING:
    from sampipe_integrations.torchvision.learning import Learned


class TorchvisionDetector(sp.Node):
    """Boxes from a model of ``torchvision.models.detection`` as prompts in original-image pixels.

    Faster R-CNN, FCOS, RetinaNet, SSD; of Mask and Keypoint R-CNN the boxes only (for the
    points there is :class:`TorchvisionKeypoints`). The code is BSD-3-Clause.
    The models also cut low scores off by themselves (0.05 for Faster R-CNN, 0.2 for FCOS), whatever
    ``confidence`` says.

    Args:
        model: a name of ``torchvision.models.list_models(module=torchvision.models.detection)``.
        weights: ``DEFAULT`` or another of torchvision's names for this model's published weights, downloaded
            on first use; or a file with a state dict (``.safetensors``, ``.pt``, ``.pth``).
        confidence: keep detections with at least this score.
        classes: keep only these, by name or id.
        class_names: for a file: the classes it was trained on, in order from id 1, without the background;
            those of the published weights by default.
        device: where to run; ``auto`` is the fastest that is there.

    Raises:
        DataError: a threshold outside 0..1, or an unknown class.
        CheckpointError: an unknown model, or weights that are missing, unsafe or of another model.
    """

    model: str = "fasterrcnn_mobilenet_v3_large_fpn"
    weights: str = "DEFAULT"
    confidence: Fraction = 0.5
    classes: ClassChoice = None
    class_names: Sequence[str] | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.class_names is not None:
            chosen_class_ids(self.classes, dict(enumerate(self.class_names, start=1)))

    def requirements(self) -> Sequence[sp.Requirement]:
        """torchvision, which the core brings, the weights and the device."""
        return (
            sp.Requirement.package("torchvision"),
            weights_requirement(self.model, self.weights),
            sp.Requirement.device(self.device),
        )

    def weights_digest(self) -> str:
        """The file's."""
        from sampipe.models.weights.checkpoints import file_digest

        return file_digest(weights_file(self.model, self.weights))

    @sp.resource(
        shared=lambda self: (
            "torchvision",
            self.model,
            self.weights,
            tuple(self.class_names or ()),
            self.device,
        )
    )
    def network(self) -> LoadedDetector:
        """The loaded model."""
        return load(self.model, self.weights, class_names=self.class_names, device=self.device)

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``."""
        network = self.network
        wanted = chosen_class_ids(self.classes, network.names)
        boxes, class_ids, scores = network.detect(image)
        keep = scores >= self.confidence
        if wanted is not None:
            keep &= np.isin(class_ids, wanted)
        return box_prompts(
            image,
            boxes[keep],
            class_ids=class_ids[keep],
            names=network.names,
            scores=scores[keep],
            source=self.type_id,
        )

    def learn(
        self,
        examples: Sequence[tuple[Path, NDArray[np.float32]]],
        *,
        minutes: float,
        say: Callable[[str, int, int], None] = lambda text, done, total: None,
        stopped: Callable[[], bool] = lambda: False,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Learned:
        """Train the model on boxes of one class and write its weights to ``weights``, a ``.safetensors`` file.

        Starts from that file if it is there, else from the published weights if they are on this machine (nothing
        is downloaded), else from random ones; what it returns says which. The one name in ``class_names`` is what
        the boxes are of. Nodes that loaded the weights before keep the old ones until they are made anew.

        Args:
            examples: (image, boxes (n, 4) xyxy in its pixels); images without a box teach what is background.
            minutes: of wall time.
            say: progress: a text, seconds gone, seconds in all.
            stopped: whether to stop before the time is over.
            turn: entered for each step, to let others have the device in between.

        Raises:
            DataError: nothing to learn from, or ``weights`` and ``class_names`` are not for this.
            CheckpointError: the weights that are there do not fit the model.
        """
        from sampipe_integrations.torchvision.learning import learn

        if self.class_names is None or len(self.class_names) != 1 or Path(self.weights).suffix != ".safetensors":
            raise sp.DataError(
                f"learn: got class_names={self.class_names} and weights={self.weights!r}; wanted one name and the "
                "path of a .safetensors file"
            )
        return learn(
            self.model, Path(self.weights), examples, minutes=minutes, device=self.device, say=say, stopped=stopped,
            turn=turn,
        )  # fmt: skip
