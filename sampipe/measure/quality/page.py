"""An evaluation as one HTML page that needs nothing else: its plot and its tables."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sampipe._files import write_atomic
from sampipe.measure.quality.report import Evaluation, Table
from sampipe.measure.quality.task import Task


def write_page(task: Task[Any, Any], evaluation: Evaluation, path: Path) -> None:
    """Write the page whole or not at all (needs matplotlib)."""
    with TemporaryDirectory() as folder:
        plot = Path(folder) / "plot.png"
        task.plot(evaluation, plot)
        encoded = base64.b64encode(plot.read_bytes()).decode()
    name = html.escape(Path(evaluation.data).resolve().name)
    parts = [f"<h1>{name}</h1>", f'<img alt="the tables below, as a plot" src="data:image/png;base64,{encoded}">']
    for part in task.tables(evaluation):
        parts.append(_table(part) if isinstance(part, Table) else f"<p>{html.escape(part)}</p>")
    made_with = ", ".join(f"{key} {value}" for key, value in evaluation.versions.items() if value)
    parts.append(f"<p>{html.escape(made_with)}</p>")
    write_atomic(path, (_HEAD.format(title=name) + "\n".join(parts) + "\n</body></html>\n").encode())


def _table(table: Table) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    title = f"<h2>{html.escape(table.title)}</h2>\n" if table.title else ""
    body = "\n".join(line("td", row) for row in table.rows)
    return f"{title}<table>\n{line('th', table.columns)}\n{body}\n</table>"


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
