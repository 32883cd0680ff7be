"""sampipe: whatever finds things becomes prompts; a Segment Anything node turns them into masks.

The names below load on first use, so that ``import sampipe`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sampipe.errors import (
        CheckpointError as CheckpointError,
        CycleError as CycleError,
        DataError as DataError,
        DuplicateNodeError as DuplicateNodeError,
        GraphError as GraphError,
        MissingDependencyError as MissingDependencyError,
        MissingInputError as MissingInputError,
        NodeError as NodeError,
        PortTypeError as PortTypeError,
        SampipeError as SampipeError,
        SpecError as SpecError,
        UnknownPortError as UnknownPortError,
    )
    from sampipe.graph import (
        Graph as Graph,
        Node as Node,
        Requirement as Requirement,
        register as register,
        resource as resource,
        trace as trace,
    )
    from sampipe.models import SamModel as SamModel, configure_cache as configure_cache, load_model as load_model
    from sampipe.types import (
        RLE as RLE,
        EdgeMap as EdgeMap,
        Embedding as Embedding,
        Frame as Frame,
        Image as Image,
        ImageEmbedding as ImageEmbedding,
        Masks as Masks,
        Prompts as Prompts,
    )

__version__ = "0.1.0"

_HOMES = {
    "sampipe.errors": (
        "CheckpointError", "CycleError", "DataError", "DuplicateNodeError", "GraphError",
        "MissingDependencyError", "MissingInputError", "NodeError", "PortTypeError", "SampipeError",
        "SpecError", "UnknownPortError",
    ),
    "sampipe.graph": ("Graph", "Node", "Requirement", "register", "resource", "trace"),
    "sampipe.models": ("SamModel", "configure_cache", "load_model"),
    "sampipe.types": ("RLE", "EdgeMap", "Embedding", "Frame", "Image", "ImageEmbedding", "Masks", "Prompts"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'sampipe' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
