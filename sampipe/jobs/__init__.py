"""Jobs that can be trusted: many images through a graph, one row each, nothing lost and nothing twice.

A job is a folder::

    manifest.parquet       what goes in: path or URL, digest, name
    job.json               the fingerprint: graph, weights, parameters; a job resumes only with the same
    rows/part-00000.parquet ...   what came out: one row for each row of the manifest
    annotations.json, *.overlay.png ...   the exports that were asked for

Rows are the truth; the exports about all images are made of them at the end.
"""

from sampipe.jobs.begin import begin
from sampipe.jobs.job import Job, JobEngine, JobState, Progress
from sampipe.jobs.manifest import Entry, read_manifest, write_manifest
from sampipe.jobs.rows import error_row, masks_of_row, result_row, row_schema
from sampipe.jobs.shards import read_rows

__all__ = [
    "Entry",
    "Job",
    "JobEngine",
    "JobState",
    "Progress",
    "begin",
    "error_row",
    "masks_of_row",
    "read_manifest",
    "read_rows",
    "result_row",
    "row_schema",
    "write_manifest",
]
