"""What the page's JavaScript calls: dicts in, dicts out, everything kept on disk at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from sampipe.errors import DataError, NodeError, SampipeError
from sampipe.graph import Graph
from sampipe.graph.run.events import following
from sampipe.pages.label import proposals, review, wire
from sampipe.pages.label.background import BackgroundJob, InstancesWriter, Opened
from sampipe.pages.label.image_files import ImageFile
from sampipe.pages.label.instances import Instances
from sampipe.pages.label.learning import learn_things
from sampipe.pages.label.merge import Propose
from sampipe.pages.label.project import Outcome, Project
from sampipe.pages.label.prompting import answer
from sampipe.pages.shared import Cancelled, data_url, device_lock, sentence, unless_cancelled
from sampipe.types import RLE
from sampipe.types.polygons import rle_polygons
from sampipe.types.rasterize import rasterize

_MOST_TOLD = 3  # images that were left out, in a report
_SHOWN_SIDE = 2048  # pixels; what a page gets of a larger image
Reply = dict[str, Any]


class Workbench:
    """One folder, one model, any number of windows.

    Args:
        project: the folder.
        model: Segment Anything's, by name or checkpoint file.
        device: where it runs.
        source: what pre-fills an image without masks when it is opened; None for nothing.
        confidence: the lowest that counts of a detector.
    """

    def __init__(
        self, project: Project, *, model: str, device: str, source: str | None = None, confidence: float | None = None
    ) -> None:
        self.project = project
        self.model, self.device = model, device
        self.source = source
        self.sources = proposals.Sources(
            learned=project.annotations / "detector.safetensors",
            model=model,
            device=device,
            confidence=confidence,
            wanted=() if source is None else (source,),
        )
        self.instances = Instances(project)
        self._opened = Opened(project, model=model, device=device)
        self._writer = InstancesWriter(self.instances)
        self._job = BackgroundJob()
        self._stops: dict[str, threading.Event] = {}  # by image: ends what proposes on it

    def close(self) -> None:
        """Stop what runs in the background and bring ``instances.json`` up to date."""
        self._job.close()
        self._opened.close()
        self._writer.close()

    # -- looking -----------------------------------------------------------------------

    def start(self, request: Mapping[str, Any]) -> Reply:
        """What a page needs once: images, labels, sources, where the work stopped."""
        documents = {file.key: document for file, document in self.instances.documents()}
        return {
            "folder": str(self.project.folder),
            "images": [
                {"key": file.key, "name": file.shown_name, **review.state_of(documents[file.key])}
                for file in self.project.images
            ],
            "labels": list(self.project.labels),
            "fixed": self.project.labels_are_fixed,
            "last": self.project.last_image.key,
            "model": self.model,
            "source": self.source,
            "sources": self._listed_sources(),
        }

    def open(self, request: Mapping[str, Any]) -> Reply:
        """An image to work on, with its masks, or why it cannot be shown."""
        file = self.project.image_file(str(request.get("image")))
        self.project.remember(file)
        try:
            image = self._opened.get(file)
        except DataError as error:
            return {"image": file.key, "problem": str(error)}
        self._opened.prepare(file)
        return {
            "image": file.key,
            "width": image.width,
            "height": image.height,
            "url": data_url(image, _SHOWN_SIDE),
            **self._shown(file, Outcome(self.project.read(file))),
        }

    def news(self, request: Mapping[str, Any]) -> Reply:
        """What other windows and the background did: the image's record if it is newer, the job, failed writes."""
        file = self.project.image_file(str(request.get("image")))
        record = self.project.read(file)
        newer = record.revision != request.get("revision")
        reply = self._shown(file, Outcome(record)) if newer else {}
        return {**reply, "job": self._job.state(), "trouble": self._writer.trouble}

    # -- working -----------------------------------------------------------------------

    def segment(self, request: Mapping[str, Any]) -> Reply:
        """The mask that a person's work describes; nothing is saved."""
        file = self.project.image_file(str(request.get("image")))
        image = self._opened.get(file)
        work = wire.work_of(request.get("work"))
        with device_lock(self.device):
            found = answer(image, work, model=self.model, device=self.device)
        return wire.answer_json(found)

    def outline(self, request: Mapping[str, Any]) -> Reply:
        """A mask's outlines and holes as rings of corners, simplified within ``tolerance`` pixels."""
        tolerance = wire.number(request.get("tolerance"), "tolerance", least=0, most=100)
        parts = rle_polygons(RLE.from_coco(request.get("rle") or {}), tolerance)
        return {"rings": [ring.tolist() for part in parts for ring in (part.exterior, *part.holes)]}

    def fill(self, request: Mapping[str, Any]) -> Reply:
        """The mask that rings enclose; a ring inside another is a hole."""
        file = self.project.image_file(str(request.get("image")))
        rle = RLE.from_mask(rasterize(request.get("rings") or (), self._opened.get(file).hw))
        return {"rle": rle.to_coco(), "area": rle.area}

    def save(self, request: Mapping[str, Any]) -> Reply:
        """Take changes in; what other windows did comes back with them."""
        file = self.project.image_file(str(request.get("image")))
        changes = [wire.change_of(row) for row in request.get("changes") or ()]
        outcome = self.project.change(file, self._opened.get(file).hw, *changes)
        self._writer.touch()
        return self._shown(file, outcome)

    def propose(self, request: Mapping[str, Any]) -> Reply:
        """Masks of a detector or of everything, on one image, until :meth:`stop` is called for it."""
        file = self.project.image_file(str(request.get("image")))
        stop = self._stops[file.key] = threading.Event()
        try:
            outcome, count = self._propose(file, str(request.get("source")), stop.is_set)
        except Cancelled:
            return {**self._shown(file, Outcome(self.project.read(file))), "found": 0, "stopped": True}
        return {**self._shown(file, outcome), "found": count}

    def _propose(self, file: ImageFile, source: str, stopped: Callable[[], bool]) -> tuple[Outcome, int]:
        """Clicks go before it, and it ends soon when ``stopped`` says so; Cancelled is raised then."""
        image = self._opened.get(file)
        graph = self._graph(source)
        labels = self.project.labels if self.project.labels_are_fixed else None

        def told(share: float) -> None:
            if stopped():
                raise Cancelled("Stopped.")
            lock.give_way()

        try:
            with device_lock(self.device, background=True) as lock, following(told):
                found = proposals.proposed(graph, image, self.project.read(file), source, labels)
        except NodeError as error:
            raise unless_cancelled(error) from error.__cause__
        outcome = self.project.change(file, image.hw, Propose(found, source))
        self._writer.touch()
        return outcome, len(found)

    # -- all the rest ------------------------------------------------------------------

    def rest(self, request: Mapping[str, Any]) -> Reply:
        """Begin to pre-fill every image that nobody has worked on, in the background."""
        source = str(request.get("source"))
        self._graph(source)
        self._job.begin(f"{source}: proposing", self._fill_rest, source)
        return {"job": self._job.state()}

    def _fill_rest(self, job: BackgroundJob, source: str) -> str:
        open_images = [file for file in self.project.images if review.is_untouched(self.project.read(file), source)]
        found: list[int] = []
        left_out: list[str] = []
        for file in job.each(open_images):
            try:
                found.append(self._propose(file, source, job.stopped)[1])
            except Cancelled:
                break
            except SampipeError as error:
                left_out.append(sentence(error))
        report = f"{counted(sum(found), 'proposal')} on {counted(len(found), 'image')}."
        if left_out:
            more = f" … and {len(left_out) - _MOST_TOLD} more" if len(left_out) > _MOST_TOLD else ""
            report += f" Left out: {'; '.join(left_out[:_MOST_TOLD])}{more}."
        return report

    def learn(self, request: Mapping[str, Any]) -> Reply:
        """Begin to train a detector of "things" on the accepted masks, in the background."""
        minutes = wire.number(request.get("minutes"), "minutes", least=0.05, most=600)
        self._job.begin("learning", self._learn, minutes)
        return {"job": self._job.state()}

    def _learn(self, job: BackgroundJob, minutes: float) -> str:
        return learn_things(self.instances, self.sources, minutes=minutes, job=job)

    def stop(self, request: Mapping[str, Any]) -> Reply:
        """Ask the background to stop, or what proposes on one image; what was done stays."""
        if "image" not in request:
            self._job.stop()
        elif (proposing := self._stops.get(str(request["image"]))) is not None:
            proposing.set()
        return {"job": self._job.state()}

    def job_state(self) -> Reply:
        """What runs in the background and how far it is."""
        return self._job.state()

    # -- review ------------------------------------------------------------------------

    def queue(self, request: Mapping[str, Any]) -> Reply:
        """Proposals of all images, the most doubtful first, and counts over the folder."""
        waiting = review.queue(self.instances)
        return {
            "queue": [
                {"image": one.file.key, "name": one.file.shown_name, "id": one.mask_id, "doubt": one.doubt}
                for one in waiting
            ],
            "summary": review.summary_json(self.instances.summary()),
        }

    def accept_below(self, request: Mapping[str, Any]) -> Reply:
        """Agree to all proposals up to a doubt, on all images."""
        doubt = wire.number(request.get("doubt"), "doubt", least=0, most=1)
        count = review.accept_below(self.project, self.instances, doubt)
        self._writer.touch()
        return {"accepted": count}

    # -- inside ------------------------------------------------------------------------

    def _listed_sources(self) -> list[Reply]:
        return [{"name": one.name, "missing": one.missing} for one in self.sources.listed()]

    def _graph(self, source: str) -> Graph:
        if missing := self.sources.missing(source):
            raise DataError(f"{source} cannot run here: {missing}")
        return self.sources.graph(source)

    def _shown(self, file: ImageFile, outcome: Outcome) -> Reply:
        record = outcome.record
        return {
            "image": file.key,
            "revision": record.revision,
            "complete": record.complete,
            "proposed_by": list(record.proposed_by),
            "masks": [wire.mask_json(mask) for mask in record.masks],
            "notices": list(outcome.notices),
            "labels": list(self.project.labels),
        }


def counted(number: int, what: str) -> str:
    """``1 image``, ``2 images``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
