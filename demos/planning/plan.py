"""What a run over very many images takes: time, storage, network, money, and what ends first.

    sampipe bench --model nano --stages encode,decode,postprocess --peers none --json bench.json
    sampipe run graph.yaml SOME_OF_THE_IMAGES --out pilot --save none
    python demos/planning/plan.py pilot pilot --json pilot.json
    python demos/planning/plan.py plan --bench bench.json --pilot pilot.json --images 100e6 --workers 64 --price 2.5

A worker is what the bench ran on: one GPU (``--device cuda``), or one processor. Everything else is measured on the
pilot job, on this machine.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MILLION, HOUR, DAY = 1e6, 3600.0, 86400.0


@dataclass(frozen=True)
class Pilot:
    """A small job, by image.

    Args:
        images: that it had.
        objects: masks an image.
        input_bytes: of a file as it lies in storage.
        rle_bytes: of the run lengths alone.
        row_bytes: of a row in Parquet, everything in it.
        open_seconds: of a processor, to read and decode an image.
        row_seconds: of a processor, to write a row.
        embedding_bytes: in memory and, if one keeps them, on disk.
        manifest_bytes: of the driver's memory for an image of the manifest.
    """

    images: int
    objects: float
    input_bytes: float
    rle_bytes: float
    row_bytes: float
    open_seconds: float
    row_seconds: float
    embedding_bytes: int
    manifest_bytes: float


@dataclass(frozen=True)
class Cluster:
    """What there is, and what it costs.

    Args:
        workers: that hold the graph.
        readers: threads beside each that read and decode.
        price: of a worker for an hour.
        storage_gb_per_s: that the storage gives to all workers together.
        network_gb_per_s: that a worker's machine gets.
        requests_per_s: files that the storage opens for all.
        other_seconds: of a worker for what the graph does beside the model: a detector, cleaning.
    """

    workers: int = 8
    readers: int = 4
    price: float = 2.5
    storage_gb_per_s: float = 5.0
    network_gb_per_s: float = 1.25
    requests_per_s: float = 5500.0
    other_seconds: float = 0.0


def measure(folder: Path, *, model: str = "nano", at_most: int = 50) -> Pilot:
    """Look at a finished job and do a little of its work again, timed."""
    import pyarrow as pa

    from sampipe.jobs import read_manifest, read_rows, row_schema
    from sampipe.jobs.shards import shard_files, write_shard
    from sampipe.types import Image
    from sampipe.types.sources import read_source

    rows = [row for row in read_rows(folder / "rows") if row["error"] is None]
    outputs = [name for name, value in rows[0].items() if isinstance(value, list)]
    masks = [one for row in rows for name in outputs for one in row[name]]
    entries = read_manifest(folder / "manifest.parquet")[:at_most]
    sizes = [len(read_source(entry.path)) for entry in entries]
    began = time.process_time()
    for entry in entries:
        Image.from_bytes(read_source(entry.path), source=entry.path)
    opened = time.process_time() - began
    began = time.process_time()
    write_shard(pa.Table.from_pylist(rows, schema=row_schema(outputs)), folder / "again.parquet")
    written = time.process_time() - began
    (folder / "again.parquet").unlink()
    return Pilot(
        images=len(rows),
        objects=len(masks) / len(rows),
        input_bytes=sum(sizes) / len(sizes),
        rle_bytes=sum(len(one["counts"]) for one in masks) / len(rows),
        row_bytes=sum(file.stat().st_size for file in shard_files(folder / "rows")) / len(rows),
        open_seconds=opened / len(entries),
        row_seconds=written / len(rows),
        embedding_bytes=_embedding_bytes(model),
        manifest_bytes=_manifest_bytes(),
    )


def _embedding_bytes(model: str) -> int:
    """Measured for the embedded model; for the others 256 x 64 x 64 floats (paper, section 3)."""
    if model != "nano":
        return 256 * 64 * 64 * 4
    import numpy as np

    from sampipe import Image, load_model

    return int(load_model("nano", "cpu").encode([Image(np.zeros((64, 64, 3), np.uint8))])[0].nbytes)


def _manifest_bytes(count: int = 100_000) -> float:
    """Memory of a manifest's entries in Python, by one."""
    import tracemalloc

    from sampipe.jobs import Entry

    tracemalloc.start()
    entries = [Entry(f"s3://bucket/folder/{i:012}.jpg", f"{i:032x}", f"{i:012}") for i in range(count)]
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return used / len(entries)


