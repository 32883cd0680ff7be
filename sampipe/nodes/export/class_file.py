"""``classes.txt``: the numbers of the classes of a folder."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np

from sampipe._files import write_atomic
from sampipe.types import Masks

_PLACEHOLDER = re.compile(r"class \d+")
_NAMELESS = "object"


class ClassFile:
    """``classes.txt``: written as soon as a class is new, so that label files never lack it; threads may
    share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            self._names = {number: name for number, name in enumerate(lines) if not _PLACEHOLDER.fullmatch(name)}

    def numbers(self, masks: Masks) -> list[int]:
        """The class number of each object."""
        labels = masks.prompts.labels or ("",) * len(masks)
        ids = masks.prompts.class_ids if masks.prompts.class_ids is not None else np.full(len(masks), -1)
        with self._lock:
            known = dict(self._names)
            numbers = [self._number(label, int(class_id)) for label, class_id in zip(labels, ids, strict=True)]
            if self._names != known or not self._path.exists():
                self._write()
        return numbers

    def _number(self, label: str, class_id: int) -> int:
        name = " ".join(label.split()) or (f"class {class_id}" if class_id >= 0 else _NAMELESS)
        for number, known in self._names.items():
            if known == name:
                return number
        free = next(number for number in range(len(self._names) + 1) if number not in self._names)
        number = class_id if class_id >= 0 and class_id not in self._names else free
        self._names[number] = name
        return number

    def _write(self) -> None:
        last = max(self._names, default=-1)
        lines = [self._names.get(number, f"class {number}") for number in range(last + 1)]
        write_atomic(self._path, "".join(f"{line}\n" for line in lines).encode())
