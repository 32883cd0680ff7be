"""How values are shown: previews and tables in notebooks, windows, files."""

from __future__ import annotations

import base64
import html
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image as Pillow

from sampipe._files import write_atomic
from sampipe.errors import DataError
from sampipe.types._arrays import UInt8Array
from sampipe.types.image import Image
from sampipe.types.masks import Masks

if TYPE_CHECKING:
    from sampipe.types.prompts import Prompts

_LONGEST_SIDE = 900  # pixels of a preview
_MOST_ROWS = 30  # of a table in a notebook
_GREY = 235


def save_image(image: Image, path: str | os.PathLike[str]) -> None:
    """See :meth:`Image.save`."""
    suffix = Path(path).suffix.lower()
    known = Pillow.registered_extensions()
    kind = known.get(suffix)
    if kind is None or kind not in Pillow.SAVE:
        raise DataError(f"{os.fspath(path)}: no image format has the suffix {suffix!r}; .png, .jpg and .webp do")
    content = io.BytesIO()
    options: dict[str, Any] = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    image.to_pil().save(content, kind, **options)
    write_atomic(path, content.getvalue())


def show(image: Image) -> None:
    """See :meth:`Image.show`."""
    shell = sys.modules.get("IPython")
    if shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None:
        from IPython.display import display

        display(image)  # type: ignore[no-untyped-call]
    else:
        image.to_pil().show()


def preview(pixels: UInt8Array) -> bytes:
    """A PNG of pixels (h, w), (h, w, 3) or (h, w, 4), made smaller where it is large."""
    image = Pillow.fromarray(pixels)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def plot(masks: Masks, image: Image | None) -> Image:
    """See :meth:`Masks.plot`."""
    from sampipe.types.overlay import overlay

    if image is None:
        grey = Image(np.full((*masks.hw, 3), _GREY, np.uint8))
        return overlay(grey, masks, opacity=0.8)
    check_size(masks, image, "plot")
    return overlay(image, masks)


def cut_out(masks: Masks, i: int, image: Image, margin: int) -> Pillow.Image:
    """See :meth:`Masks.crop`."""
    check_size(masks, image, "crop")
    rle = masks[i].rle()[0]
    if not rle.area:
        raise DataError(f"crop: the mask of object {i} is empty")
    x0, y0, x1, y1 = (int(side) for side in rle.box)
    window = np.s_[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin]
    mask = rle.decode()[window]
    rgba = np.dstack([image.pixels[window], mask.astype(np.uint8) * 255])
    rgba[~mask] = 0  # what is not shown is not told either
    return Pillow.fromarray(rgba)


def check_size(masks: Masks, image: Image, what: str) -> None:
    """The masks are of an image of this size.

    Raises:
        DataError: they are not.
    """
    if masks.hw != image.hw:
        raise DataError(
            f"{what}: masks of {masks.hw[1]} x {masks.hw[0]} pixels for an image of {image.width} x {image.height}; "
            "wanted the image that the masks are of"
        )


def masks_html(masks: Masks, image: Image | None = None) -> str:
    """The masks drawn, on their image if it is given, and a table of the objects."""
    from sampipe.types.table import rows

    columns = ("label", "score", "iou", "area", "x0", "y0", "x1", "y1")
    table = [{"": i} | {name: row[name] for name in columns} for i, row in enumerate(rows(masks[:_MOST_ROWS]))]
    drawn = png_html(preview(plot(masks, image).pixels))
    return f"{drawn}<p>{html.escape(summary(masks))}</p>{table_html(table, len(masks))}"


def prompts_html(prompts: Prompts) -> str:
    """A table of what each object is prompted by."""
    from sampipe.types.explanation import explain_prompt

    some = [prompts.select([i]) for i in range(min(len(prompts), _MOST_ROWS))]
    table = [{"": i} | explain_prompt(one) for i, one in enumerate(some)]
    return f"<p>{html.escape(repr(prompts))}</p>{table_html(table, len(prompts))}"


def summary(masks: Masks) -> str:
    """``"3 objects: 2 cup, 1 spoon"``."""
    count = len(masks)
    named = [f"{number} {label}" for label, number in masks.counts().items() if label]
    return f"{count} object{'' if count == 1 else 's'}" + (": " + ", ".join(named) if named else "")


def value_html(value: object, background: Image | None = None) -> str:
    """Any output of a graph for a notebook: its own HTML or image, else its repr; masks on ``background``."""
    if isinstance(value, Masks) and background is not None and background.hw == value.hw:
        return masks_html(value, background)
    if (own := getattr(value, "_repr_html_", None)) is not None:
        return str(own())
    if (own := getattr(value, "_repr_png_", None)) is not None:
        return png_html(own())
    return f"<pre>{html.escape(repr(value))}</pre>"


def png_html(png: bytes) -> str:
    """A PNG inside HTML."""
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def table_html(rows: Sequence[Mapping[str, object]], total: int) -> str:
    """Rows as an HTML table; says how many there are when only some are shown."""
    if not rows:
        return ""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>" for row in rows)
    more = f"<p>the first {len(rows)} of {total:,}</p>" if total > len(rows) else ""
    return f"<table><tr>{head}</tr>{body}</table>{more}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return html.escape(f"{value:.3g}" if isinstance(value, float) else str(value))
