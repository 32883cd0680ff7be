"""Pages of the site that are made of other files: the front page of README.md, the gallery of the example graphs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = ROOT / "demos" / "graphs"
PICTURES = ROOT / "docs" / "images" / "gallery"
COPIES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "sampipe/models/weights/nano.md": "nano.md",
    "sampipe/models/weights/nano_text.md": "nano_text.md",
}
LINK_TEXT = re.compile(r"\[([^\]]+)\]\(([^)\s#:]+)\)")
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)\s#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages."""
    for source, page in COPIES.items():
        files.append(File.generated(config, page, content=_moved((ROOT / source).read_text(encoding="utf-8"))))
    files.append(File.generated(config, "gallery.md", content=gallery()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Pages link to each other as they lie in the repository."""
    return LINK.sub(lambda link: _page_of(link[0]), markdown)


def _moved(text: str) -> str:
    """The links of a file of the repository's root, as they are inside docs/; to other files there is no link."""

    def kept(link: re.Match[str]) -> str:
        inside = link[2] in COPIES or link[2].startswith("docs/") or not (ROOT / link[2]).exists()
        return link[0] if inside else f"{link[1]} (`{link[2]}`)"

    text = LINK_TEXT.sub(kept, text)
    return LINK.sub(lambda link: _page_of(link[0]).removeprefix("docs/"), text)


def _page_of(target: str) -> str:
    up, bare = re.match(r"((?:\.\./)*)(.*)", target).groups()  # type: ignore[union-attr]
    return up.removesuffix("../") + COPIES[bare] if bare in COPIES else target


def gallery() -> str:
    """Each graph of demos/graphs: what it is for, what came out, its drawing and its file."""
    from sampipe.graph import Graph

    parts = [
        "# Gallery\n\nThe example graphs of `demos/graphs`: each is a file for `sampipe run`, drawn by `sampipe draw`. "
        "The pictures are what `python docs/_site/pictures.py` made of them with the model in the package.\n"
    ]
    for path in sorted(GRAPHS.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        about, command, *_ = (line.lstrip("# ") for line in text.splitlines())
        parts.append(f"## {path.stem.replace('_', ' ')}\n\n{about}\n")
        if (PICTURES / f"{path.stem}.jpg").exists():
            parts.append(f"![what {path.stem} gives](images/gallery/{path.stem}.jpg)\n")
        parts.append(f"```bash\n{command}\n```\n")
        parts.append(f'<div class="graph">{Graph.from_yaml(text).svg()}</div>\n')
        lines = "".join(f"    {line}\n" for line in text.splitlines())
        parts.append(f'??? note "The file"\n    ```yaml\n{lines}    ```\n')
    return "\n".join(parts)
