"""``sampipe train text``: the words a model can be asked with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli.train._options import DATA, OPTIMIZER, RUN, START, Seed, folder_with_share


def text(
    data: Annotated[
        list[str],
        typer.Option(metavar="DIR[=SHARE]", rich_help_panel=DATA, help="A COCO folder, and how often it is drawn."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", rich_help_panel=RUN, help="The run's folder.")],
    start: Annotated[
        str, typer.Option("--from", metavar="MODEL", rich_help_panel=START, help="The model, which stays as it is.")
    ] = "nano",
    head: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=START, help="A head to go on from, of these or like weights."),
    ] = None,
    scenes: Annotated[
        int, typer.Option(min=0, rich_help_panel=DATA, help="Composed scenes with sentences about them.")
    ] = 900,
    scene_share: Annotated[
        float, typer.Option(min=0, max=0.99, rich_help_panel=DATA, help="How often one of them is drawn.")
    ] = 0.3,
    views: Annotated[
        int, typer.Option(min=1, rich_help_panel=DATA, help="Of the photos, about so many; each is encoded once.")
    ] = 3200,
    minutes: Annotated[float, typer.Option(rich_help_panel=RUN, help="Of training, after the encoding.")] = 12.0,
    batch_size: Annotated[int, typer.Option(min=2, rich_help_panel=OPTIMIZER, help="Pictures a step.")] = 16,
    learning_rate: Annotated[float, typer.Option(rich_help_panel=OPTIMIZER, help="At its peak.")] = 3e-3,
    install: Annotated[
        bool, typer.Option("--install", rich_help_panel=RUN, help="Put the head beside the model, where it is found.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Train a text head for a model: where on an encoded picture is what a phrase names?

    Photos are encoded once, by the model as it is; the head learns from what annotators marked, by the vectors of
    their classes' names in the space of CLIP ViT-B/32, and from drawn scenes with sentences. It belongs to these very
    weights: train it again when the model changes.
    """
    import torch

    from sampipe.models import load_model
    from sampipe.models.text_head import TextHead, TextHeadConfig, earlier_head, save_text_head
    from sampipe.text.head_matching import head_path
    from sampipe.text.words import load_words
    from sampipe.train.text_examples import ExampleSet
    from sampipe.train.text_map import MapConfig, train_map
    from sampipe.train.text_views import build_examples

    sam, words, kept = load_model(start, "cpu"), load_words(), out / "examples.pt"
    folders = [(Path(path), share) for path, share in map(folder_with_share, data)]
    if kept.is_file():
        examples = ExampleSet.load(kept, model_key=sam.key)
        print(f"{len(examples.examples)} views from {kept}")
    else:
        examples = build_examples(
            sam, words, folders, views=views, scenes=scenes, scene_share=scene_share, seed=seed, say=print
        )
        examples.save(kept)
    torch.manual_seed(seed)
    shape = TextHeadConfig(
        text_dim=len(words.center), features=sam.config.embed_dim, fine=_fine_channels(examples), pixels=48
    )
    network = TextHead(shape, torch.from_numpy(words.center)).to(memory_format=torch.channels_last)
    if head is not None:
        network.load_state_dict(earlier_head(head, shape, space=words.space))
    config = MapConfig(minutes=minutes, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
    state = train_map(network, examples, words, config, say=print)
    path = head_path(start) if install else out / f"{head_path(start).name}"
    save_text_head(network, path, space=words.space, sam_digest=sam.key, state=state)
    print(f"wrote {path}")


def _fine_channels(examples: object) -> int:
    from sampipe.train.text_examples import ExampleSet

    assert isinstance(examples, ExampleSet)
    return int(examples.examples[0].fine.shape[0])
