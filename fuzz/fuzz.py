"""Coverage-guided fuzzing of what reads bytes from outside, by atheris (libFuzzer).

    pip install "sampipe[fuzz]"
    python fuzz/fuzz.py rle fuzz/corpus/rle -max_total_time=600
    fuzz/run.sh 600                      # all of them, one after the other; corpora are kept, and kept small

What must hold is written in ``sampipe.selftest.properties``; anything else that is raised is a finding, and the bytes
that did it are left as ``crash-...``. Options after the corpus are libFuzzer's.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sampipe", "yaml", "PIL"]):
    import sampipe.graph.spec
    import sampipe.nodes
    import sampipe.types._decode
    import sampipe.types._runs  # noqa: F401 - what loads later would not be watched
    from sampipe.selftest import properties


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


TARGETS: dict[str, Callable[[bytes], None]] = {"rle": rle, "graph": graph, "image": image}


def seeds(name: str) -> list[bytes]:
    """What a corpus begins with."""
    if name == "rle":
        made = [properties.counts_of(runs) for runs in ([9], [3, 4, 5], [0, 200], [7, 1, 1, 1, 90])]
        return [bytes([hw[0] - 1, hw[1] - 1]) + counts for counts, hw in made]
    if name == "graph":
        return [properties.GRAPH.encode()]
    return [properties.picture_bytes(kind) for kind in properties.KINDS]


def main() -> None:
    name, corpus, *options = sys.argv[1:]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds(name)):
        (Path(corpus) / f"seed-{index}").write_bytes(data)
    warnings.simplefilter("ignore")  # damaged metadata is worth a warning of Pillow's, not a finding
    atheris.Setup([sys.argv[0], corpus, *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
