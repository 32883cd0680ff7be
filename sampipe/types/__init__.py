"""The values that travel through a graph: frozen, made of arrays, light to import (no torch)."""

from __future__ import annotations

from sampipe.types.edges import EdgeMap
from sampipe.types.embedding import Embedding, ImageEmbedding
from sampipe.types.explanation import Explanation
from sampipe.types.frame import Frame
from sampipe.types.image import Image
from sampipe.types.masks import Masks
from sampipe.types.polygons import Polygon
from sampipe.types.prompts import Prompts
from sampipe.types.rle import RLE
from sampipe.types.samples import SAMPLES
from sampipe.types.text import Text

__all__ = [
    "RLE",
    "SAMPLES",
    "EdgeMap",
    "Embedding",
    "Explanation",
    "Frame",
    "Image",
    "ImageEmbedding",
    "Masks",
    "Polygon",
    "Prompts",
    "Text",
]
