"""``sampipe train``: make or continue a model; a file a command."""

from __future__ import annotations

import typer

from sampipe.cli.train import detect, distill, sam, text, token, words

app = typer.Typer(no_args_is_help=True, help="Train a model.")


@app.callback()
def train() -> None:
    """Train a model."""


app.command()(sam.sam)
app.command()(detect.detect)
app.command()(distill.distill)
app.command()(text.text)
app.command()(token.token)
app.command()(words.words)
