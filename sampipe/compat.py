"""The names of the ``segment_anything`` package over this library: code written for it runs after one changed import.

``from sampipe.compat import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry``. New code does better with
:class:`sampipe.nodes.Segment`: it holds no hidden state, takes several objects at once and knows labels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from sampipe.errors import DataError
from sampipe.models import SamModel, load_model
from sampipe.models.prompt_encoder import PromptTensors
from sampipe.models.sam import AMBIGUOUS_MASKS, SINGLE_MASK, PreparedImage
from sampipe.nodes import SegmentEverything
from sampipe.nodes.segment.segment import encode
from sampipe.types import Frame, Image, ImageEmbedding, Masks, Prompts

_OPTIONS = {  # the generator's options, and what SegmentEverything calls them
    "points_per_side": "points_per_side",
    "points_per_batch": "points_per_batch",
    "pred_iou_thresh": "min_iou",
    "stability_score_thresh": "stability_threshold",
    "stability_score_offset": "stability_offset",
    "box_nms_thresh": "box_nms",
    "crop_n_layers": "crop_layers",
    "crop_nms_thresh": "crop_nms",
    "crop_overlap_ratio": "crop_overlap",
    "crop_n_points_downscale_factor": "crop_points_downscale",
    "min_mask_region_area": "min_region_area",
}


class LoadedSam:
    """What ``sam_model_registry`` gives: a model's name or file, loaded on the device that :meth:`to` says."""

    def __init__(self, model: str | os.PathLike[str], device: str | torch.device = "auto") -> None:
        self.model, self.device = str(model), str(device)

    def to(self, device: str | torch.device) -> LoadedSam:
        """Choose the device."""
        self.device = str(device)
        return self

    def eval(self) -> LoadedSam:
        """Nothing: models here always are."""
        return self


def _tensor(values: ArrayLike) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32))


def _load(name: str, checkpoint: str | os.PathLike[str] | None = None) -> LoadedSam:
    return LoadedSam(name if checkpoint is None else checkpoint)


sam_model_registry = {name: partial(_load, name) for name in ("vit_b", "vit_l", "vit_h", "nano", "mobile_sam")}
sam_model_registry |= {"default": sam_model_registry["vit_h"], "vit_t": sam_model_registry["mobile_sam"]}


class ResizeLongestSide:
    """Coordinates of the original image, in those of the model's input; see :class:`sampipe.Frame`."""

    def __init__(self, target_length: int) -> None:
        self.target_length = target_length

    def apply_coords(self, coords: ArrayLike, original_size: tuple[int, int]) -> NDArray[np.float32]:
        """Points (..., 2)."""
        return Frame.fit(original_size, self.target_length).points_to_input(coords)

    def apply_boxes(self, boxes: ArrayLike, original_size: tuple[int, int]) -> NDArray[np.float32]:
        """Boxes (n, 4)."""
        return Frame.fit(original_size, self.target_length).boxes_to_input(boxes)

    def apply_coords_torch(self, coords: torch.Tensor, original_size: tuple[int, int]) -> torch.Tensor:
        """Points (..., 2), a tensor on the same device."""
        return torch.from_numpy(self.apply_coords(coords.cpu(), original_size)).to(coords.device)

    def apply_boxes_torch(self, boxes: torch.Tensor, original_size: tuple[int, int]) -> torch.Tensor:
        """Boxes (n, 4), a tensor on the same device."""
        return torch.from_numpy(self.apply_boxes(boxes.cpu(), original_size)).to(boxes.device)


