"""A data set's figures as a picture, and as a page that needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sampipe._files import write_atomic
from sampipe.eval.plots import figure
from sampipe.eval.report import Evaluation

_MOST_PLACES = 50


def plot_dataset(evaluation: Evaluation, path: Path) -> None:
    """Masks per image, relative size, concavity, and where the centres of masks lie."""
    summary = evaluation.summary
    with figure(path, 4) as (count, size, concave, centers):
        bins = summary["masks_per_image_bins"]
        count.bar(range(len(bins)), list(bins.values()), color="C0")
        count.set(xlabel="masks per image", ylabel="share of images", xticks=range(len(bins)))
        count.set_xticklabels([name.replace(" to ", "-").replace(" or more", "+") for name in bins])
        _histogram(size, summary["relative_size_bins"], "relative mask size")
        _histogram(concave, summary["concavity_bins"], "concavity")
        heat = centers.imshow(summary["center_heat_map"], extent=(0, 1, 1, 0), cmap="magma", vmin=0)
        centers.figure.colorbar(heat, ax=centers, label="share of masks", shrink=0.8)
        centers.set(xlabel="x of mask centres", ylabel="y", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))


def _histogram(axes: Any, shares: Sequence[float], label: str) -> None:
    edges = np.linspace(0, 1, len(shares) + 1)
    axes.stairs(shares, edges, fill=True, color="C0")
    axes.set(xlabel=label, ylabel="share of masks", xlim=(0, 1))


def write_page(evaluation: Evaluation, path: Path) -> None:
    """One HTML file: the picture, and every table."""
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "plot.png"
        plot_dataset(evaluation, picture)
        encoded = base64.b64encode(picture.read_bytes()).decode()
    summary = evaluation.summary
    name = html.escape(Path(evaluation.data).resolve().name)
    parts = [
        f"<h1>{name}</h1>",
        f'<img alt="masks per image, relative size, concavity, centres" src="data:image/png;base64,{encoded}">',
        _table("Figures", ("figure", "value"), figures(summary)),
        *(_place_table(column, rows) for column, rows in summary.get("places", {}).items()),
        f"<p>{html.escape(', '.join(f'{key} {value}' for key, value in evaluation.versions.items() if value))}</p>",
    ]
    write_atomic(path, (_HEAD.format(title=name) + "\n".join(parts) + "\n</body></html>\n").encode())


def figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The summary's figures in words."""
    low, high = summary["masks_per_image_interval"]
    x, y = summary["mean_center"]
    return [
        ("images", f"{summary['images']:,}"),
        ("masks", f"{summary['masks']:,}"),
        ("masks per image", f"{summary['masks_per_image']:.1f} (95 %: {low:.1f} to {high:.1f})"),
        ("mean relative size", f"{summary['mean_relative_size']:.4f}"),
        ("small, medium, large", ", ".join(f"{summary[f'share_{key}']:.1%}" for key in ("small", "medium", "large"))),
        ("mean concavity", f"{summary['mean_concavity']:.4f}"),
        ("mean centre, x and y", f"{x:.3f}, {y:.3f}"),
    ]


def place_rows(column: str, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """One line a place: its name, images, their share, masks, masks per image."""
    return [
        (
            str(row[column]),
            f"{row['images']:,}",
            f"{row['share_of_images']:.1%}",
            f"{row['masks']:,}",
            f"{row['masks_per_image']:.1f}",
        )
        for row in rows
    ]


def _place_table(column: str, rows: Sequence[Mapping[str, Any]]) -> str:
    more = f" (the first {_MOST_PLACES} of {len(rows)})" if len(rows) > _MOST_PLACES else ""
    heads = (column, "images", "share", "masks", "masks per image")
    return _table(f"By {column}{more}", heads, place_rows(column, rows[:_MOST_PLACES]))


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    return f"<h2>{html.escape(title)}</h2>\n<table>\n{line('th', heads)}\n{body}\n</table>"


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #222; }}
img {{ max-width: 100%; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: right; padding: .2rem .8rem; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; }}
p {{ color: #666; font-size: .8rem; }}
</style></head><body>
"""
