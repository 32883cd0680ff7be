"""Graphs on a Ray cluster: as an engine of jobs, and over datasets of one's own.

::

    sampipe run graph.yaml FOLDER --out OUT --engine ray --actors 1:8 --actor-gpus 1

    import sampipe.ray
    rows = sampipe.ray.apply(ray.data.read_parquet("images.parquet"), graph)

Importing this does not import ray: a cluster of one's own gets a password, which ray wants to know before that.
"""

from sampipe.ray.dataset import apply
from sampipe.ray.engine import RayEngine
from sampipe.ray.pool import Pool

__all__ = ["Pool", "RayEngine", "apply"]
