"""Video: objects of a clip, clicked on any frame or found by a detector, followed, mended and downloaded."""

from __future__ import annotations

import base64
import importlib.util
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import gradio as gr
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.graph.chain import as_graph
from sampipe.graph.registry import detector
from sampipe.nodes import Follow
from sampipe.pages import shared
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.clip_downloads import clip_download
from sampipe.pages.demo.clip_jobs import FollowClip, OpenClip
from sampipe.pages.demo.clips import MOST_FRAMES, Clip, Clips
from sampipe.pages.demo.detect_tab import ready
from sampipe.pages.demo.jobs import Jobs
from sampipe.pages.demo.wire import FoundObject, MarkedObject, prompts_of, read
from sampipe.pages.shared.uploads import MAX_BYTES, uploaded_file
from sampipe.types import SAMPLES, Image, Prompts

_WAIT = 1.0  # seconds until an answer without news


class Marks(BaseModel):
    """What was marked for one object on one frame."""

    model_config = ConfigDict(extra="forbid")

    frame: Annotated[int, Field(ge=0, lt=MOST_FRAMES)]
    id: Annotated[int, Field(ge=1, le=100_000)]
    marks: MarkedObject


class Asked(BaseModel):
    """What the page's script sends."""

    model_config = ConfigDict(extra="forbid")

    window: Annotated[str, Field(max_length=64)] = ""
    clip: str | None = None
    path: str | None = None
    sample: str | None = None
    frames: Annotated[int, Field(ge=1, le=MOST_FRAMES)] = 100
    frame: int = 0
    marks: Annotated[list[Marks], Field(max_length=10_000)] = []
    prompts: MarkedObject = MarkedObject()
    detector: str = ""
    every: Annotated[int, Field(ge=1, le=MOST_FRAMES)] = 5
    start: Annotated[int, Field(ge=0, lt=MOST_FRAMES)] = 0
    after: int = 0
    kind: str = ""
    found: dict[int, list[FoundObject]] = {}


def is_there() -> bool:
    """Whether videos can be read."""
    return importlib.util.find_spec("av") is not None


def follow_graph(name: str, every: int, *, model: str, device: str) -> Graph:
    """What ``sampipe video --detector NAME --every N`` runs; without a name only prompts are followed."""
    if not name:
        return as_graph(Follow(model=model, device=device))
    return as_graph(Follow.of(detector(name), every=every, model=model, device=device))


def prompts_by_frame(
    marks: Sequence[Marks], start: int, image: Image, mask_size: int, *, has_memory: bool
) -> dict[int, Prompts]:
    """What was marked from frame ``start`` on, with the objects' ids.

    On ``start`` an object is its marks and the mask that it had, or its mask alone. Later, and for a model with a
    memory always, the mask that the object has by then is not known here: its marks alone go on from it.

    Args:
        image: of the clip, for its size.
    """
    rows: dict[int, list[tuple[int, Prompts]]] = {}
    for one in marks:
        if one.frame < start:
            continue
        known = one.marks if one.frame == start and not has_memory else one.marks.model_copy(update={"mask": None})
        if known.points or known.box or known.brush or known.mask:
            rows.setdefault(one.frame, []).append((one.id, prompts_of([known], image, mask_size)))
    return {
        frame: Prompts.concat([prompts for _, prompts in listed]).replace(track_ids=np.array([n for n, _ in listed]))
        for frame, listed in rows.items()
    }


