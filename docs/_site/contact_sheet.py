"""``python docs/_site/contact_sheet.py``: what ``nano`` answers on the sample images, good and bad, on one sheet."""

from __future__ import annotations

from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw

import sampipe as sp
from sampipe.nodes import ClipText, DensePrompts, NanoDetector, Segment, SegmentEverything
from sampipe.types.fonts import label_font

SHEET = Path(__file__).resolve().parents[1] / "images" / "nano.webp"
ASKED = {
    "coffee": "cup",
    "astronaut": "person",
    "chelsea": "cat",
    "rocket": "tower",
    "motorcycle_left": "motorcycle",
    "coins": "coin",
}
SIDE, CAPTION, GAP = 300, 24, 4


def main() -> None:
    everything, find, segment = SegmentEverything(), NanoDetector(), Segment()
    words, look = ClipText(), DensePrompts()
    rows = []
    for name, word in ASKED.items():
        image = sp.Image.open(f"sample:{name}")
        named = look(image, text=words(sp.Text.of(word)))
        answers = {
            "everything": everything(image),
            "--detector nano": segment(image, prompts=find(image)),
            f'--text "{word}"': segment(image, prompts=named),
        }
        cells = [cell(masks.plot(image), f"{caption}: {len(masks)}") for caption, masks in answers.items()]
        rows.append(joined(cells, across=True))
        print(name, {caption: len(masks) for caption, masks in answers.items()})
    joined(rows, across=False).save(SHEET, quality=80)


def cell(drawn: sp.Image, caption: str) -> Pillow.Image:
    """What was asked, and the answer below it."""
    small = drawn.to_pil()
    small.thumbnail((SIDE, SIDE))
    made = Pillow.new("RGB", (SIDE + GAP, small.height + CAPTION + GAP), "white")
    font, text = label_font(caption, 14)
    ImageDraw.Draw(made).text((4, 4), text, fill="black", font=font)
    made.paste(small, (0, CAPTION))
    return made


def joined(parts: list[Pillow.Image], *, across: bool) -> Pillow.Image:
    """Images of one height side by side, or of one width below each other."""
    width, height = parts[0].size
    whole = (len(parts) * width, height) if across else (width, sum(part.height for part in parts))
    made, place = Pillow.new("RGB", whole, "white"), 0
    for part in parts:
        made.paste(part, (place, 0) if across else (0, place))
        place += part.width if across else part.height
    return made


if __name__ == "__main__":
    main()
