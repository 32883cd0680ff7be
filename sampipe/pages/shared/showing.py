"""Images as a page shows them: no larger than the screen needs."""

from __future__ import annotations

import base64
import io

from PIL import Image as Pillow

from sampipe.types import Image


def smaller(image: Image, side: int) -> Pillow.Image:
    """The image with no side longer than ``side`` pixels."""
    made = image.to_pil()
    made.thumbnail((side, side), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
    return made


def data_url(image: Image, side: int) -> str:
    """The image as a JPEG inside an address, no side longer than ``side`` pixels."""
    packed = io.BytesIO()
    smaller(image, side).save(packed, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"
