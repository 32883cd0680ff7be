"""Video: a short clip through a detector and Segment Anything, each object with an id of its own."""

from __future__ import annotations

import html
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from sampipe import web
from sampipe.demo.bench import Bench, shown
from sampipe.demo.clips import ClipFolder, ClipJob
from sampipe.demo.detect_tab import choices
from sampipe.demo.jobs import Cancelled, Jobs, progress_html
from sampipe.demo.ways import error_html, note
from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.graph.chain import as_graph
from sampipe.graph.registry import detector
from sampipe.nodes import Follow
from sampipe.types import SAMPLES
from sampipe.video import Recorded
from sampipe.web.uploads import uploaded_file

FOLDER = "clips"
_FIRST = "face"
_SIDE = 720  # pixels of the frame that is shown while it works


def is_there() -> bool:
    """Whether videos can be read."""
    return importlib.util.find_spec("av") is not None


def follow_graph(name: str, every: int, *, model: str, device: str) -> Graph:
    """What ``sampipe video --detector NAME --every N`` runs."""
    return as_graph(Follow.of(detector(name), every=every, model=model, device=device))


def video_tab(bench: Bench, clips: ClipFolder) -> None:
    """Choose a clip and a detector; then the frames as they come, and the film."""
    ready = sorted((one.name for one in choices() if not one.missing), key=lambda name: (name != _FIRST, name))
    with gr.Row():
        file = gr.File(label="A clip of your own", file_types=["video"], elem_id="video-file", height=150)
        sample = gr.Dropdown(
            list(SAMPLES), value="astronaut", label="Or a sample", info="a camera moves over the photo", min_width=240
        )
    with gr.Row():
        name = gr.Dropdown(ready, value=ready[0] if ready else None, label="Detector", elem_id="video-detector")
        every = gr.Slider(1, 30, 5, step=1, label="Detect every", info="frames; followed between", min_width=240)
        frames = gr.Slider(2, 300, 36, step=1, label="Frames", info="at most", elem_id="video-frames", min_width=240)
    with gr.Row():
        run = gr.Button("Detect and follow", variant="primary", elem_id="video-run", scale=0, min_width=200)
        cancel = gr.Button("Cancel", elem_id="video-cancel", scale=0, min_width=110)
    status = gr.HTML("", padding=False)
    screen = gr.HTML("", padding=False, elem_id="video-screen")
    runs = _Runs(bench, clips)
    run.click(runs.stream, [file, sample, name, every, frames], [status, screen], show_progress="hidden")
    cancel.click(runs.stop, queue=False, show_progress="hidden")


class _Runs:
    """What the buttons do."""

    def __init__(self, bench: Bench, clips: ClipFolder) -> None:
        self._bench, self._clips, self._jobs = bench, clips, Jobs()

    def stream(
        self, window: gr.Request, file: str | None, sample: str, name: str | None, every: float, frames: float
    ) -> Iterator[tuple[str, Any]]:
        """Progress and frames as they come, then the film; every failure is a sentence."""
        try:
            yield from self._run(str(window.session_hash), file, sample, name, int(every), int(frames))
        except Cancelled:
            yield note("Stopped; nothing was kept."), ""
        except Exception as error:
            yield error_html(web.noted(error)), ""

    def stop(self, window: gr.Request) -> None:
        """End the window's job."""
        self._jobs.cancel(str(window.session_hash))

    def _run(
        self, window: str, file: str | None, sample: str, name: str | None, every: int, frames: int
    ) -> Iterator[tuple[str, Any]]:
        if not name:
            raise DataError("No detector is ready; the tab Detect + segment says what each one needs.")
        source = str(uploaded_file(file)) if file else f"sample:{sample}"
        graph = follow_graph(name, every, model=self._bench.model, device=self._bench.device)
        folder = self._clips.new()
        yield progress_html(None), ""
        job = self._jobs.start(window, lambda: ClipJob(graph, source, folder, frames=frames, device=self._bench.device))
        last = None
        for share in job.follow():
            picture = job.picture
            if picture is None or picture is last:
                yield progress_html(share), gr.skip()
            else:
                yield progress_html(share), f'<img src="{shown(picture, _SIDE)}" alt="The newest frame">'
            last = picture
        recorded = job.result()
        yield note(summary(recorded, name, every)), film_html(recorded, folder)


def summary(recorded: Recorded, name: str, every: int) -> str:
    """What a clip gave, in one line."""
    rate = recorded.frames / max(recorded.seconds, 1e-9)
    objects = f"{recorded.tracks} object{'' if recorded.tracks == 1 else 's'}"
    short = f"; the clip breaks off: {recorded.breaks_off}" if recorded.breaks_off else ""
    return (
        f"{objects} with an id each, {recorded.masks} masks in {recorded.frames} frames; {recorded.seconds:.1f} s, "
        f"{rate:.1f} frames a second ({name}, every {every} frames){short}."
    )


def film_html(recorded: Recorded, folder: Path) -> str:
    """The film, and its files to take home."""
    urls = [f"/sampipe/{FOLDER}/{folder.name}/{html.escape(file.name)}" for file in recorded.files]
    links = " ".join(
        f'<a href="{url}" download>{html.escape(file.name)}</a>' for url, file in zip(urls, recorded.files, strict=True)
    )
    return f'<video src="{urls[0]}" controls loop autoplay muted playsinline></video><p class="sp-note">{links}</p>'
