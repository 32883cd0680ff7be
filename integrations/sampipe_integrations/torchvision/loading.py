"""Building torchvision's detection models with weights that are safe to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations._published import PublishedFile, cache_folder

if TYPE_CHECKING:
    import torch

_FILES = (".safetensors", ".pt", ".pth")
_NOT_CLASSES = {"N/A", "__background__"}  # ids that COCO skipped, and the background


@dataclass(frozen=True)
class LoadedDetector:
    """A network in evaluation mode and its classes by id."""

    module: torch.nn.Module
    names: Mapping[int, str]
    device: torch.device

    def detect(self, image: sp.Image) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Boxes (n, 4) in the image's pixels, class ids (n,) and scores (n,), best first."""
        found = self.raw(image)
        return found["boxes"], found["labels"], found["scores"]

    def raw(self, image: sp.Image) -> dict[str, NDArray[Any]]:
        """All that the network says: boxes, labels, scores, and what its kind adds (masks, keypoints)."""
        import torch

        pixels = torch.from_numpy(image.pixels.copy()).to(self.device).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            found = self.module([pixels])[0]
        return {name: value.cpu().numpy() for name, value in found.items()}


def load(model: str, weights: str, *, class_names: Sequence[str] | None, device: str) -> LoadedDetector:
    """The named model with published weights or those of a file; never with random ones.

    Raises:
        CheckpointError: unknown model or weights, a failed download, a file that does not fit or is unsafe.
    """
    from sampipe.models.device import resolve_device

    published = _published(model)
    if _is_file_name(weights):
        categories = ["background", *class_names] if class_names else published["DEFAULT"].meta["categories"]
        module = _with_state(model, Path(weights), class_count=len(categories))
    elif class_names is not None:
        raise sp.CheckpointError(
            f"class_names belong to a weights file; the published {weights!r} of {model} has its own."
        )
    else:
        entry = _entry(model, weights, published)
        categories = entry.meta["categories"]
        module = _with_published(model, entry)
    where = resolve_device(device)
    return LoadedDetector(module=module.eval().to(where), names=_numbered(categories), device=where)


def weights_file(model: str, weights: str) -> Path:
    """The file behind ``weights``, downloaded if it is a published one that is not here.

    Raises:
        CheckpointError: unknown model or weights, or a failed download.
    """
    return Path(weights) if _is_file_name(weights) else _obtained(_entry(model, weights, _published(model)))


def weights_requirement(model: str, weights: str) -> sp.Requirement:
    """What ``check`` looks for, by file names only: torchvision stays unimported."""
    if _is_file_name(weights):
        return sp.Requirement.file(weights, fix=f"put a state dict of {model} there, or use DEFAULT")
    pattern = re.compile(re.escape(model) + r"(_coco)?-[0-9a-f]{8}\.pth")
    folder = cache_folder()
    return sp.Requirement.weights(
        f"{model} {weights}",
        is_met=lambda: folder.is_dir() and any(pattern.fullmatch(path.name) for path in folder.iterdir()),
        fix=f"a first run with a network downloads them to {folder}",
    )


def _published(model: str) -> Any:
    """torchvision's enumeration of the weights for ``model``."""
    from torchvision.models import detection, get_model_weights, list_models

    known = list_models(module=detection)
    if model not in known:
        raise sp.CheckpointError(f"torchvision has no detection model {model!r}. It has: {', '.join(known)}.")
    return get_model_weights(model)


def _entry(model: str, weights: str, published: Any) -> Any:
    if weights not in published.__members__:
        raise sp.CheckpointError(
            f"{model} has no published weights {weights!r}, and there is no file of that name. "
            f"Published: {', '.join(published.__members__)}. Files end in {', '.join(_FILES)}."
        )
    return published[weights]


def _with_published(model: str, entry: Any) -> torch.nn.Module:
    from torchvision.models import get_model

    from sampipe.models.weights.checkpoints import read_checkpoint

    read_checkpoint(_obtained(entry))  # refuses a file that runs code; torchvision would read it as any pickle
    return get_model(model, weights=entry, progress=False)


def _obtained(entry: Any) -> Path:
    digits = Path(entry.url).stem.rpartition("-")[2]
    return PublishedFile(url=entry.url, sha256=digits, instead=", or give a file as weights").obtain()


def _with_state(model: str, path: Path, *, class_count: int) -> torch.nn.Module:
    from torchvision.models import get_model

    from sampipe.models.weights.checkpoints import read_checkpoint

    state = read_checkpoint(path).tensors
    module = get_model(model, weights=None, weights_backbone=None, num_classes=class_count)
    try:
        missing, unexpected = module.load_state_dict(state, strict=False)
    except RuntimeError as error:
        reason = str(error).partition("\n")[2].split("\n")[0].strip()
        raise sp.CheckpointError(
            f"{path} does not fit {model} with {class_count} classes (the background is one): {reason} "
            "Name the model it was made for, and the classes with class_names=[...]."
        ) from error
    # a model trained from published weights has frozen batch norms, which do not count their batches
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise sp.CheckpointError(
            f"{path} is not a state dict of {model}: it lacks {len(missing)} tensors {missing[:2]} and has "
            f"{len(unexpected)} that {model} does not know {unexpected[:2]}. Name the model it was made for."
        )
    return module


def _is_file_name(weights: str) -> bool:
    return Path(weights).suffix in _FILES


def _numbered(categories: Sequence[str]) -> dict[int, str]:
    """Classes by id; 0 is the background."""
    return {index: name for index, name in enumerate(categories) if index and name not in _NOT_CLASSES}
