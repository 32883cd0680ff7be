"""The native Segment Anything: networks, weights and the values they make; and the register of all segmenters."""

from sampipe.models.config import SamConfig
from sampipe.models.embedding_cache import EmbeddingCache, configure_cache, default_cache, using_cache
from sampipe.models.load import drop_loaded, keep_loaded, load_model
from sampipe.models.model import SamModel
from sampipe.models.precision import Precision
from sampipe.models.sam import Sam
from sampipe.models.segmenters import Segmenter, load_segmenter

__all__ = [
    "EmbeddingCache",
    "Precision",
    "Sam",
    "SamConfig",
    "SamModel",
    "Segmenter",
    "configure_cache",
    "default_cache",
    "drop_loaded",
    "keep_loaded",
    "load_model",
    "load_segmenter",
    "using_cache",
]
