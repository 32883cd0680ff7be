"""Words become prompts: a page with a field for what to look for.

python demos/words.py
"""

from __future__ import annotations

import sampipe as sp
import sampipe.demo
from sampipe.nodes.text.pipelines import text_graph
from sampipe.text.ways import choose_way

PHRASES = ("person", "cup")


def graph() -> sp.Graph:
    """The best way from these words to masks that this machine has."""
    way = choose_way(PHRASES, model="nano", mode=None, clip=None, detector=False)
    print(f"{', '.join(PHRASES)}: {way}")
    return text_graph(way, PHRASES, model="nano", device="auto")


if __name__ == "__main__":
    sampipe.demo.launch(graph())
