"""``sampipe eval``: commands that measure, one file for each task.

A command's file holds a function whose parameters are the options of :mod:`~sampipe.cli.evaluate._options` and its
own; it becomes a command here, by one line.
"""

from __future__ import annotations

import typer

from sampipe.cli.evaluate import boxes, dataset, edges, fairness, instances, points, proposals, text

app = typer.Typer(no_args_is_help=True, help="Measure a model on data with ground truth.")


@app.callback()
def evaluate() -> None:
    """Measure a model on data with ground truth."""


app.command()(boxes.boxes)
app.command()(points.points)
app.command()(proposals.proposals)
app.command()(instances.instances)
app.command()(edges.edges)
app.command()(text.text)
app.command()(dataset.dataset)
app.command()(fairness.fairness)
