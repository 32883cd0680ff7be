"""The Segment Anything models of ultralytics as segmenters: FastSAM, SAM, MobileSAM, SAM 2, 2.1 and 3."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sampipe as sp
from sampipe.models.segmenters import OWN_TAKES, Segmenter
from sampipe_integrations.ultralytics.loading import obtain, weights_requirement
from sampipe_integrations.ultralytics.quarantine import load_ultralytics

if TYPE_CHECKING:
    import torch

    from sampipe.models import Precision

SHORT = {"fastsam": "FastSAM-x.pt", "fastsam_s": "FastSAM-s.pt"}
"""What people call them, and the published files."""

_FAST = re.compile(r".*FastSAM-[sx]\.pt")
_OTHERS = re.compile(r".*sam2(\.1)?_[tsbl]\.pt|sam3[\w.-]*\.pt")
_ALSO_OURS = re.compile(r"sam_[bl]\.pt|mobile_sam\.pt")  # as files that are there sampipe reads them itself


class UltralyticsFamily:
    """Names of :data:`SHORT`, and ``.pt`` files, published or one's own, by ultralytics' rule: how their names end."""

    names: Sequence[str] = tuple(SHORT)

    def has(self, model: str) -> bool:
        """A short name, or a file's name that ultralytics would know it by."""
        file = Path(model).name
        published = _ALSO_OURS.fullmatch(model) is not None and not Path(model).is_file()
        return model in SHORT or published or bool(_FAST.fullmatch(file) or _OTHERS.fullmatch(file))

    def takes(self, model: str) -> frozenset[str]:
        """Points and boxes, and masks all but FastSAM, which chooses among the masks that it found."""
        return OWN_TAKES - {"masks"} if _is_fast(model) else OWN_TAKES

    def requirements(self, model: str) -> Sequence[sp.Requirement]:
        """ultralytics and the weights."""
        return sp.Requirement.package("ultralytics", extra="ultralytics"), weights_requirement(_file_of(model))

    def load(self, model: str, device: torch.device, precision: Precision) -> Segmenter:
        """The model.

        Raises:
            MissingDependencyError: ultralytics is missing, too old to read files safely, or a malicious release.
            CheckpointError: weights that are missing, unsafe, damaged or of another model than the name says.
        """
        from sampipe_integrations.ultralytics.fast_sam import load_fast_sam
        from sampipe_integrations.ultralytics.sam import load_sam

        load_ultralytics()  # before anything is downloaded
        load = load_fast_sam if _is_fast(model) else load_sam
        return load(obtain(_file_of(model)), name=model, device=device, precision=precision)


FAMILY = UltralyticsFamily()


def _is_fast(model: str) -> bool:
    return _FAST.fullmatch(Path(_file_of(model)).name) is not None


def _file_of(model: str) -> str:
    return SHORT.get(model, model)
