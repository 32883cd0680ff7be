"""Interactive segmentation networks in ONNX files, as competitors of ``sampipe eval points``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sampipe as sp
from sampipe.measure.quality.answers import Answers
from sampipe_integrations.onnx.session import open_session

if TYPE_CHECKING:
    import onnxruntime

_INSIDE = 0.0


def click_model(argument: str | None = None) -> OnnxClickModel:
    """``--competitors onnx:FILE``."""
    if not argument:
        raise sp.DataError("competitors: onnx wants the model's file, such as onnx:ritm_hrnet18.onnx")
    return OnnxClickModel(Path(argument))


class OnnxClickModel:
    """A click model with the interface of RITM and its successors (Sofiiuk et al., ICIP 2022).

    Inputs: the image, float32 (1, 3, h, w), RGB from 0 to 1, or (1, 4, h, w) with the probabilities of the mask so
    far as the fourth channel; and the clicks, float32 (1, 2k, 3): k on the object, then k beside it, each row, column
    and number (from 0) of the click, all -1 for padding. The first output is the mask's logits, (1, 1, h, w). h, w
    and k may be free; where the model fixes the image's size, the image is resized to it, and where it fixes k, clicks
    beyond are left out, the oldest first.

    Args:
        path: the ONNX file.

    Raises:
        CheckpointError: no such file, or not such a model.
        MissingDependencyError: onnxruntime is not installed.
    """

    takes = frozenset({"points"})

    def __init__(self, path: Path) -> None:
        session = open_session(path, threads=0, providers=("CPUExecutionProvider",))
        self.digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._network = _Network.of(path, session)

    def start(self, image: sp.Image) -> _ClickSession:
        """The image at the size that the model takes."""
        return _ClickSession(self._network, image)


@dataclass(frozen=True)
class _Network:
    """An open model; a size or a number of clicks that is free is None."""

    session: onnxruntime.InferenceSession
    image: str
    points: str
    channels: int
    hw: tuple[int, int] | None
    clicks: int | None

    @classmethod
    def of(cls, path: Path, session: onnxruntime.InferenceSession) -> _Network:
        shapes = {value.name: list(value.shape) for value in session.get_inputs()}
        images = [name for name, shape in shapes.items() if len(shape) == 4 and shape[1] in (3, 4)]
        points = [name for name, shape in shapes.items() if len(shape) == 3 and shape[2] == 3]
        if len(shapes) != 2 or len(images) != 1 or len(points) != 1:
            raise sp.CheckpointError(
                f"{path} is not a click model of this kind: it takes {shapes}, wanted an image (1, 3 or 4, h, w) "
                "and clicks (1, 2k, 3)."
            )
        height, width = shapes[images[0]][2:]
        rows = shapes[points[0]][1]
        return cls(
            session=session,
            image=images[0],
            points=points[0],
            channels=shapes[images[0]][1],
            hw=(height, width) if isinstance(height, int) and isinstance(width, int) else None,
            clicks=rows // 2 if isinstance(rows, int) else None,
        )


class _ClickSession:
    def __init__(self, network: _Network, image: sp.Image) -> None:
        self._network = network
        self._hw = image.hw
        self._size = network.hw or image.hw
        pixels = image.to_pil().resize((self._size[1], self._size[0])) if network.hw else image.pixels
        self._image = np.asarray(pixels, np.float32).transpose(2, 0, 1)[None] / 255

    def answer(self, prompts: sp.Prompts, before: Answers | None = None) -> Answers:
        """One run of the network an object."""
        logits = []
        for row in range(len(prompts)):
            mask = None if before is None or before.state is None else before.state[row]
            logits.append(self._run(self._clicks(prompts.select(row)), mask))
        masks = [sp.RLE.from_mask(_resized(one, self._hw) > _INSIDE) for one in logits]
        return Answers.single(masks, np.stack(logits))

    def _run(self, clicks: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        image = self._image
        if self._network.channels == 4:
            mask = np.zeros(self._size, np.float32) if before is None else 1 / (1 + np.exp(-before))
            image = np.concatenate([image, mask[None, None]], axis=1)
        [logits, *_] = self._network.session.run(
            None, {self._network.image: image.astype(np.float32), self._network.points: clicks}
        )
        if logits.shape != (1, 1, *self._size):
            raise sp.CheckpointError(f"The click model gave {logits.shape} for an image of (1, 1, {self._size}).")
        return np.asarray(logits[0, 0], np.float32)

    def _clicks(self, prompts: sp.Prompts) -> np.ndarray:
        assert prompts.points is not None and prompts.point_labels is not None
        labels = prompts.point_labels[0]
        scale = np.array(self._size) / np.array(self._hw)
        rows_columns = (prompts.points[0, :, ::-1] + 0.5) * scale - 0.5
        numbered = np.column_stack([rows_columns, np.arange(len(labels))]).astype(np.float32)
        sides = [numbered[labels == label] for label in (1, 0)]
        count = self._network.clicks or max(1, *(len(side) for side in sides))
        return np.concatenate([_padded(side[-count:], count) for side in sides])[None]


def _padded(clicks: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([clicks, np.full((count - len(clicks), 3), -1, np.float32)])


def _resized(logits: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    if logits.shape == hw:
        return logits
    from PIL import Image as Pillow

    resized: Any = Pillow.fromarray(logits).resize((hw[1], hw[0]), Pillow.Resampling.BILINEAR)
    return np.asarray(resized)
