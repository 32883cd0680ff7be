"""Graphs on a Ray cluster: as an engine of jobs, and over datasets of one's own.

::

    sampipe run graph.yaml FOLDER --out OUT --engine ray --actors 1:8 --actor-gpus 1

    import sampipe.jobs.ray
    rows = sampipe.jobs.ray.apply(ray.data.read_parquet("images.parquet"), graph)

Importing this does not import ray: a cluster of one's own gets a password, which ray wants to know before that.
"""

from sampipe.jobs.ray.dataset import apply
from sampipe.jobs.ray.engine import RayEngine
from sampipe.jobs.ray.pool import Pool

__all__ = ["Pool", "RayEngine", "apply"]
