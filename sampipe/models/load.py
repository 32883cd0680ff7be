"""From a name or a file to a model that can be used, once a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sampipe.errors import CheckpointError
from sampipe.models.architecture import infer_config
from sampipe.models.checkpoints import Checkpoint, file_digest, read_checkpoint
from sampipe.models.config import SamConfig
from sampipe.models.device import resolve_device
from sampipe.models.digests import check_digest
from sampipe.models.hub import download
from sampipe.models.known import is_known, known_file, known_model
from sampipe.models.naming import to_official
from sampipe.models.sam import Sam, SamModel

# In some files and never used here: normalisation constants, MobileSAM's classification head, cached indices.
_UNUSED = ("pixel_mean", "pixel_std", "image_encoder.norm_head.", "image_encoder.head.")
_UNUSED_ENDINGS = (".attention_bias_idxs", ".attn.ab")

_Key = tuple[str, int, int, torch.device]
_loaded: WeakValueDictionary[_Key, SamModel] = WeakValueDictionary()
_lock = threading.Lock()


def load_model(model: str | os.PathLike[str] = "nano", device: str | torch.device = "auto") -> SamModel:
    """A Segment Anything model, ready to use.

    The architecture is read off the tensors. Within a process one file on one device is loaded once, for as
    long as anybody holds it.

    Args:
        model: a name of :func:`sampipe.models.hub.models_table`, downloaded if need be, or the path of a
            local file: official ``.pth``, ``facebook/sam-vit-*`` safetensors, MobileSAM, or ours.
        device: see :func:`sampipe.models.device.resolve_device`.

    Raises:
        CheckpointError: no such model; offline; a damaged, wrong or unsafe file.
        DataError: no such device here.
    """
    place = resolve_device(device)
    name = str(model)
    if is_known(name):
        path = download(name)
    elif Path(name).expanduser().is_file():
        path = Path(name).expanduser()
        name = path.stem
    else:
        known_model(name)  # raises, with the names there are
    with _lock:
        status = path.stat()
        key = (str(path.resolve()), status.st_size, status.st_mtime_ns, place)
        loaded = _loaded.get(key)
        if loaded is None:
            known = known_model(name) if is_known(name) else known_file(path)
            digest = check_digest(known, path) if known else file_digest(path)
            loaded = SamModel(load_sam(read_checkpoint(path)).to(place), name=name, key=digest)
            _loaded[key] = loaded
        return loaded


def load_sam(checkpoint: Checkpoint) -> Sam:
    """The network of a checkpoint on the CPU, in float32 and evaluation mode, every weight from the file.

    Raises:
        CheckpointError: tensors missing, too many, or of shapes that make no known model.
    """
    tensors = to_official(checkpoint.tensors)
    for name in [name for name in tensors if name.startswith(_UNUSED) or name.endswith(_UNUSED_ENDINGS)]:
        del tensors[name]
    config = infer_config(Checkpoint(path=checkpoint.path, tensors=tensors, metadata=checkpoint.metadata))
    _check_fit(checkpoint.path, tensors, _outline(checkpoint.path, config))
    for name, value in tensors.items():
        tensors[name] = value.float().contiguous() if value.is_floating_point() else value
        if not bool(tensors[name].isfinite().all()):
            raise CheckpointError(f"{checkpoint.path}: damaged: {name} holds values that are not finite.")
    with _NoRandomStart():
        sam = Sam(config)
    sam.load_state_dict(tensors, strict=True, assign=True)
    return sam.eval()


def _outline(path: Path, config: SamConfig) -> Mapping[str, Tensor]:
    """The state dict such a model has, without memory behind it."""
    try:
        with torch.device("meta"):
            return Sam(config).state_dict()
    except Exception as error:  # a stored configuration may hold anything
        raise CheckpointError(f"{path}: its configuration makes no model ({error}): {config}") from error


def _check_fit(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    problems = [f"{name} is missing" for name in wanted if name not in found]
    problems += [f"{name} is not part of this model" for name in found if name not in wanted]
    for name in wanted.keys() & found.keys():
        if found[name].shape != wanted[name].shape:
            problems.append(f"{name} is {tuple(found[name].shape)}, wanted {tuple(wanted[name].shape)}")
        elif found[name].is_floating_point() != wanted[name].is_floating_point():
            problems.append(f"{name} holds {found[name].dtype}, wanted {wanted[name].dtype}")
    if problems:
        shown = "; ".join(sorted(problems)[:5])
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CheckpointError(f"{path}: does not fit the model its tensors describe: {shown}{more}.")


class _NoRandomStart(TorchFunctionMode):
    """Builds networks without filling them at random: every weight is about to come from a file."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))
