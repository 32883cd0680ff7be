"""The models sampipe knows by name, and where their weights come from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from sampipe.errors import CheckpointError

_META = "https://dl.fbaipublicfiles.com/segment_anything"
_MOBILE_SAM = "https://raw.githubusercontent.com/ChaoningZhang/MobileSAM/f706ad9c4eb7f219c00d9050e46328518ffb65d2"
_HUB = "https://huggingface.co"


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model by name.

    Attributes:
        name: what :func:`sampipe.models.load_model` takes.
        file: the file's name.
        parameters: how many numbers the network has; 0 where the file itself has to say.
        url: where the file is; empty for the embedded model.
        size: bytes, where known.
        sha256: of the file, where known before the first download.
        md5_prefix: the hex digits in an official file's name, the only digest its publisher states.
        repository: of the Hugging Face hub, where the file comes from there.
    """

    name: str
    file: str
    parameters: int
    url: str = ""
    licence: str = "Apache-2.0"
    size: int | None = None
    sha256: str | None = None
    md5_prefix: str | None = None
    repository: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether the weights ship inside the package."""
        return not self.url


def _official(name: str, parameters: int, md5_prefix: str, size: int, sha256: str) -> KnownModel:
    # The digits in the names are the start of the MD5, not of the SHA-256. The SHA-256 are those that
    # independent projects agree on (micro-sam, 3D Slicer and others).
    file = f"sam_{name}_{md5_prefix}.pth"
    return KnownModel(
        name=name,
        file=file,
        parameters=parameters,
        url=f"{_META}/{file}",
        size=size,
        sha256=sha256,
        md5_prefix=md5_prefix,
    )


def _on_the_hub(repository: str, parameters: int) -> KnownModel:
    return KnownModel(
        name=repository,
        file="model.safetensors",
        parameters=parameters,
        url=f"{_HUB}/{repository}/resolve/main/model.safetensors",
        repository=repository,
    )


_VIT_B, _VIT_L, _VIT_H = 93_735_472, 312_342_832, 641_090_608

KNOWN_MODELS: tuple[KnownModel, ...] = (
    KnownModel(name="nano", file="nano.safetensors", parameters=0),
    KnownModel(
        name="mobile_sam",
        file="mobile_sam.pt",
        parameters=9_808_452,
        url=f"{_MOBILE_SAM}/weights/mobile_sam.pt",
        size=40_728_226,
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
    ),
    _official(
        "vit_b",
        _VIT_B,
        "01ec64",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    _official(
        "vit_l",
        _VIT_L,
        "0b3195",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    _official(
        "vit_h",
        _VIT_H,
        "4b8939",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
    _on_the_hub("facebook/sam-vit-base", _VIT_B),
    _on_the_hub("facebook/sam-vit-large", _VIT_L),
    _on_the_hub("facebook/sam-vit-huge", _VIT_H),
)
_BY_NAME = {known.name: known for known in KNOWN_MODELS}
_BY_FILE = {known.file: known for known in KNOWN_MODELS if known.sha256}


def known_model(name: str) -> KnownModel:
    """The model of that name.

    Raises:
        CheckpointError: no such model, with the names there are.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    close = difflib.get_close_matches(name, _BY_NAME, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise CheckpointError(
        f"{name!r} is neither a known model nor a file that is there.{hint} Known models: {', '.join(_BY_NAME)}."
    )


def is_known(name: str) -> bool:
    """Whether a model has that name."""
    return name in _BY_NAME


def known_file(path: Path) -> KnownModel | None:
    """The model whose published file has this name."""
    return _BY_FILE.get(path.name)
