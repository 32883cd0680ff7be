"""Words become prompts: a page with a field for what to look for.

python demos/words.py
"""

from __future__ import annotations

import sampipe as sp
from sampipe.nodes.text.pipelines import text_graph
from sampipe.text.modes import choose_mode

PHRASES = ("person", "cup")


def graph() -> sp.Graph:
    """The best mode from these words to masks that this machine has."""
    mode = choose_mode(PHRASES, model="nano", mode=None, clip=None, detector=False)
    print(f"{', '.join(PHRASES)}: {mode}")
    return text_graph(mode, PHRASES, model="nano", device="auto")


if __name__ == "__main__":
    sp.demo.launch(graph())
