"""``python docs/_site/pictures.py``: what the example graphs give, as far as they need no download."""

from __future__ import annotations

import re
import sys

import numpy as np
from hooks import GRAPHS, PICTURES

import sampipe as sp

SAMPLE = re.compile(r"sample:\w+(?= --out|$)", re.MULTILINE)


def main(names: list[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    for path in sorted(GRAPHS.glob("*.yaml")):
        graph, sample = sp.Graph.from_yaml(path), SAMPLE.search(path.read_text(encoding="utf-8"))
        if sample is None or not graph.check().ok or (names and path.stem not in names):
            continue
        result = graph.run(image=sample[0])
        if "masks" in result:
            drawn = result.masks.plot(sp.Image.open(sample[0]))
        else:
            drawn = sp.Image.from_array((255 - result.edges.strength * 255).astype(np.uint8), color="gray")
        smaller = drawn.to_pil()
        smaller.thumbnail((480, 480))
        sp.Image.open(smaller).save(PICTURES / f"{path.stem}.jpg")
        print(path.stem, result)


if __name__ == "__main__":
    main(sys.argv[1:])
