"""Coverage-guided fuzzing of what reads bytes from outside, by atheris (libFuzzer).

    pip install "sampipe[fuzz]"
    python fuzz/fuzz.py rle fuzz/corpus/rle -max_total_time=600
    python fuzz/fuzz.py read-coco fuzz/corpus/read-coco -max_total_time=600   # so for every format that is read
    fuzz/run.sh 600                      # all of them, one after the other; corpora are kept, and kept small

What must hold is written in ``sampipe.measure.faults`` (``properties``, ``foreign``); anything else that is raised is a
finding, and the bytes that did it are left as ``crash-...``. Options after the corpus are libFuzzer's.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["sampipe", "yaml", "PIL"]):
    import sampipe.graph.spec
    import sampipe.nodes
    import sampipe.types._decode
    import sampipe.types._runs  # noqa: F401 - what loads later would not be watched
    from sampipe.data.formats import READABLE
    from sampipe.measure.faults import foreign, properties


def rle(data: bytes) -> None:
    """Two bytes of size, then counts."""
    if len(data) > 2:
        properties.rle((data[2:], (1 + data[0], 1 + data[1])))


def graph(data: bytes) -> None:
    """A graph file."""
    properties.graph(data.decode("utf-8", "replace"))


def image(data: bytes) -> None:
    """A picture file."""
    properties.image(data)


def reader(name: str, data: bytes) -> None:
    """One byte of which file, then all of that file, or of which places in it are swapped for what (3 bytes each)."""
    if len(data) < 2:
        return
    written, target = _written(name), _FOLDER / "swapped"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(written, target)
    files = _files(target)
    file = files[data[0] // 2 % len(files)]
    if data[0] % 2:
        file.write_bytes(data[1:])
    else:
        for at in range(1, len(data) - 2, 3):
            place = int.from_bytes(data[at : at + 2], "big")
            file.write_bytes(foreign.swapped(file.read_bytes(), file.suffix, place, data[at + 2])[0])
    foreign.try_reader(target, name)


_FOLDER = Path(tempfile.mkdtemp(prefix="sampipe-fuzz-"))
READERS = {f"read-{name}": name for name in READABLE}
TARGETS: dict[str, Callable[[bytes], None]] = {"rle": rle, "graph": graph, "image": image}
TARGETS |= {target: partial(reader, name) for target, name in READERS.items()}


def _written(name: str) -> Path:
    """A small data set of the format, made once."""
    if not (_FOLDER / name).exists():
        source = _FOLDER / "source"
        foreign.write_format(name, foreign.write_source(source, np.random.default_rng(0)), _FOLDER)
    return _FOLDER / name


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def seeds(name: str) -> list[bytes]:
    """What a corpus begins with."""
    if name in READERS:
        contents = [file.read_bytes() for file in _files(_written(READERS[name]))]
        whole = [bytes([2 * number + 1 & 255]) + data for number, data in enumerate(contents)]
        return [*whole, *(bytes([2 * number & 255, 0, number, 3]) for number in range(len(contents)))]
    if name == "rle":
        made = [properties.counts_of(runs) for runs in ([9], [3, 4, 5], [0, 200], [7, 1, 1, 1, 90])]
        return [bytes([hw[0] - 1, hw[1] - 1]) + counts for counts, hw in made]
    if name == "graph":
        return [properties.GRAPH.encode()]
    return [properties.image_bytes(kind) for kind in properties.KINDS]


def main() -> None:
    if sys.argv[1:] == ["list"]:
        print(*TARGETS)
        return
    name, corpus, *options = sys.argv[1:]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds(name)):
        (Path(corpus) / f"seed-{index}").write_bytes(data)
    warnings.simplefilter("ignore")  # damaged metadata is worth a warning of Pillow's, not a finding
    atheris.Setup([sys.argv[0], corpus, *options], TARGETS[name])
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(_FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
