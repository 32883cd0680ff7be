"""One calm look for every page: system fonts (nothing is fetched), one accent, light and dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gradio.themes import Base, colors, sizes

STATIC = Path(__file__).parent / "static"


def theme() -> Base:
    """The theme of sampipe's pages; give it to ``launch`` (:func:`sampipe.pages.shared.serve` does)."""
    look = Base(
        primary_hue=colors.blue,
        secondary_hue=colors.blue,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
        font_mono=("ui-monospace", "Menlo", "Consolas", "monospace"),
    )
    return look.set(
        color_accent="*primary_600",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        input_border_width="1px",
        shadow_drop="none",
    )


@cache
def page_css() -> str:
    """The style sheet of every page."""
    return (STATIC / "page.css").read_text(encoding="utf-8")


@cache
def script(name: str) -> str:
    """A JavaScript file of ours, ready for the head of a page."""
    return f"<script>\n{(STATIC / name).read_text(encoding='utf-8')}\n</script>"
