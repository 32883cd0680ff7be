"""The native Segment Anything: networks, weights and the values they make."""

from sampipe.models.config import SamConfig
from sampipe.models.embedding_cache import EmbeddingCache, configure_cache, default_cache, using_cache
from sampipe.models.load import load_model
from sampipe.models.sam import Sam, SamModel

__all__ = [
    "EmbeddingCache",
    "Sam",
    "SamConfig",
    "SamModel",
    "configure_cache",
    "default_cache",
    "load_model",
    "using_cache",
]