class SamPredictor:
    """``SamPredictor(sam)``, ``set_image(image)``, ``predict(...)``: arguments and array shapes are the reference's.

    Args:
        sam_model: what ``sam_model_registry`` gave, a model's name, a checkpoint file, or a :class:`sampipe.SamModel`.
    """

    def __init__(self, sam_model: LoadedSam | SamModel | str | os.PathLike[str]) -> None:
        if isinstance(sam_model, SamModel):
            self.model = sam_model
        else:
            named = sam_model if isinstance(sam_model, LoadedSam) else LoadedSam(sam_model)
            self.model = load_model(named.model, named.device)
        self.transform = ResizeLongestSide(self.model.config.image_size)
        self.reset_image()

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    def reset_image(self) -> None:
        """Forget the image."""
        self.is_image_set = False
        self._embedding: ImageEmbedding | None = None

    def set_image(self, image: NDArray[np.uint8], image_format: Literal["RGB", "BGR"] = "RGB") -> None:
        """Encode an image, uint8 (h, w, 3), for the calls that follow."""
        self._embedding = encode(self.model, Image.from_bgr(image) if image_format == "BGR" else Image.open(image))
        self.is_image_set = True
        self.original_size, self.input_size = self._embedding.frame.original_hw, self._embedding.frame.resized_hw

    def get_image_embedding(self) -> torch.Tensor:
        """(1, c, h, w)."""
        return self._image().features[None]

    def predict(
        self,
        point_coords: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask_input: ArrayLike | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
        """One object: masks (c, h, w), predicted IoU (c,) and low-resolution logits (c, m, m); c is 3 or 1.

        Args:
            point_coords: (k, 2) x, y in pixels; point_labels: (k,), 1 or 0.
            box: (4,) x0, y0, x1, y1; mask_input: (1, m, m) logits of a call before.

        Raises:
            RuntimeError: no image was set.
            DataError: points without labels.
        """
        if point_coords is not None and point_labels is None:
            raise DataError("point_labels: wanted 1 or 0 for each of point_coords")
        frame = self._image().frame
        masks = self._decode(
            points=None if point_coords is None else _tensor(frame.points_to_input(point_coords))[None],
            labels=None if point_labels is None else _tensor(point_labels)[None],
            boxes=None if box is None else _tensor(frame.boxes_to_input(np.reshape(np.asarray(box), (1, 4)))),
            masks=None if mask_input is None else _tensor(mask_input)[None],
            several=multimask_output,
        )
        full, scores, low = self._answer(masks, return_logits)
        return full[0].numpy(), scores[0].numpy(), low[0].numpy()

    def predict_torch(
        self,
        point_coords: torch.Tensor | None,
        point_labels: torch.Tensor | None,
        boxes: torch.Tensor | None = None,
        mask_input: torch.Tensor | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """n objects in the model's input coordinates (``transform``): (n, c, h, w), (n, c) and (n, c, m, m)."""
        masks = self._decode(
            points=point_coords, labels=point_labels, boxes=boxes, masks=mask_input, several=multimask_output
        )
        full, scores, low = (one.to(self.device) for one in self._answer(masks, return_logits))
        return full, scores, low

    def _image(self) -> ImageEmbedding:
        if self._embedding is None:
            raise RuntimeError("An image must be set with .set_image(...) before mask prediction.")
        return self._embedding

    @torch.inference_mode()
    def _decode(
        self,
        *,
        points: torch.Tensor | None,
        labels: torch.Tensor | None,
        boxes: torch.Tensor | None,
        masks: torch.Tensor | None,
        several: bool,
    ) -> Masks:
        """As the reference decodes: prompts go in as they are, outside the image, turned, or none at all."""
        embedding, model = self._image(), self.model
        given = [None if one is None else one.to(model.device) for one in (points, labels, boxes, masks)]
        count = next((len(one) for one in given if one is not None), 1)
        boxes_in = None if given[2] is None else given[2].reshape(-1, 4)
        prompts = PromptTensors(given[0], given[1], boxes_in, given[3], extent=model.config.image_size, count=count)
        features = [value.to(model.device)[None] for value in (embedding.features, *embedding.fine)]
        tokens, dense = model.sam.prompt_encoder(prompts, grid=model.config.grid)
        outputs = AMBIGUOUS_MASKS if several else SINGLE_MASK
        logits, ious = PreparedImage(model.sam, features).decode(tokens, dense, outputs=outputs)
        return Masks(
            frame=embedding.frame,
            prompts=Prompts.from_boxes(np.zeros((count, 4), np.float32)),
            logits=logits.float().cpu(),
            iou_scores=ious.float().cpu().numpy(),
        )

    @staticmethod
    def _answer(masks: Masks, as_logits: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        assert masks.logits is not None
        scores, low = torch.from_numpy(masks.iou_scores.copy()), masks.logits
        if not as_logits:
            full = np.array([[one.decode() for one in row] for row in masks.all_rles()])
            return torch.from_numpy(full), scores, low
        (height, width), resize = (
            masks.frame.resized_hw,
            partial(torch.nn.functional.interpolate, mode="bilinear", align_corners=False),
        )
        square = resize(low, (masks.frame.input_size,) * 2)[..., :height, :width]
        return resize(square, masks.hw), scores, low


class SamAutomaticMaskGenerator:
    """``SamAutomaticMaskGenerator(sam, ...).generate(image)``: options and records are the reference's.

    Args:
        model: as for :class:`SamPredictor`, but no loaded ``SamModel``.
        options: ``points_per_side``, ``pred_iou_thresh``, ``stability_score_thresh`` ...; one that is left out has
            the value that suits the model, the paper's for the published ones.

    Raises:
        TypeError: another option.
    """

    def __init__(self, model: LoadedSam | str | os.PathLike[str], **options: Any) -> None:
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise TypeError(f"SamAutomaticMaskGenerator has no option {unknown[0]!r}. It takes {', '.join(_OPTIONS)}.")
        named = model if isinstance(model, LoadedSam) else LoadedSam(model)
        given = {"min_region_area": 0} | {_OPTIONS[name]: value for name, value in options.items()}
        self.node = SegmentEverything(model=named.model, device=named.device, max_area_fraction=1.0, **given)

    def generate(self, image: NDArray[np.uint8]) -> list[Mapping[str, Any]]:
        """A record for each mask of an image, uint8 RGB (h, w, 3), best first by predicted IoU.

        Keys: segmentation (bool h, w), area, bbox (x, y, w, h), predicted_iou, point_coords, stability_score.
        """
        masks = self.node(Image.open(image))
        points, stability, boxes = masks.prompts.points, masks.stability, masks.boxes().astype(int).tolist()
        return [
            {
                "segmentation": mask,
                "area": int(mask.sum()),
                "bbox": [x0, y0, x1 - x0 - 1, y1 - y0 - 1],  # the reference's boxes end on their last pixel
                "predicted_iou": float(masks.iou_scores[i, 0]),
                "point_coords": [] if points is None else points[i].tolist(),
                "stability_score": float("nan") if stability is None else float(stability[i, 0]),
            }
            for i, (mask, (x0, y0, x1, y1)) in enumerate(zip(masks.iter_binary(), boxes, strict=True))
        ]
