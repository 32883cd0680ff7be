"""The video models of transformers (SAM 2 and 2.1, EdgeTAM, SAM 3's tracker): an object's track through a stream."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe._optional import require
from sampipe_integrations.transformers.loading import load_pretrained
from sampipe_integrations.transformers.motion import Choice, box_of

if TYPE_CHECKING:
    import torch

_CLASSES = {  # by what config.json says: of the network, and of the session that it keeps for a video
    "sam2_video": ("Sam2VideoModel", "sam2_video.modeling_sam2_video.Sam2VideoInferenceSession"),
    "edgetam_video": ("EdgeTamVideoModel", "edgetam_video.modeling_edgetam_video.EdgeTamVideoInferenceSession"),
    "sam3_tracker_video": (
        "Sam3TrackerVideoModel",
        "sam3_tracker_video.modeling_sam3_tracker_video.Sam3TrackerVideoInferenceSession",
    ),
}
_CLASSES["sam3_video"] = _CLASSES["sam3_tracker_video"]
KINDS = frozenset(_CLASSES)
"""Models that remember, as their config.json calls them."""
_LATEST = 7  # of the frames in which somebody pointed at an object; these and the first are remembered


@dataclass
class SeenFrame:
    """An encoded frame.

    Args:
        number: it goes up by one from frame to frame.
        pixels: as the network takes them.
        features: what its encoder makes of them.
        frame: how the image lies in the square.
    """

    number: int
    pixels: Any
    features: dict[str, Any]
    frame: sp.Frame


@dataclass
class ObjectTrack:
    """One object's session: its memories, of a bounded number of frames.

    Args:
        session: as transformers keeps it, of one object.
        clicks: what was asked in the frame that ``asked_in`` names, points (k, 2) and labels (k,).
        choice: which frames count; None: the latest.
    """

    session: Any
    choice: Choice | None = None
    asked_in: int = -1
    clicks: tuple[NDArray[np.float32], NDArray[np.int64]] = field(
        default_factory=lambda: (np.zeros((0, 2), np.float32), np.zeros(0, np.int64))
    )


class VideoModel:
    """A network with a memory, and its image processor; its masks are those of transformers' streaming session.

    Args:
        place: a folder, or a name on the hub.
        kind: what its config.json says; one of :data:`KINDS`.
        name: what people call it.
        device: where to run.

    Raises:
        MissingDependencyError: transformers is not installed.
        CheckpointError: a model that is missing, is of another kind, or whose weights do not fill it.
    """

    def __init__(self, place: str, kind: str, *, name: str, device: torch.device) -> None:
        from sampipe.models.sam import state_digest

        network_class, session = _CLASSES[kind]
        self.name = name
        self._network, self._processor = load_pretrained(place, network_class, device=str(device), what="a video model")
        module, _, class_name = f"transformers.models.{session}".rpartition(".")
        self._session_class = getattr(require(module, "transformers"), class_name)
        self._decoded = threading.local()  # what its video output does not say
        self._network.mask_decoder.register_forward_hook(self._note_iou)
        made = f"video {state_digest(self._network)} {self._processor.to_json_string()}"
        self.key = hashlib.blake2b(made.encode(), digest_size=16).hexdigest()
        prompts = self._network.config.prompt_encoder_config
        self.mask_size = 4 * (int(prompts.image_size) // int(prompts.patch_size))

    def see(self, image: sp.Image, number: int) -> SeenFrame:
        """Encode a frame."""
        import torch

        with torch.inference_mode():
            pixels = self._processor(images=image.to_pil(), return_tensors="pt")["pixel_values"]
            pixels = pixels.to(self._network.device)
            made = self._network.get_image_features(pixels, return_dict=True)
        features = {"vision_feats": made.fpn_hidden_states, "vision_pos_embeds": made.fpn_position_encoding}
        height, width = (int(side) for side in (self._processor.size["height"], self._processor.size["width"]))
        return SeenFrame(number, pixels[0], features, sp.Frame(image.hw, (height, width), max(height, width)))

    def _note_iou(self, decoder: Any, given: Any, decoded: Any) -> None:
        self._decoded.iou = float(decoded[1].max())  # of several masks the session takes the best

    def begin(
        self, seen: SeenFrame, asked: sp.Prompts | NDArray[np.bool_], *, by_motion: bool = False
    ) -> tuple[ObjectTrack, sp.Masks]:
        """A track of one object by points and box, or by its mask (h, w), and its mask in this frame.

        With ``by_motion`` a motion model chooses which frames it remembers; see :class:`Choice`.

        Raises:
            DataError: mask logits or text among the prompts.
        """
        device = self._network.device
        session = self._session_class(
            video_height=seen.frame.original_hw[0],
            video_width=seen.frame.original_hw[1],
            inference_device=device,
            inference_state_device=device,
            video_storage_device=device,
            dtype=self._network.dtype,
        )
        session.obj_id_to_idx(0)
        track = ObjectTrack(session, Choice() if by_motion else None)
        if not isinstance(asked, sp.Prompts):
            self._give_mask(track, seen, asked)
            return track, self._step(track, seen)
        return track, self.correct(track, seen, asked)

    def carry(self, track: ObjectTrack, seen: SeenFrame) -> sp.Masks:
        """The object in the next frame: one mask, empty where it is out of sight, and how sure the model is of it."""
        return self._step(track, seen)

    def correct(self, track: ObjectTrack, seen: SeenFrame, prompts: sp.Prompts) -> sp.Masks:
        """The object in a frame after one more prompt; clicks of one frame add up, a box begins them anew."""
        import torch

        if prompts.has_masks.any() or prompts.has_text.any():
            raise sp.DataError(f"{self.name}: a track takes points and boxes, not mask logits or text vectors")
        xy, labels = _clicks(prompts, seen.frame)
        if track.asked_in == seen.number and not prompts.has_boxes.any():
            xy, labels = np.concatenate([track.clicks[0], xy]), np.concatenate([track.clicks[1], labels])
        track.asked_in, track.clicks = seen.number, (xy, labels)
        given = {"point_coords": torch.from_numpy(xy)[None, None], "point_labels": torch.from_numpy(labels)[None, None]}
        track.session.add_point_inputs(0, seen.number, given)
        track.session.remove_mask_inputs(0, seen.number)
        track.session.obj_with_new_inputs = [0]
        return self._step(track, seen)

    def _give_mask(self, track: ObjectTrack, seen: SeenFrame, mask: NDArray[np.bool_]) -> None:
        import torch
        from torch.nn import functional as F

        pixels = torch.from_numpy(mask.copy())[None, None].float()
        resized = F.interpolate(pixels, size=tuple(seen.pixels.shape[-2:]), mode="bilinear", antialias=True)
        track.session.add_mask_inputs(0, seen.number, (resized >= 0.5).float())
        track.session.obj_with_new_inputs = [0]

    def _step(self, track: ObjectTrack, seen: SeenFrame) -> sp.Masks:
        import torch

        session = track.session
        memories = session.output_dict_per_obj[0]["non_cond_frame_outputs"]
        if track.choice is not None:
            track.choice.place(memories, seen.number)
        session.cache.cache_vision_features(seen.number, seen.features)  # one encoding for all objects
        with torch.inference_mode():
            outputs = self._network(inference_session=session, frame=seen.pixels, frame_idx=seen.number)
        score = float(outputs.object_score_logits.float().sigmoid().reshape(-1)[0])
        logits = outputs.pred_masks.float().cpu().reshape(1, 1, self.mask_size, self.mask_size)
        if track.choice is not None:
            self._judge(track, track.choice, seen.number, box_of(logits[0, 0].numpy() > 0), is_there=score > 0.5)
        self._forget(session, seen.number)
        return sp.Masks(
            frame=seen.frame, prompts=sp.Prompts.from_boxes(np.zeros((1, 4))), logits=logits,
            iou_scores=np.array([[score]], np.float32),
        )  # fmt: skip

    def _judge(self, track: ObjectTrack, choice: Choice, number: int, box: Any, *, is_there: bool) -> None:
        """Whether the frame counts; one in which somebody pointed at the object always does."""
        made = track.session.output_dict_per_obj[0]["non_cond_frame_outputs"].get(number)
        asked = track.asked_in == number
        if asked or made is None:
            choice.begin(box)
        if made is not None:
            most = self._network.config.max_object_pointers_in_encoder
            iou = 1.0 if asked else self._decoded.iou
            choice.judge(number, made, box, iou=iou, is_there=asked or is_there, most=most)

    def _forget(self, session: Any, number: int) -> None:
        """Keep what the next frames can still ask for: a few memories, some more pointers, no pixels."""
        config = self._network.config
        oldest = number - max(config.num_maskmem, config.max_object_pointers_in_encoder)
        outputs = session.output_dict_per_obj[0]
        asked = sorted(outputs["cond_frame_outputs"])
        old = [one for one in outputs["non_cond_frame_outputs"] if one < oldest]
        for one in old:
            del outputs["non_cond_frame_outputs"][one]
        for one in asked[1:-_LATEST]:
            del outputs["cond_frame_outputs"][one]
        for of_this_frame in (
            session.processed_frames, session.frames_tracked_per_obj[0],
            session.point_inputs_per_obj[0], session.mask_inputs_per_obj[0],
        ):  # fmt: skip
            for one in [one for one in of_this_frame if one != number]:
                del of_this_frame[one]
        for kind, outputs_of in outputs.items():
            for one, output in outputs_of.items():
                stale = ["high_res_masks", "pred_masks"] if one < number else ["high_res_masks"]
                if kind == "non_cond_frame_outputs" and one <= number - config.num_maskmem:
                    stale += ["maskmem_features", "maskmem_pos_enc"]
                for name in stale:
                    output.pop(name, None)


def _clicks(prompts: sp.Prompts, frame: sp.Frame) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """One object's points and labels in the square, its box first as its corners: labels 2 and 3."""
    xy, labels = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    if prompts.points is not None and prompts.point_labels is not None:
        real = prompts.point_labels[0] >= 0
        xy, labels = prompts.points[0][real], prompts.point_labels[0][real].astype(np.int64)
    if prompts.boxes is not None and prompts.has_boxes[0]:
        xy = np.concatenate([prompts.boxes[0].reshape(2, 2), xy])
        labels = np.concatenate([[2, 3], labels])
    return frame.points_to_input(xy), labels
