"""Models and processors of transformers: safe files, and never a weight that is not in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sampipe as sp
from sampipe._optional import require


def load_pretrained(model: str, auto_class: str, *, device: str, what: str) -> tuple[Any, Any]:
    """The network, in evaluation mode on its device, and its image processor.

    Weights are read from safetensors only, which hold no code; no code of the repository is run.

    Args:
        model: a folder, or a name on the Hugging Face hub, downloaded on first use.
        auto_class: the transformers class that knows the architectures, ``AutoModelForObjectDetection``.
        device: see :func:`sampipe.models.device.resolve_device`.
        what: what such a model is, for messages.

    Raises:
        MissingDependencyError: transformers is not installed.
        CheckpointError: nothing there, offline, another kind of model, or weights that do not fill it.
    """
    from sampipe.models.device import resolve_device
    from sampipe.models.weights.hub import is_offline

    transformers = require("transformers", "transformers")
    options = {"local_files_only": is_offline() or Path(model).is_dir(), "trust_remote_code": False}
    try:
        network, report = getattr(transformers, auto_class).from_pretrained(
            model, use_safetensors=True, output_loading_info=True, **options
        )
        processor = transformers.AutoImageProcessor.from_pretrained(model, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise sp.CheckpointError(
            f"{model}: transformers cannot load {what} from it: {reason} Wanted a folder with config.json, "
            "preprocessor_config.json and model.safetensors, or the name of such a repository."
        ) from error
    lacking = [*report["missing_keys"], *(str(one) for one in report["mismatched_keys"])]
    if lacking:
        raise sp.CheckpointError(
            f"{model}: its weights do not fill the model: {len(lacking)} tensors would stay random, such as "
            f"{sorted(lacking)[0]}."
        )
    return network.eval().to(resolve_device(device)), processor


def weights_requirement(model: str) -> sp.Requirement:
    """What ``check`` looks for: the folder, or a copy in the hub's cache."""

    def is_met() -> bool:
        if Path(model).is_dir():
            return True
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            return isinstance(try_to_load_from_cache(model, "config.json"), str)
        except HFValidationError:  # no name of a repository
            return False

    return sp.Requirement.weights(
        model, is_met=is_met, fix="a first run with a network downloads it, or give a folder that is there"
    )
