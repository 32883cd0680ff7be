"""FastSAM: a network that finds all masks at once; prompts choose among them (Zhao et al. 2023, section 3)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sampipe as sp
from sampipe._optional import require
from sampipe.models.segmenters import OWN_TAKES
from sampipe_integrations._promptable import Group, GroupSegmenter
from sampipe_integrations.ultralytics.loading import load
from sampipe_integrations.ultralytics.quarantine import side_effects_undone

if TYPE_CHECKING:
    import torch

    from sampipe.models import Precision
    from sampipe.models.config import EverythingDefaults

_SIDE, _CELL = 1024, 4  # the network's square input, and pixels of it that a cell of its masks covers
_CONFIDENCE, _BOX_IOU = 0.4, 0.9  # what its authors' examples find masks with
_NOTHING = -20.0


class FastSam(GroupSegmenter):
    """All instances of an image are its embedding: their logits, and how sure the network is of each.

    A box gets the instance whose mask fits it best, as ultralytics' own prompt; points the instances that hold one of
    those with label 1 and none with label 0, the surest first. Where nothing fits, the mask is empty and the score 0.

    Args:
        predictor: see :func:`_predictor_class`.
        name: what people call it.
        precision: see :data:`sampipe.models.precision.Precision`.
    """

    def __init__(self, predictor: Any, *, name: str, precision: Precision) -> None:
        from sampipe.models.sam import state_digest

        self._predictor = predictor
        made = f"FastSAM {_SIDE} {_CONFIDENCE} {_BOX_IOU} {state_digest(predictor.model)} {precision}"
        key = hashlib.blake2b(made.encode(), digest_size=16).hexdigest()
        super().__init__(name=name, key=key, device=predictor.device, precision=precision)

    @property
    def takes(self) -> frozenset[str]:
        """Points and boxes."""
        return OWN_TAKES - {"masks"}

    @property
    def mask_size(self) -> int:
        """A quarter of the input's side."""
        return _SIDE // _CELL

    @property
    def everything(self) -> EverythingDefaults:
        """All that it is sure enough of; its score is no predicted IoU, and its logits are not SAM's."""
        from sampipe.models.config import EverythingDefaults

        return EverythingDefaults(pred_iou=_CONFIDENCE, stability=0.0)

    def encode(self, images: Sequence[sp.Image]) -> list[sp.ImageEmbedding]:
        """Find all instances of images, one after the other."""
        return [self._encode(image) for image in images]

    def _encode(self, image: sp.Image) -> sp.ImageEmbedding:
        import torch

        bgr = np.ascontiguousarray(image.pixels[:, :, ::-1])
        with torch.inference_mode(), self._autocast():
            pixels = self._predictor.preprocess([bgr])
            [(found, logits)] = self._predictor.postprocess(self._predictor.inference(pixels), pixels, [bgr])
        masks, scores = _cropped(logits.float(), found[:, :4].float() / _CELL), found[:, 4].float()
        seen = (masks > 0).any(dim=2).any(dim=1)
        return sp.ImageEmbedding(
            features=masks[seen],
            fine=(scores[seen][:, None, None],),
            frame=sp.Frame.fit(image.hw, _SIDE),
            model_key=self.key,
            image_key=image.key,
        )

    def answer(self, embedding: sp.ImageEmbedding, group: Group, multimask: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """The one or three instances of each object that fit best."""
        import torch

        width, side = 3 if multimask else 1, self.mask_size
        logits, sure = embedding.features, embedding.fine[0].reshape(-1)
        low = logits.new_full((len(group.rows), width, side, side), _NOTHING)
        scores = logits.new_zeros(len(group.rows), width)
        for row in range(len(group.rows)):
            fit = _fit(logits, sure, *_of_object(group, row, embedding.frame))
            best, chosen = torch.topk(fit, min(width, len(fit)))
            chosen = chosen[best > 0]
            low[row, : len(chosen)], scores[row, : len(chosen)] = logits[chosen], sure[chosen]
        return low, scores


def load_fast_sam(path: Path, *, name: str, device: torch.device, precision: Precision) -> FastSam:
    """The model in the file at ``path``.

    Raises:
        CheckpointError: no such file, damaged or unsafe, or no segmentation model.
    """
    loaded = load(path, device=str(device))
    loaded.expect("segment")
    with side_effects_undone():
        overrides = {
            "imgsz": _SIDE, "device": str(device), "conf": _CONFIDENCE, "iou": _BOX_IOU,
            "save": False, "verbose": False, "mode": "predict",
        }  # fmt: skip
        predictor = _predictor_class()(overrides=overrides)
        predictor.setup_model(loaded.network, verbose=False)
        predictor.setup_source(np.zeros((_SIDE, _SIDE, 3), np.uint8))  # sets the size
        predictor.batch = ([path.name],)
        return FastSam(predictor, name=name, precision=precision)


@functools.cache
def _predictor_class() -> Any:
    """ultralytics' predictor for segmentation, with the image at the top left of its square and masks as logits."""
    predict = require("ultralytics.models.yolo.segment.predict", "ultralytics")
    letterbox = require("ultralytics.data.augment", "ultralytics").LetterBox

    class LogitsPredictor(predict.SegmentationPredictor):  # type: ignore[name-defined, misc]
        def pre_transform(self, im: list[Any]) -> list[Any]:
            return [letterbox(self.imgsz, auto=False, center=False)(image=one) for one in im]

        def construct_result(self, pred: Any, img: Any, orig_img: Any, img_path: Any, proto: Any) -> tuple[Any, Any]:
            return pred, (pred[:, 6:] @ proto.float().flatten(1)).view(-1, *proto.shape[1:])

    return LogitsPredictor


def _cropped(logits: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Logits (n, m, m) that cross 0 at the sides of their boxes (n, 4), in cells, also between the cells."""
    import torch

    cells = torch.arange(logits.shape[-1], device=logits.device) + 0.5
    x0, y0, x1, y1 = boxes.T[..., None]
    across = torch.minimum(cells - x0, x1 - cells)[:, None, :]
    down = torch.minimum(cells - y0, y1 - cells)[:, :, None]
    steep = logits.abs().amax(dim=(1, 2), keepdim=True)  # so that only the cells at a side are touched
    return torch.minimum(logits, 2 * steep * torch.minimum(across, down))


def _of_object(group: Group, row: int, frame: sp.Frame) -> tuple[Any, Any, Any]:
    """One object's points, their labels, and its box, in cells of the masks."""
    points = None if group.points is None else (frame.points_to_input(group.points[row]) + 0.5) / _CELL
    labels = None if group.point_labels is None else group.point_labels[row]
    box = None if group.boxes is None else frame.boxes_to_input(group.boxes[row][None])[0] / _CELL
    return points, labels, box


def _fit(logits: torch.Tensor, sure: torch.Tensor, points: Any, labels: Any, box: Any) -> torch.Tensor:
    """How well each of n masks, as logits (n, m, m), fits; 0 where it does not. Float (n,)."""
    import torch

    fit = sure
    if box is not None:
        masks = logits > 0
        x0, y0, x1, y1 = np.round(box).astype(int)
        inside = masks[:, y0:y1, x0:x1].sum(dim=(1, 2))
        fit = inside / (max((x1 - x0) * (y1 - y0), 1) + masks.sum(dim=(1, 2)) - inside)
    if points is not None:
        places = torch.from_numpy(points * 2 / logits.shape[-1] - 1).to(logits)[None, None]
        held = torch.nn.functional.grid_sample(logits[None], places, align_corners=False)[0, :, 0] > 0
        wanted = torch.from_numpy(labels > 0).to(held.device)
        fits = held[:, wanted].any(dim=1) if wanted.any() else torch.ones_like(held[:, 0])
        fit = fit * (fits & ~held[:, ~wanted].any(dim=1))
    return fit
