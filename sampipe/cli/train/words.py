"""``sampipe train words``: the small text encoder inside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli.train._options import DATA, RUN


def words(
    vectors: Annotated[
        Path,
        typer.Option(
            metavar="DIR", rich_help_panel=DATA, help="Names (*_names.json) beside their CLIP vectors (.npy)."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", rich_help_panel=RUN, help="The safetensors file to write.")],
) -> None:
    """Fit word vectors whose sums are the CLIP vectors of names, and say how well they do."""
    import numpy as np

    from sampipe.train.words import fit, held_out, read_names, reproduction, save, with_scene_words

    names = read_names(vectors)
    parts = fit(names)
    again, unseen = reproduction(parts, names), held_out(names)
    print(
        f"{len(again)} names: cosine with their own vectors {again.mean():.4f} on average, {again.min():.4f} at worst"
    )
    print(
        f"{len(unseen)} names of several words, left out of the fit, all their words known: {unseen.mean():.3f} "
        f"(any two names: {float(np.mean(names.vectors @ names.vectors.mean(axis=0))):.3f})"
    )
    extended, own = with_scene_words(parts)
    save(extended, own, out, notes={"source": "CLIP ViT-B/32 text vectors of the names of COCO and LVIS v1"})
    print(f"wrote {out}: {len(extended.heads)} words that end a phrase, {len(extended.modifiers)} that stand before")
