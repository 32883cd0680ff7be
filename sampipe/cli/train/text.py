"""``sampipe train text``: the words a model can be asked with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe._files import write_atomic
from sampipe.cli.train import _options as options
from sampipe.cli.train import _sam_options as of_sam
from sampipe.cli.train._options import DATA, OPTIMIZER, RUN, START
from sampipe.cli.train._run import run_task

if TYPE_CHECKING:
    import torch

    from sampipe.models.text_head import TextHeadConfig
    from sampipe.text.words import WordsEncoder
    from sampipe.train.config import LoopConfig
    from sampipe.train.task import Task
    from sampipe.train.text_examples import ExampleSet


Data = Annotated[
    list[str],
    typer.Option(metavar="DIR[=SHARE]", rich_help_panel=DATA, help="A data set's folder, and how often it is drawn."),
]
Start = Annotated[
    str, typer.Option("--from", metavar="MODEL", rich_help_panel=START, help="The model, which stays as it is.")
]
Head = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=START, help="A head to start from, of these or like weights."),
]
Scenes = Annotated[int, typer.Option(min=0, rich_help_panel=DATA, help="Composed scenes with sentences about them.")]
SceneShare = Annotated[
    float, typer.Option(min=0, max=0.99, rich_help_panel=DATA, help="How often one of them is drawn.")
]
Views = Annotated[
    int, typer.Option(min=1, rich_help_panel=DATA, help="Of the images, about so many; each is encoded once.")
]
BatchSize = Annotated[
    int | None, typer.Option(min=2, show_default="16", rich_help_panel=OPTIMIZER, help="Images a step.")
]
LearningRate = Annotated[
    float | None, typer.Option(show_default="0.003", rich_help_panel=OPTIMIZER, help="At its peak.")
]
Install = Annotated[
    bool, typer.Option("--install", rich_help_panel=RUN, help="Put the head beside the model, where it is found.")
]


def text(
    context: typer.Context,
    data: Data,
    start: Start = "nano",
    head: Head = None,
    scenes: Scenes = 900,
    scene_share: SceneShare = 0.3,
    views: Views = 3200,
    batch_size: BatchSize = None,
    optimizer: of_sam.Optimizer = None,
    learning_rate: LearningRate = None,
    install: Install = False,
    out: options.Out = Path("run"),
    steps: options.Steps = None,
    minutes: options.Minutes = 12.0,
    device: options.Device = "cpu",
    workers: options.Workers = 0,
    bf16: options.Bf16 = None,
    seed: options.Seed = 0,
    save_minutes: options.SaveMinutes = 5.0,
    log_every: options.LogEvery = 20,
) -> None:
    """Train a text head for a model: where on an encoded image is what a phrase names?

    Images are encoded once, by the model as it is; the head learns from what annotators marked, by the vectors of
    their classes' names in the space of CLIP ViT-B/32, and from drawn scenes with sentences. It belongs to these very
    weights: train it again when the model changes.
    """
    import torch

    from sampipe.models.text_head import TextHead, earlier_head
    from sampipe.text.head_matching import head_path
    from sampipe.text.words import load_words
    from sampipe.train.tasks.text import TEXT_LOOP, text_task

    words = load_words()
    folders = [(Path(path), share) for path, share in map(options.folder_with_share, data)]
    examples = _examples(words, folders, context.params)
    shape = _head_shape(examples, len(words.center))

    def make(place: torch.device, loop: LoopConfig) -> Task:
        torch.manual_seed(seed)
        network = TextHead(shape, torch.from_numpy(words.center)).to(memory_format=torch.channels_last)
        if head is not None:
            network.load_state_dict(earlier_head(head, shape, space=words.space))
        inputs = {"data": [[str(folder), share] for folder, share in folders], "start": {"model": start}}
        return text_task(network.to(place), examples, words, inputs=inputs)

    path = run_task(make, TEXT_LOOP, context.params)
    if install and path is not None:
        write_atomic(head_path(start), path.read_bytes())
        print(f"wrote {head_path(start)}")


def _examples(words: WordsEncoder, folders: list[tuple[Path, float]], given: dict[str, Any]) -> ExampleSet:
    """The views that an earlier start of this run encoded, or new ones, which are kept."""
    from sampipe.models import load_model
    from sampipe.train.text_examples import ExampleSet
    from sampipe.train.text_views import build_examples

    model, kept = load_model(given["start"], given["device"]), given["out"] / "examples.pt"
    if kept.is_file():
        examples = ExampleSet.load(kept, model_key=model.heads_key, seed=given["seed"])
        print(f"{len(examples.examples)} views from {kept}")
        return examples
    wanted = {name: given[name] for name in ("views", "scenes", "scene_share", "seed")}
    examples = build_examples(model, words, folders, **wanted, say=print)
    examples.save(kept)
    return examples


def _head_shape(examples: ExampleSet, text_dim: int) -> TextHeadConfig:
    """A head for embeddings of the examples' channels."""
    from sampipe.models.text_head import TextHeadConfig

    shown = examples.examples[0]
    features, fine, deep = (int(one.shape[0]) for one in (shown.features, shown.fine, shown.deep))
    return TextHeadConfig(text_dim=text_dim, features=features, fine=fine, deep=deep, pixels=0 if deep else 48)
