"""What was followed through a clip, as files to take home."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from sampipe.data.label_png import png_bytes
from sampipe.errors import DataError
from sampipe.nodes import Annotate, SaveCoco
from sampipe.pages.demo.clips import Clip
from sampipe.pages.demo.downloads import Download
from sampipe.pages.demo.wire import FoundObject, masks_of
from sampipe.types import Image, Masks, Prompts

Found = Mapping[int, Sequence[FoundObject]]


def clip_download(kind: str, clip: Clip, found: Found) -> Download:
    """The objects of a clip by frame as a file of one of ``CLIP_KINDS``.

    Raises:
        DataError: another kind; nothing was found; masks of another size than the frames.
    """
    if kind not in CLIP_KINDS:
        raise DataError(f"There is no download {kind!r}; there are {', '.join(CLIP_KINDS)}.")
    if not any(found.values()):
        raise DataError("There is no mask to download yet; click an object and follow it.")
    with tempfile.TemporaryDirectory() as folder:
        return CLIP_KINDS[kind](clip, found, Path(folder))


def _frames(clip: Clip, found: Found) -> Iterator[tuple[int, Image, Masks]]:
    """Every frame with its masks, under a name of its own."""
    from sampipe.video import Video

    with Video(clip.source) as video:
        for frame in video:
            if frame.index >= len(clip.seconds):
                return
            image = Image.from_array(frame.image.pixels, source=f"{_stem(clip, frame.index)}.png")
            yield frame.index, image, _masks(found.get(frame.index, ()), image)


def _stem(clip: Clip, number: int) -> str:
    return f"{clip.name}.{number:06d}"


def _masks(found: Sequence[FoundObject], image: Image) -> Masks:
    if not found:
        return Masks.empty(image.hw).with_prompts(Prompts.empty().replace(track_ids=np.zeros(0, np.int64)))
    masks = masks_of(found, image)
    return masks.with_prompts(masks.prompts.replace(track_ids=np.array([one.id for one in found])))


def _film(clip: Clip, found: Found, folder: Path) -> Download:
    from sampipe.video import VideoWriter

    draw = Annotate()
    with VideoWriter(folder / "film.mp4", fps=clip.fps) as writer:
        for number, image, masks in _frames(clip, found):
            writer.add(draw.run(image, masks), clip.seconds[number])
    return Download(f"{clip.name}.overlay.mp4", "video/mp4", (folder / "film.mp4").read_bytes())


def _coco(clip: Clip, found: Found, folder: Path) -> Download:
    node = SaveCoco(path=str(folder / "annotations.json"))
    for _, image, masks in _frames(clip, found):
        node.run(image, masks)
    node.flush()
    return Download(f"{clip.name}.coco.json", "application/json", (folder / "annotations.json").read_bytes())


def _labels(clip: Clip, found: Found, folder: Path) -> Download:
    """A 16-bit label image for each frame, in which a pixel's number is the object's id."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, image, masks in _frames(clip, found):
            labels = np.zeros(image.hw, np.uint16)
            ids = [one.id for one in found.get(number, ())]
            for index in np.argsort(-masks.area(), kind="stable"):  # of objects that overlap the smaller is on top
                labels[masks.rle()[index].decode()] = ids[index]
            archive.writestr(f"{_stem(clip, number)}.labels.png", png_bytes(labels))
    return Download(f"{clip.name}.masks.zip", "application/zip", packed.getvalue())


def _rows(clip: Clip, found: Found, folder: Path) -> Download:
    from sampipe.video.rows import FrameRows

    with FrameRows(folder / "rows.parquet", ("masks",)) as rows:
        for number, image, masks in _frames(clip, found):
            rows.add(number, clip.seconds[number], image.hw, {"masks": masks})
    return Download(f"{clip.name}.parquet", "application/vnd.apache.parquet", (folder / "rows.parquet").read_bytes())


CLIP_KINDS: dict[str, Callable[[Clip, Found, Path], Download]] = {
    "film": _film,
    "coco": _coco,
    "labels": _labels,
    "rows": _rows,
}
