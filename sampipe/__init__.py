"""sampipe: whatever finds things becomes prompts; a Segment Anything node turns them into masks.

The names below load on first use, so that ``import sampipe`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sampipe.errors import (
        CheckpointError as CheckpointError,
    )
    from sampipe.errors import (
        CycleError as CycleError,
    )
    from sampipe.errors import (
        DataError as DataError,
    )
    from sampipe.errors import (
        DuplicateNodeError as DuplicateNodeError,
    )
    from sampipe.errors import (
        GraphError as GraphError,
    )
    from sampipe.errors import (
        MissingDependencyError as MissingDependencyError,
    )
    from sampipe.errors import (
        MissingInputError as MissingInputError,
    )
    from sampipe.errors import (
        NodeError as NodeError,
    )
    from sampipe.errors import (
        PortTypeError as PortTypeError,
    )
    from sampipe.errors import (
        SampipeError as SampipeError,
    )
    from sampipe.errors import (
        SpecError as SpecError,
    )
    from sampipe.errors import (
        UnknownPortError as UnknownPortError,
    )
    from sampipe.graph import (
        Graph as Graph,
    )
    from sampipe.graph import (
        Node as Node,
    )
    from sampipe.graph import (
        Requirement as Requirement,
    )
    from sampipe.graph import (
        register as register,
    )
    from sampipe.graph import (
        resource as resource,
    )
    from sampipe.graph import (
        trace as trace,
    )
    from sampipe.models import SamModel as SamModel
    from sampipe.models import configure_cache as configure_cache
    from sampipe.models import load_model as load_model
    from sampipe.nodes.segment.add_masks import add_masks as add_masks
    from sampipe.types import (
        RLE as RLE,
    )
    from sampipe.types import (
        EdgeMap as EdgeMap,
    )
    from sampipe.types import (
        Embedding as Embedding,
    )
    from sampipe.types import (
        Frame as Frame,
    )
    from sampipe.types import (
        Image as Image,
    )
    from sampipe.types import (
        ImageEmbedding as ImageEmbedding,
    )
    from sampipe.types import (
        Masks as Masks,
    )
    from sampipe.types import (
        Prompts as Prompts,
    )
    from sampipe.types import (
        Text as Text,
    )

__version__ = "0.1.0"

_MODULES = {"demo": "sampipe.pages.demo"}
_HOMES = {
    "sampipe.nodes.segment.add_masks": ("add_masks",),
    "sampipe.errors": (
        "CheckpointError",
        "CycleError",
        "DataError",
        "DuplicateNodeError",
        "GraphError",
        "MissingDependencyError",
        "MissingInputError",
        "NodeError",
        "PortTypeError",
        "SampipeError",
        "SpecError",
        "UnknownPortError",
    ),
    "sampipe.graph": ("Graph", "Node", "Requirement", "register", "resource", "trace"),
    "sampipe.models": ("SamModel", "configure_cache", "load_model"),
    "sampipe.types": ("RLE", "EdgeMap", "Embedding", "Frame", "Image", "ImageEmbedding", "Masks", "Prompts", "Text"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'sampipe' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
