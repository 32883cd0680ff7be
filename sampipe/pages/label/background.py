"""What goes on beside the page: images held ready, ``instances.json`` kept in step, one long job at a time."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sampipe.errors import DataError
from sampipe.nodes import EncodeImage
from sampipe.pages.label.image_files import ImageFile
from sampipe.pages.label.instances import Instances
from sampipe.pages.label.project import Project
from sampipe.pages.shared import device_lock, sentence
from sampipe.types import Image

T = TypeVar("T")
_HELD = 4  # images
_FRESH = {"running": True, "failed": False, "title": "", "text": "", "done": 0, "total": 0}
_log = logging.getLogger("sampipe.pages.label")


class Opened:
    """The images that windows look at, decoded once and embedded before the first click."""

    def __init__(self, project: Project, *, model: str, device: str) -> None:
        self._project = project
        self._encode, self._device = EncodeImage(model=model, device=device), device
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[str, int, int], Image] = OrderedDict()
        self._wanted: ImageFile | None = None
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="sampipe-embed", daemon=True)
        self._thread.start()

    def get(self, file: ImageFile) -> Image:
        """The image's pixels.

        Raises:
            DataError: it cannot be read, or is not the one that was annotated.
        """
        try:
            stat = file.path.stat()
        except OSError as error:
            raise DataError(f"{file.shown_name} cannot be read: {error.strerror}") from error
        key = (file.key, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if key not in self._images:
                self._images[key] = self._project.open(file)
            self._images.move_to_end(key)
            while len(self._images) > _HELD:
                self._images.popitem(last=False)
            return self._images[key]

    def prepare(self, file: ImageFile) -> None:
        """Embed the image soon; one that is asked for later goes first."""
        with self._wake:
            self._wanted = file
            self._wake.notify()

    def close(self) -> None:
        """Begin nothing more."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._wanted is not None)
                file, self._wanted = self._wanted, None
                if self._closed or file is None:
                    return
            try:
                image = self.get(file)
                with device_lock(self._device, background=True):
                    self._encode.run(image)
            except Exception as error:  # the click that needs it will say so to a person
                _log.info("%s is not embedded ahead: %s", file.shown_name, error)


class InstancesWriter:
    """Brings ``instances.json`` up to date soon after every change, in a thread of its own.

    Args:
        instances: the file.

    Attributes:
        trouble: why the last write failed, "" if it did not.
    """

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._changed = threading.Event()
        self._closed = False
        self.trouble = ""
        self._thread = threading.Thread(target=self._work, name="sampipe-instances", daemon=True)
        self._changed.set()
        self._thread.start()

    def touch(self) -> None:
        """Something changed."""
        self._changed.set()

    def close(self) -> None:
        """Write what is not written yet."""
        self._closed = True
        self._changed.set()
        self._thread.join()

    def _work(self) -> None:
        last = False
        while not last:
            self._changed.wait()
            self._changed.clear()
            last = self._closed
            try:
                self._instances.write()
                self.trouble = ""
            except Exception as error:  # shown on the page, and tried again after the next change
                self.trouble = f"instances.json was not written: {sentence(error)}"
                _log.warning("%s", self.trouble)


class BackgroundJob:
    """One long piece of work at a time, with progress and a way to stop it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._state: dict[str, Any] = {**_FRESH, "running": False}

    def begin(self, title: str, work: Callable[..., str], *args: Any) -> None:
        """Start ``work(job, *args)``, which returns what to tell a person in the end.

        Raises:
            DataError: another job runs.
        """
        with self._lock:
            if self._state["running"]:
                raise DataError(f"“{self._state['title']}” is still running; stop it or wait for it.")
            self._stop.clear()
            self._state = {**_FRESH, "title": title}
        self._thread = threading.Thread(target=self._work, args=(work, args), name="sampipe-job", daemon=True)
        self._thread.start()

    def _work(self, work: Callable[..., str], args: tuple[Any, ...]) -> None:
        failed = False
        try:
            text = work(self, *args)
        except Exception as error:  # a person reads it on the page
            text, failed = sentence(error), True
            _log.warning("%s: %s", self._state["title"], text)
        stopped = "Stopped. " if self._stop.is_set() else ""
        self._update(running=False, failed=failed, text=stopped + text)

    def each(self, items: Sequence[T]) -> Iterator[T]:
        """The items, until somebody stops the job."""
        for done, item in enumerate(items):
            if self.stopped():
                return
            self._update(done=done, total=len(items))
            yield item
        self._update(done=len(items), total=len(items))

    def say(self, text: str, done: int = 0, total: int = 0) -> None:
        """Progress, for a person."""
        self._update(text=text, done=done, total=total)

    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the job to stop; what it has done stays."""
        self._stop.set()

    def close(self) -> None:
        """Stop and wait until it has."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def state(self) -> dict[str, Any]:
        """What runs and how far it is."""
        with self._lock:
            return dict(self._state)

    def _update(self, **values: Any) -> None:
        with self._lock:
            self._state = self._state | values
