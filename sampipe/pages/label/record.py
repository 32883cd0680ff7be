"""What is known about one image: its masks, each with where it came from and how long it took."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import DataError
from sampipe.types import RLE

FORMAT = 1
_LARGEST_ID = 1 << 48  # stays exact in JSON readers that know only floating point


def new_id() -> int:
    """An id that two windows will not both draw."""
    return secrets.randbelow(_LARGEST_ID) + 1


@dataclass(frozen=True, kw_only=True)
class MaskRecord:
    """One mask of one image.

    Args:
        rle: of the image's size, its EXIF orientation applied.
        id: of this mask, for good.
        label: its name; "" for none.
        accepted: a person drew it or agreed to it; False for one that still waits for that.
        source: what made it: "person", "import", or the detector, text or node.
        predicted_iou: the model's own guess, 0 to 1; None where no model made it.
        stability: the IoU of its logits cut a little higher and a little lower, 0 to 1; None where not known.
        score: the detector's confidence, or None.
        points: (x, y, 1 or 0) for each click on the object or beside it.
        box: x0, y0, x1, y1 of the box that asked for it, or None.
        seconds: that a person spent on it.
        revision: of the image's record when this mask last changed.
    """

    rle: RLE
    id: int = field(default_factory=new_id)
    label: str = ""
    accepted: bool = True
    source: str = "person"
    predicted_iou: float | None = None
    stability: float | None = None
    score: float | None = None
    points: tuple[tuple[float, float, int], ...] = ()
    box: tuple[float, float, float, float] | None = None
    seconds: float = 0.0
    revision: int = 0

    def replace(self, **fields: Any) -> MaskRecord:
        """The same mask with some fields exchanged."""
        return dataclasses.replace(self, **fields)

    @property
    def doubt(self) -> float:
        """How unsure the model is, 0 to 1: one minus the mean of predicted IoU and stability.

        The paper ranks automatic masks by this mean (section 7.3 and appendix D.3). What is not known counts 0.
        """
        return 1.0 - ((self.predicted_iou or 0.0) + (self.stability or 0.0)) / 2

    def says_the_same_as(self, other: MaskRecord) -> bool:
        """Whether both are one mask under one name in one state."""
        return (self.rle, self.label, self.accepted) == (other.rle, other.label, other.accepted)

    def to_json(self) -> dict[str, Any]:
        """An annotation as SA-1B has it, with sampipe's own fields beside."""
        x0, y0, x1, y1 = self.rle.box.tolist()
        row: dict[str, Any] = {
            "id": self.id,
            "segmentation": self.rle.to_coco(),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": self.rle.area,
            "predicted_iou": self.predicted_iou,
            "stability_score": self.stability,
            "crop_box": [0, 0, self.rle.hw[1], self.rle.hw[0]],
            "point_coords": [[x, y] for x, y, _ in self.points],
            "point_labels": [kind for _, _, kind in self.points],
            "prompt_box": None if self.box is None else list(self.box),
            "label": self.label,
            "source": self.source,
            "score": self.score,
            "seconds": round(self.seconds, 2),
            "revision": self.revision,
        }
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any], *, accepted: bool) -> MaskRecord:
        """The inverse of :meth:`to_json`; raises whatever a row of another form makes Python raise."""
        labels = row.get("point_labels") or [1] * len(row.get("point_coords") or ())
        box = row.get("prompt_box")
        return cls(
            rle=RLE.from_coco(row["segmentation"]),
            id=int(row["id"]),
            label=str(row.get("label", "")),
            accepted=accepted,
            source=str(row.get("source", "import")),
            predicted_iou=_number(row.get("predicted_iou")),
            stability=_number(row.get("stability_score")),
            score=_number(row.get("score")),
            points=tuple(
                (float(x), float(y), int(kind))
                for (x, y), kind in zip(row.get("point_coords") or (), labels, strict=True)
            ),
            box=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            seconds=float(row.get("seconds", 0.0)),
            revision=int(row.get("revision", 0)),
        )


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """What is known about one image.

    Args:
        hw: its height and width, EXIF orientation applied; None before anybody changed anything.
        masks: in the order in which they came.
        complete: somebody said that nothing is missing.
        proposed_by: what has pre-filled it, so that it does not do so twice.
        revision: grows with every change.
    """

    hw: tuple[int, int] | None = None
    masks: tuple[MaskRecord, ...] = ()
    complete: bool = False
    proposed_by: tuple[str, ...] = ()
    revision: int = 0

    def replace(self, **fields: Any) -> ImageRecord:
        """The same record with some fields exchanged."""
        return dataclasses.replace(self, **fields)

    @property
    def accepted(self) -> tuple[MaskRecord, ...]:
        """The masks that a person drew or agreed to."""
        return tuple(mask for mask in self.masks if mask.accepted)

    @property
    def proposed(self) -> tuple[MaskRecord, ...]:
        """The masks that wait for a person."""
        return tuple(mask for mask in self.masks if not mask.accepted)

    def find(self, mask_id: int) -> MaskRecord | None:
        """The mask of this id, or None."""
        return next((mask for mask in self.masks if mask.id == mask_id), None)

    def to_json(self, *, file_name: str, image_id: int) -> dict[str, Any]:
        """The image's document: SA-1B's format, in which proposals and sampipe's own fields stand beside."""
        height, width = self.hw or (0, 0)
        return {
            "image": {"image_id": image_id, "file_name": file_name, "width": width, "height": height},
            "annotations": [mask.to_json() for mask in self.accepted],
            "proposals": [mask.to_json() for mask in self.proposed],
            "sampipe": {
                "format": FORMAT,
                "revision": self.revision,
                "complete": self.complete,
                "proposed_by": list(self.proposed_by),
                "order": [mask.id for mask in self.masks],
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], where: str) -> ImageRecord:
        """The inverse of :meth:`to_json`; plain SA-1B documents are read, too.

        Raises:
            DataError: another form, or one of a later version. Names ``where``.
        """
        own = document.get("sampipe", {}) if isinstance(document, Mapping) else {}
        if isinstance(own, Mapping) and own.get("format", FORMAT) != FORMAT:
            raise DataError(
                f"{where}: written by a later sampipe (format {own['format']}); install that or move the file"
            )
        try:
            masks = [MaskRecord.from_json(row, accepted=True) for row in document["annotations"]]
            masks += [MaskRecord.from_json(row, accepted=False) for row in document.get("proposals", ())]
            place = {mask_id: index for index, mask_id in enumerate(own.get("order", ()))}
            hw = int(document["image"]["height"]), int(document["image"]["width"])
            return cls(
                hw=hw if min(hw) > 0 else None,
                masks=tuple(sorted(masks, key=lambda mask: place.get(mask.id, len(place)))),
                complete=bool(own.get("complete", False)),
                proposed_by=tuple(str(name) for name in own.get("proposed_by", ())),
                revision=int(own.get("revision", 0)),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise DataError(
                f"{where}: not the annotations of an image ({reason}); mend the file or move it away"
            ) from error


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
