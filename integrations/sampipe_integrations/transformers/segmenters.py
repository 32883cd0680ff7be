"""The Segment Anything models of transformers as segmenters: SAM, SAM-HQ, SAM 2 and 2.1, EdgeTAM, SAM 3's tracker."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sampipe as sp
from sampipe.models.segmenters import OWN_TAKES
from sampipe_integrations._promptable import Group, GroupSegmenter
from sampipe_integrations.transformers.concepts import ConceptModel
from sampipe_integrations.transformers.loading import load_pretrained, weights_requirement
from sampipe_integrations.transformers.video import KINDS as VIDEO_KINDS
from sampipe_integrations.transformers.video import VideoModel

if TYPE_CHECKING:
    import torch

    from sampipe.models import Precision
    from sampipe.models.config import EverythingDefaults

HUB = {
    "sam2.1_hiera_t": "facebook/sam2.1-hiera-tiny",
    "sam2.1_hiera_s": "facebook/sam2.1-hiera-small",
    "sam2.1_hiera_b+": "facebook/sam2.1-hiera-base-plus",
    "sam2.1_hiera_l": "facebook/sam2.1-hiera-large",
    "sam3": "facebook/sam3",
    "edgetam": "yonigozlan/EdgeTAM-hf",
    "sam_hq_vit_b": "syscv-community/sam-hq-vit-base",
    "sam_hq_vit_l": "syscv-community/sam-hq-vit-large",
    "sam_hq_vit_h": "syscv-community/sam-hq-vit-huge",
}
"""What people call them, and where transformers finds them."""

_HUB_KINDS = {"sam2.1": "sam2_video", "sam3": "sam3_video", "edgetam": "edgetam_video", "sam": "sam_hq"}
_READERS = ("sam3", "sam3_video")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILES = {".pt", ".pth", ".safetensors", ".onnx", ".yaml"}  # a path that is not there is no name on the hub


class TransformersFamily:
    """Names of :data:`HUB`, folders that ``save_pretrained`` wrote, and names on the Hugging Face hub."""

    names: Sequence[str] = tuple(HUB)

    def has(self, model: str) -> bool:
        """A known name, a folder with config.json, or what can only be ``owner/name`` on the hub."""
        is_folder = (Path(model).expanduser() / "config.json").is_file()
        is_id = _HUB_ID.fullmatch(model) is not None and Path(model).suffix.lower() not in _FILES
        on_hub = is_id and not Path(model).is_file()
        return model in HUB or is_folder or on_hub

    def takes(self, model: str) -> frozenset[str]:
        """Points, boxes and masks; SAM 3 reads words, too, and those of :data:`VIDEO_KINDS` remember a video."""
        kind = kind_of(model)
        more = {"words"} if kind in _READERS else set()
        return OWN_TAKES | more | ({"video"} if kind in VIDEO_KINDS else set())

    def requirements(self, model: str) -> Sequence[sp.Requirement]:
        """transformers and the model."""
        return sp.Requirement.package("transformers", extra="transformers"), weights_requirement(place_of(model))

    def load(self, model: str, device: torch.device, precision: Precision) -> TransformersSegmenter:
        """See :class:`TransformersSegmenter`.

        Raises:
            MissingDependencyError: transformers is not installed.
            CheckpointError: a model that is missing, is no Segment Anything, or whose weights do not fill it.
        """
        network, processor = load_pretrained(
            place_of(model), "AutoModelForMaskGeneration", device=str(device), what="a mask generation model"
        )
        return TransformersSegmenter(network, processor, name=model, precision=precision)

    def load_words(self, model: str, device: torch.device) -> ConceptModel:
        """SAM 3's own detector; see :class:`ConceptModel`."""
        return ConceptModel(place_of(model), name=model, device=device)

    def load_video(self, model: str, device: torch.device) -> VideoModel:
        """The half with a memory; see :class:`VideoModel`."""
        return VideoModel(place_of(model), str(kind_of(model)), name=model, device=device)


FAMILY = TransformersFamily()


def place_of(model: str) -> str:
    """The folder or the name on the hub."""
    return HUB.get(model, str(Path(model).expanduser()) if Path(model).expanduser().is_dir() else model)


def kind_of(model: str) -> str | None:
    """What its config.json calls a model; None for one that has no name here and is not on this machine."""
    from huggingface_hub import try_to_load_from_cache

    short = next((name for name, place in HUB.items() if model in (name, place)), None)
    if short is not None:
        return _HUB_KINDS[short.partition("_")[0]]
    place = place_of(model)
    path = Path(place) / "config.json" if Path(place).is_dir() else try_to_load_from_cache(place, "config.json")
    if not isinstance(path, (str, Path)):
        return None
    try:
        return str(json.loads(Path(path).read_text(encoding="utf-8")).get("model_type"))
    except (OSError, ValueError):  # whoever loads it will say what is wrong
        return None