def stages(bench: dict[str, Any], pilot: Pilot, cluster: Cluster) -> dict[str, float]:
    """Seconds an image of each stage: of the worker's device by the bench, of one thread by the pilot."""
    summary = bench["summary"]
    counts = {int(key.rpartition("_")[2]): key for key in summary if re.fullmatch(r"decode_\d+", key)}
    nearest = min(counts, key=lambda count: abs(count - max(1.0, pilot.objects)))
    packed = next(row for row in bench["rows"] if row["case"] == "postprocess" and "seconds" in row)
    return {
        "open": pilot.open_seconds,
        "encode": summary["encode"]["seconds"],
        "decode": summary[counts[nearest]]["seconds"] / nearest * pilot.objects,
        "run lengths": packed["seconds"] / int(packed["title"].split()[0]) * pilot.objects,
        "other nodes": cluster.other_seconds,
        "row": pilot.row_seconds,
    }


def limits(seconds: dict[str, float], pilot: Pilot, cluster: Cluster) -> dict[str, float]:
    """Images a second at which each part of the cluster is full."""
    n = cluster.workers
    device = sum(seconds[name] for name in ("encode", "decode", "run lengths", "other nodes"))
    out = pilot.row_bytes
    return {
        "workers (encode ... other nodes)": n / device,
        "reader threads": n * cluster.readers / seconds["open"],
        "writer threads": n / seconds["row"],
        "network of the machines": n * cluster.network_gb_per_s * 1e9 / (pilot.input_bytes + out),
        "storage, bytes": cluster.storage_gb_per_s * 1e9 / (pilot.input_bytes + out),
        "storage, files": cluster.requests_per_s,
    }


def report(bench: dict[str, Any], pilot: Pilot, cluster: Cluster, images: float) -> str:
    """The plan, as text."""
    seconds = stages(bench, pilot, cluster)
    rates = limits(seconds, pilot, cluster)
    first = min(rates, key=rates.__getitem__)
    rate = rates[first]
    hours = images / rate / HOUR
    lines = [f"{images:,.0f} images, {cluster.workers} workers of {bench['model']} as benched", ""]
    lines += [f"  {name:<12} {1e3 * value:10.3f} ms an image" for name, value in seconds.items()]
    lines += ["", "images/s at which it is full"]
    lines += [f"  {name:<38} {value:12,.0f}{'  <- first' if name == first else ''}" for name, value in rates.items()]
    lines += [
        "",
        f"  time       {images / rate / DAY:10.2f} days at {rate:,.0f} images/s",
        f"  read       {rate * pilot.input_bytes / 1e6:10,.1f} MB/s of {images * pilot.input_bytes / 1e12:,.2f} TB",
        f"  write      {rate * pilot.row_bytes / 1e6:10,.1f} MB/s of {images * pilot.row_bytes / 1e12:,.2f} TB of rows"
        f" ({pilot.rle_bytes:,.0f} of {pilot.row_bytes:,.0f} bytes an image are run lengths)",
        f"  embeddings {images * pilot.embedding_bytes / 1e12:10,.1f} TB if all were kept"
        f" ({pilot.embedding_bytes / 1e6:.2f} MB each)",
        f"  cost       {hours * cluster.workers * cluster.price / (images / MILLION):10,.2f} a million images"
        f" at {cluster.price:g} a worker and hour",
        f"  manifest   {MILLION * pilot.manifest_bytes / 1e9:10.2f} GB of the driver's memory a million images"
        f": {max(1, round(images * pilot.manifest_bytes / 8e9))} jobs of 8 GB",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    pilot = commands.add_parser("pilot", help="measure a finished job")
    pilot.set_defaults(act=_pilot)
    pilot.add_argument("job", type=Path)
    pilot.add_argument("--model", default="nano")
    pilot.add_argument("--json", type=Path, required=True)
    plan = commands.add_parser("plan", help="compute")
    plan.set_defaults(act=_plan)
    plan.add_argument("--bench", type=Path, required=True)
    plan.add_argument("--pilot", type=Path, required=True)
    plan.add_argument("--images", type=float, default=100e6)
    for name, value in asdict(Cluster()).items():
        plan.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    arguments = parser.parse_args()
    arguments.act(arguments)


def _pilot(arguments: argparse.Namespace) -> None:
    found = asdict(measure(arguments.job, model=arguments.model))
    arguments.json.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    print(json.dumps(found, indent=1))


def _plan(arguments: argparse.Namespace) -> None:
    bench = json.loads(arguments.bench.read_text())
    pilot = Pilot(**json.loads(arguments.pilot.read_text()))
    cluster = Cluster(**{name: getattr(arguments, name) for name in asdict(Cluster())})
    print(report(bench, pilot, cluster, arguments.images))


if __name__ == "__main__":
    main()
