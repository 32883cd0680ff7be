"""From a name or a file to a model that can be used, once a process."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from sampipe.errors import CheckpointError
from sampipe.models.architecture import infer_config
from sampipe.models.config import SamConfig
from sampipe.models.device import resolve_device
from sampipe.models.model import SamModel
from sampipe.models.precision import Precision, half_dtype
from sampipe.models.sam import Sam
from sampipe.models.segmenters import Segmenter, family_of, is_own
from sampipe.models.weights.checkpoints import Checkpoint, file_digest, read_checkpoint
from sampipe.models.weights.digests import check_digest
from sampipe.models.weights.foreign import refuse_foreign
from sampipe.models.weights.hub import download
from sampipe.models.weights.known import KNOWN_MODELS, is_known, known_file, known_model
from sampipe.models.weights.naming import to_official

# In some files and never used here: normalisation constants, MobileSAM's classification head, cached indices.
_UNUSED = ("pixel_mean", "pixel_std", "image_encoder.norm_head.", "image_encoder.head.")
_UNUSED_ENDINGS = (".attention_bias_idxs", ".attn.ab")

MAX_KEPT = 2
"""Models that :func:`keep_loaded` holds at most."""

_RANDOM = (Tensor.normal_, Tensor.uniform_, init.normal_, init.uniform_, init.kaiming_uniform_, init.kaiming_normal_)

S = TypeVar("S", bound=Segmenter)
_Key = tuple[str, int, int, torch.device, Precision]
_loaded: WeakValueDictionary[_Key, SamModel] = WeakValueDictionary()
_kept: OrderedDict[int, Segmenter] = OrderedDict()
_lock = threading.Lock()


def load_model(
    model: str | os.PathLike[str] = "nano", device: str | torch.device = "auto", precision: Precision = "exact"
) -> SamModel:
    """A Segment Anything model of sampipe's own, ready to use; for the others :func:`load_segmenter`.

    The architecture is read off the tensors. Within a process one file on one device, in one precision, is loaded
    once, for as long as anybody holds it; :func:`keep_loaded` holds it for a host that calls again and again.

    Args:
        model: a name of :func:`sampipe.models.weights.hub.models_table`, downloaded if need be, or the path of a
            local file: official ``.pth``, ``facebook/sam-vit-*`` safetensors, MobileSAM, EdgeSAM, or ours.
        device: see :func:`sampipe.models.device.resolve_device`.
        precision: see :data:`sampipe.models.precision.Precision`.

    Raises:
        CheckpointError: no such model; offline; a damaged, wrong or unsafe file.
        DataError: no such device here, or a precision that it has not.
    """
    place = resolve_device(device)
    half_dtype(precision, place)  # refused before anything is read
    name = str(model)
    if is_known(name):
        path = download(name)
    elif is_own(name):
        path = Path(name).expanduser()
        name = path.stem
    else:
        family_of(name)  # raises where nobody knows it
        raise CheckpointError(
            f"{name} is another package's model, and this needs the network of one of sampipe's own: "
            f"{', '.join(one.name for one in KNOWN_MODELS)}, or a checkpoint file."
        )
    with _lock:
        status = path.stat()
        key = (str(path.resolve()), status.st_size, status.st_mtime_ns, place, precision)
        loaded = _loaded.get(key)
        if loaded is None:
            known = known_model(name) if is_known(name) else known_file(path)
            digest = check_digest(known, path) if known else file_digest(path)
            sam = load_sam(read_checkpoint(path)).to(place)
            loaded = SamModel(sam, name=name, key=digest, precision=precision)
            _loaded[key] = loaded
        return loaded


def keep_loaded(model: S) -> S:
    """Hold a loaded model after its last user, so that the next call that loads it finds it; returns it.

    For functions that hosts call again and again. The last :data:`MAX_KEPT` models are held, until
    :func:`drop_loaded`.
    """
    with _lock:
        _kept[id(model)] = model
        _kept.move_to_end(id(model))
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    return model


def drop_loaded() -> None:
    """Let go of the models that :func:`keep_loaded` holds; what is still in use elsewhere lives on there."""
    with _lock:
        _kept.clear()


def load_sam(checkpoint: Checkpoint) -> Sam:
    """The network of a checkpoint on the CPU, in float32 and evaluation mode, every weight from the file.

    Raises:
        CheckpointError: tensors missing, too many, or of shapes that make no known model; another Segment Anything's.
    """
    refuse_foreign(checkpoint.path, checkpoint.tensors)
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
        with torch.device("meta"), _NoRandomStart():
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
    """Builds networks without filling them at random: every weight is about to come from a file.

    On the "meta" device that saves seconds, too: random numbers there are made by torch's compiler, which would load.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _RANDOM:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))