class TransformersSegmenter(GroupSegmenter):
    """A network and its image processor; its logits are what transformers' own forward gives.

    Args:
        network: in evaluation mode, on its device.
        processor: of images.
        name: what people call it.
        precision: see :data:`sampipe.models.precision.Precision`; encoder and decoder under autocast.
    """

    def __init__(self, network: Any, processor: Any, *, name: str, precision: Precision = "exact") -> None:
        from sampipe.models.sam import state_digest

        self._network, self._processor = network, processor
        made = f"{state_digest(network)} {processor.to_json_string()} {precision}"
        key = hashlib.blake2b(made.encode(), digest_size=16).hexdigest()
        super().__init__(name=name, key=key, device=network.device, precision=precision)

    @property
    def takes(self) -> frozenset[str]:
        """Points, boxes and masks."""
        return OWN_TAKES

    @property
    def mask_size(self) -> int:
        """Four times the side of the embedding."""
        prompts = self._network.config.prompt_encoder_config
        return 4 * (int(prompts.image_size) // int(prompts.patch_size))

    @property
    def everything(self) -> EverythingDefaults:
        """The paper's."""
        from sampipe.models.config import EverythingDefaults

        return EverythingDefaults()

    def frame(self, hw: tuple[int, int]) -> sp.Frame:
        """SAM fits the image into its square, SAM 2 and 3 stretch it to fill the square."""
        size = self._processor.size
        longest = size.get("longest_edge") if isinstance(size, dict) else size.longest_edge
        if longest:
            return sp.Frame.fit(hw, int(longest))
        height, width = int(size["height"]), int(size["width"])
        return sp.Frame(hw, (height, width), max(height, width))

    def encode(self, images: Sequence[sp.Image]) -> list[sp.ImageEmbedding]:
        """Embed images, all of them stacked through the network."""
        import torch

        if not images:
            return []
        with torch.inference_mode(), self._autocast():
            inputs = self._processor(images=[image.to_pil() for image in images], return_tensors="pt")
            made = self._network.get_image_embeddings(inputs["pixel_values"].to(self.device))
        coarse, fine = _maps(made)
        return [
            sp.ImageEmbedding(
                features=coarse[i].float(),
                fine=tuple(one[i].float() for one in fine),
                frame=self.frame(image.hw),
                model_key=self.key,
                image_key=image.key,
            )
            for i, image in enumerate(images)
        ]

    def answer(self, embedding: sp.ImageEmbedding, group: Group, multimask: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """What the network's forward gives for one object each."""
        outputs = self._network(
            **self._asked(embedding, len(group.rows)),
            **self._prompts(group, embedding.frame),
            multimask_output=multimask,
        )
        return outputs.pred_masks[:, 0], outputs.iou_scores[:, 0]

    def _asked(self, embedding: sp.ImageEmbedding, count: int) -> Mapping[str, Any]:
        """The image's features as the network takes them, once for each object: so each may have a mask of its own."""
        coarse, *fine = (
            one.to(self.device)[None].expand(count, -1, -1, -1) for one in (embedding.features, *embedding.fine)
        )
        if self._network.config.model_type == "sam_hq":
            return {"image_embeddings": coarse, "intermediate_embeddings": [one.permute(0, 2, 3, 1) for one in fine]}
        return {"image_embeddings": [*fine, coarse] if fine else coarse}

    def _prompts(self, group: Group, frame: sp.Frame) -> Mapping[str, Any]:
        import torch

        given: dict[str, Any] = {}
        if group.points is not None:
            given["input_points"] = frame.points_to_input(group.points)[:, None]
            given["input_labels"] = np.asarray(group.point_labels)[:, None]
        if group.boxes is not None:
            given["input_boxes"] = frame.boxes_to_input(group.boxes)[:, None]
        if group.masks is not None:
            given["input_masks"] = group.masks[:, None]
        return {name: torch.as_tensor(np.array(values), device=self.device) for name, values in given.items()}


def _maps(made: Any) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
    """The embedding (n, c, h, w), and finer maps: SAM 2 and 3 give a list of both, SAM-HQ its layers' (n, h, w, c)."""
    if isinstance(made, tuple):
        return made[0], [one.permute(0, 3, 1, 2) for one in made[1]]
    return (made[-1], made[:-1]) if isinstance(made, list) else (made, ())
