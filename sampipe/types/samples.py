"""The sample images: those that the scikit-image wheel ships. Nothing is ever downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sampipe.errors import DataError, MissingDependencyError

_FILES = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "rocket": "rocket.jpg",
    "motorcycle_left": "motorcycle_left.png",
}
SAMPLES = tuple(_FILES)
PREFIX = "sample:"


def sample_path(name: str) -> Path:
    """The file of a sample image, found without importing scikit-image.

    Raises:
        DataError: no sample of that name.
        MissingDependencyError: scikit-image is not installed.
    """
    if name not in _FILES:
        raise DataError(f"no sample image is called {name!r}; there are {', '.join(SAMPLES)}")
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise MissingDependencyError(
            "the sample images come with scikit-image. Install it with: pip install scikit-image"
        )
    return Path(spec.origin).parent / "data" / _FILES[name]
