"""The whole benchmark: random weights, contestants, cases in turns."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sampipe.bench.cases import Case, cases_of
from sampipe.bench.contestants import Contestant, peer_names
from sampipe.bench.growth import measure_growth
from sampipe.bench.machine import describe_machine, encoder_gflop
from sampipe.bench.measure import Clock, Row, largest_passing, measure
from sampipe.bench.modes import measure_modes
from sampipe.bench.report import Report
from sampipe.bench.worker import OURS
from sampipe.errors import DataError
from sampipe.models.config import ViTConfig

_IMPORTS = {
    "segment_anything": "import segment_anything",
    "ultralytics": "from ultralytics import SAM",
    "transformers": "from transformers import SamModel",
}

_NOT_QUICK = ("openvino_bf16", "transformers_eager")  # another way of a peer that is there: modes has the first


def run_bench(
    model: str = "vit_b",
    *,
    stages: Sequence[str],
    peers: Sequence[str] | None = None,
    device: str = "cpu",
    threads: int | None = None,
    quick: bool = False,
    rounds: int | None = None,
    clock: Clock = "wall",
    tell: Callable[[str], None] = lambda text: None,
) -> Report:
    """Measure ``model`` with random weights beside its peers; see the module's siblings for how.

    Args:
        model: "vit_b", "vit_l", "vit_h", "mobile_sam", or "nano", which has its own weights and no peers.
        stages: of :data:`sampipe.bench.cases.STAGES`.
        peers: names; None for all that are registered, when quick for all but two.
        device: "cpu", "cuda", "mps".
        threads: of each process; None for one a core.
        quick: fewer boxes, masks, rounds and peers, modes of nano: under ten minutes on two cores.
        rounds: how often each contestant is measured; None for 2 when quick, else 5.
        clock: "wall", or "cpu" (processor time) for a machine that does other work as well.
        tell: told what is being done.

    Raises:
        DataError: an unknown stage, model or peer.
    """
    threads = threads or os.cpu_count() or 1
    cases = cases_of(stages, quick=quick)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / f"random_{model}.pth"
        if model != "nano":
            _write(model, checkpoint)
        how = {"model": model, "checkpoint": checkpoint, "device": device, "threads": threads}
        names = _chosen(peers, quick=quick)
        rows, absent = _contest(names, how, cases, rounds=rounds or (2 if quick else 5), clock=clock, tell=tell)
        if quick and peers is None and cases:
            absent |= dict.fromkeys(_NOT_QUICK, "not with --quick")
        machine = describe_machine(device, threads)
        extras = _floor(model, rows, machine) if "encode" in stages else {}
        if device == "cpu":  # after the contestants have ended: their memory is needed
            extras |= _only_ours(stages, model, checkpoint, threads=threads, quick=quick, tell=tell)
    return Report(model=model, rows=rows, extras=extras, absent=absent, clock=clock, machine=machine)


def _contest(
    names: Sequence[str],
    how: dict[str, Any],
    cases: Sequence[Case],
    *,
    rounds: int,
    clock: Clock,
    tell: Callable[[str], None],
) -> tuple[list[Row], dict[str, str]]:
    """Ours and the peers of ``names``, begun as ``how`` says, in all cases; and why some have no rows."""
    if not cases:
        return [], {}
    contestants, rows, tasks = [], [], sorted({"scores", *(case.task for case in cases)})
    with ExitStack() as stack:
        for name in (OURS, *names):
            tell(f"loading {name}")
            contestants.append(Contestant(name, tasks=tasks, **how))
            stack.callback(contestants[-1].close)
        if contestants[0].problem is not None:
            raise DataError(f"{how['model']} itself cannot be measured: {contestants[0].problem}")
        for case in cases:
            rows += measure(_with_threshold(case, contestants[0]), contestants, rounds=rounds, clock=clock, tell=tell)
    return rows, {one.name: one.problem for one in contestants if one.problem is not None}


def _write(model: str, checkpoint: Path) -> None:
    from sampipe.bench.weights import write_random_weights

    write_random_weights(model, checkpoint)


def _chosen(peers: Sequence[str] | None, *, quick: bool) -> list[str]:
    known = peer_names()
    unknown = [name for name in peers or () if name not in known]
    if unknown:
        raise DataError(f"No peer {unknown[0]!r}. Peers: {', '.join(known)}.")
    return [name for name in known if not (quick and name in _NOT_QUICK)] if peers is None else list(peers)


def _with_threshold(case: Case, ours: Contestant) -> Case:
    """Everything: the share of candidates that shall pass becomes the predicted IoU that so many reach."""
    if case.task != "everything":
        return case
    options = dict(case.options)
    keep = options.pop("keep")
    options["iou"] = -1e9 if keep >= 1 else largest_passing(ours, dict(options), keep)
    return replace(case, options=options)


def _floor(model: str, rows: Sequence[Row], machine: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """What the paper's encoder's matrix products alone would take at the rate that this machine reaches."""
    from sampipe.bench.weights import config_of

    encoder = config_of(model).image_encoder
    if not isinstance(encoder, ViTConfig):
        return {}
    gflop = encoder_gflop(encoder)
    floor = gflop / machine["gemm_gflops"]
    ours = [row.seconds for row in rows if row.case.task == "encode" and row.who == OURS and row.runs]
    times = {"times_the_gemm_floor": ours[0] / floor} if ours else {}
    return {"encoder": {"products_gflop": gflop, "gemm_floor_seconds": floor, **times}}


def _only_ours(
    stages: Sequence[str], model: str, checkpoint: Path, *, threads: int, quick: bool, tell: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    import torch

    from sampipe.bench import local

    torch.set_num_threads(threads)

    source = "nano" if model == "nano" else str(checkpoint)
    found: dict[str, dict[str, float]] = {}
    if "modes" in stages:
        found["modes"] = measure_modes("nano" if quick else source, 1 if quick else 3, tell)
    if "scaling" in stages:
        found["scaling"] = measure_growth(source, quick=quick, tell=tell)
    if "pipeline" in stages:
        found["pipeline"] = local.measure_pipeline("nano", "cpu", 20 if quick else 200, tell)
        if model != "nano" and not quick:
            found[f"pipeline {model}"] = local.measure_pipeline(source, "cpu", 10, tell)
    if "graph" in stages:
        tell("graph")
        found["graph"] = local.measure_graph() | local.measure_cache(source, "cpu")
    if "import" in stages:
        tell("starting processes")
        installed = {module: words for module, words in _IMPORTS.items() if find_spec(module) is not None}
        found["import"] = local.measure_start(local.start_commands(installed), runs=1 if quick else 3)
    return found
