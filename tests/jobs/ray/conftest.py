"""One local Ray cluster for all tests of a session, and a hundred pictures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import ray_graphs
from PIL import Image as PilImage

from sampipe.jobs.ray import Pool
from sampipe.jobs.ray.cluster import connected


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A local cluster with room for two actors; they get the graphs of this folder by value."""
    pytest.importorskip("ray", reason='needs ray: pip install "sampipe[ray]"')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ray warns of its own settings
        with connected(None, Pool(most=2)):
            from ray import cloudpickle

            cloudpickle.register_pickle_by_value(ray_graphs)
            yield


@pytest.fixture(scope="session")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A hundred paths: 97 small pictures, two files that are none, and a name without a file."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{index:03}.png" for index in range(100)]
    for path in paths[:99]:
        PilImage.fromarray(rng.integers(1, 255, size=(24, 32, 3), dtype=np.uint8)).save(path)
    for index in (7, 55):
        paths[index].write_bytes(b"no picture")
    return [str(path) for path in paths]