class ClipBench:
    """The server's side of the tab.

    Args:
        bench: whose model answers clicks.
    """

    def __init__(self, bench: Bench) -> None:
        self.clips = Clips()
        self._bench, self._jobs = bench, Jobs()

    def component(self) -> gr.HTML:
        """The tab's content; the page's head needs :func:`sampipe.pages.demo.bench.head`."""
        settings = {
            "colors": shared.COLORS,
            "samples": list(SAMPLES),
            "most_bytes": MAX_BYTES,
            "most_frames": MOST_FRAMES,
        }
        functions = (
            self.open_clip, self.has_clip, self.detectors, self.segment,
            self.follow, self.news, self.cancel, self.download,
        )  # fmt: skip
        return gr.HTML(
            html_template='<div class="sp-bench sp-clip"></div>',
            js_on_load=f"new sampipe.ClipBench(element, server, upload, {json.dumps(settings)});",
            server_functions=[shared.answering(function) for function in functions],
            elem_id="clip",
            padding=False,
            apply_default_css=False,
        )

    # -- what the page's script asks -----------------------------------------------------------------------

    def open_clip(self, data: Any) -> dict[str, Any]:
        """Begin to read an uploaded file or a sample; :meth:`news` says when it is there."""
        asked = _asked(data)
        if asked.path is not None:
            file = uploaded_file(asked.path)
            source, name = str(file), file.stem
        elif asked.sample in SAMPLES:
            source, name = f"sample:{asked.sample}", asked.sample
        else:
            raise DataError(f"There is no sample {asked.sample!r}.")
        device = self._bench.device
        self._jobs.start(
            asked.window, lambda: OpenClip(source, self.clips, frames=asked.frames, name=name, device=device)
        )
        return {}

    def has_clip(self, data: Any) -> dict[str, Any]:
        """A clip that is held; an error if it is not."""
        return self.clips.get(_asked(data).clip).told()

    def detectors(self, data: Any) -> dict[str, Any]:
        """The detectors that are ready; looks into all their modules, so it is asked when the tab is seen."""
        return {"names": ready()}

    def segment(self, data: Any) -> dict[str, Any]:
        """The mask of one marked object on a frame."""
        asked = _asked(data)
        image = self.clips.frame(self.clips.get(asked.clip), asked.frame)
        prompts = prompts_of([asked.prompts], image, self._bench.mask_size)
        with shared.device_lock(self._bench.device):
            masks = self._bench.graph.run(image=image, prompts=prompts).masks
        if not len(masks):
            raise DataError("That lies outside the image.")
        rle = masks.best().rle()[0]
        if not rle.area:
            raise DataError("Nothing is left of the object; undo, or mark it anew.")
        return {"rle": rle.to_coco()}

    def follow(self, data: Any) -> dict[str, Any]:
        """Follow what was marked, and what a detector finds, from a frame on; :meth:`news` says what happens."""
        asked = _asked(data)
        clip = self.clips.get(asked.clip)
        if not asked.detector and not asked.marks:
            raise DataError("Click an object on a frame first, or choose a detector that finds some.")
        if asked.detector and asked.detector not in ready():
            raise DataError(f"There is no detector {asked.detector!r} that is ready.")
        bench, has_memory = self._bench, _has_memory(self._bench.model)
        start = 0 if has_memory else asked.start
        blank = Image.from_array(np.zeros((*clip.wh[::-1], 3), np.uint8))
        given = prompts_by_frame(asked.marks, start, blank, bench.mask_size, has_memory=has_memory)
        graph = follow_graph(asked.detector, asked.every, model=bench.model, device=bench.device)
        self._jobs.start(asked.window, lambda: FollowClip(graph, clip, given, start=start, device=bench.device))
        return {"start": start}

    def news(self, data: Any) -> dict[str, Any]:
        """What happened since; waits a moment for something."""
        asked = _asked(data)
        job = self._jobs.newest(asked.window)
        if not isinstance(job, OpenClip | FollowClip):
            return {"events": [], "done": True, "stopped": True}
        events, done = job.since(asked.after, _WAIT), job.look()
        if not done or len(job.events) > asked.after + len(events):
            return {"events": events, "done": False, "share": job.share, "waiting": shared.requests_waiting() - 1}
        try:
            result = job.result()
        except shared.Cancelled:
            return {"events": events, "done": True, "stopped": True}
        return {"events": events, "done": True, **({"clip": result.told()} if isinstance(result, Clip) else {})}

    def cancel(self, data: Any) -> dict[str, Any]:
        """Stop what runs in a window; :meth:`news` still tells what was done."""
        job = self._jobs.newest(_asked(data).window)
        if job is not None:
            job.cancel()
        return {}

    def download(self, data: Any) -> Mapping[str, Any]:
        """A file of what is on the page."""
        asked = _asked(data)
        made = clip_download(asked.kind, self.clips.get(asked.clip), asked.found)
        return {"name": made.name, "type": made.type, "content": base64.b64encode(made.content).decode()}


def _has_memory(model: str) -> bool:
    from sampipe.models.segmenters import takes

    return "video" in takes(model)


def _asked(data: Any) -> Asked:
    asked: Asked = read(Asked, data)
    return asked
