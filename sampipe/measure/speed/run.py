"""The whole benchmark: random weights, contestants, cases in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sampipe._cores import cores
from sampipe.errors import DataError
from sampipe.measure.speed.beside import busy_processes
from sampipe.measure.speed.cases import Case, cases_of, nano_cases
from sampipe.measure.speed.contestants import Contestant, peer_names
from sampipe.measure.speed.first_mask import measure_first_mask
from sampipe.measure.speed.growth import measure_growth
from sampipe.measure.speed.machine import describe_machine, encoder_gflop
from sampipe.measure.speed.measure import Clock, Row, largest_passing, measure
from sampipe.measure.speed.modes import measure_modes
from sampipe.measure.speed.report import Report
from sampipe.measure.speed.weights import config_of, write_random_weights
from sampipe.measure.speed.worker import OURS
from sampipe.models.encoders import ViTConfig

_IMPORTS = {
    "segment_anything": "import segment_anything",
    "ultralytics": "from ultralytics import SAM",
    "transformers": "from transformers import SamModel",
}

_NOT_QUICK = ("openvino_bf16", "transformers_eager")  # another way of a peer that is there: modes has the first


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured, and how.

    Args:
        model: "vit_b", "vit_l", "vit_h", "mobile_sam", or "nano", which has its own weights and no peers.
        stages: of :data:`sampipe.measure.speed.cases.STAGES`.
        peers: names; None for all that are registered, when quick for all but two.
        device: "cpu", "cuda", "mps".
        threads: of each process; None for one a core.
        quick: fewer boxes, masks, rounds and peers, modes of nano: under ten minutes on two cores.
        rounds: how often each contestant is measured; None for 2 when quick, else 5.
        clock: "wall", or "cpu" (processor time) for a machine that does other work as well.
        beside: how many other processes are kept busy meanwhile.
        log: called with what is being done.
    """

    model: str = "vit_b"
    stages: Sequence[str] = ()
    peers: Sequence[str] | None = None
    device: str = "cpu"
    threads: int | None = None
    quick: bool = False
    rounds: int | None = None
    clock: Clock = "wall"
    beside: int = 0
    log: Callable[[str], None] = lambda text: None

    @property
    def times(self) -> int:
        """How often each contestant is measured."""
        return self.rounds or (2 if self.quick else 5)

    def has(self, stage: str) -> bool:
        """Whether a stage is measured."""
        return stage in self.stages


def run_bench(settings: Settings) -> Report:
    """Measure a model with random weights beside its peers; see the module's siblings for how.

    Raises:
        DataError: an unknown stage, model or peer.
    """
    cases = cases_of(settings.stages, quick=settings.quick)
    names = _chosen(settings)
    threads = settings.threads or cores()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / f"random_{settings.model}.pth"
        if settings.model != "nano":
            write_random_weights(settings.model, checkpoint)
        machine = describe_machine(settings.device, threads) | {"beside": settings.beside}
        with busy_processes(settings.beside):
            rows, absent = _compare(settings, names, cases, settings.model, checkpoint, threads)
            if settings.has("first-mask"):
                rows += measure_first_mask(
                    [OURS, *names],
                    model=settings.model,
                    checkpoint=checkpoint,
                    rounds=settings.times,
                    environment={"OMP_NUM_THREADS": str(threads)} if settings.threads else {},
                    log=settings.log,
                )
            if settings.has("nano"):
                small = nano_cases(quick=settings.quick)
                rows += _compare(settings, [], small, "nano", checkpoint, threads)[0]
            # After the contestants have ended: their memory is needed.
            ours = _only_ours(settings, checkpoint, threads) if settings.device == "cpu" else {}
        if settings.quick and settings.peers is None and cases:
            absent |= dict.fromkeys(_NOT_QUICK, "not with --quick")
        floor = _floor(settings.model, rows, machine) if settings.has("encode") else {}
    return Report(
        model=settings.model, rows=rows, extras=floor | ours, absent=absent, clock=settings.clock, machine=machine
    )


def _compare(
    settings: Settings, names: Sequence[str], cases: Sequence[Case], model: str, checkpoint: Path, threads: int
) -> tuple[list[Row], dict[str, str]]:
    """Ours and the peers of ``names`` in all cases; and why some have no rows."""
    if not cases:
        return [], {}
    contestants, rows, tasks = [], [], sorted({"scores", *(case.task for case in cases)})
    with ExitStack() as stack:
        for name in (OURS, *names):
            settings.log(f"loading {name}")
            contestants.append(
                Contestant(
                    name, model=model, checkpoint=checkpoint, device=settings.device, threads=threads, tasks=tasks
                )
            )
            stack.callback(contestants[-1].close)
        if contestants[0].problem is not None:
            raise DataError(f"{model} itself cannot be measured: {contestants[0].problem}")
        for case in cases:
            rows += measure(
                _with_threshold(case, contestants[0]),
                contestants,
                rounds=settings.times,
                clock=settings.clock,
                log=settings.log,
            )
    return rows, {one.name: one.problem for one in contestants if one.problem is not None}


def _chosen(settings: Settings) -> list[str]:
    known = peer_names()
    unknown = [name for name in settings.peers or () if name not in known]
    if unknown:
        raise DataError(f"No peer {unknown[0]!r}. Peers: {', '.join(known)}.")
    if settings.peers is not None:
        return list(settings.peers)
    return [name for name in known if not (settings.quick and name in _NOT_QUICK)]


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
    encoder = config_of(model).image_encoder
    if not isinstance(encoder, ViTConfig):
        return {}
    gflop = encoder_gflop(encoder)
    floor = gflop / machine["gemm_gflops"]
    ours = [row.seconds for row in rows if row.case.key == "encode" and row.who == OURS and row.runs]
    times = {"times_the_gemm_floor": ours[0] / floor} if ours else {}
    return {"encoder": {"products_gflop": gflop, "gemm_floor_seconds": floor, **times}}


def _only_ours(settings: Settings, checkpoint: Path, threads: int) -> dict[str, dict[str, float]]:
    import torch

    from sampipe.measure.speed import local

    torch.set_num_threads(threads)
    quick, log = settings.quick, settings.log
    source = "nano" if settings.model == "nano" else str(checkpoint)
    found: dict[str, dict[str, float]] = {}
    if settings.has("modes"):
        found["modes"] = measure_modes("nano" if quick else source, 1 if quick else 3, log)
    if settings.has("scaling"):
        found["scaling"] = measure_growth(source, quick=quick, log=log)
    if settings.has("nano"):
        found["nano"] = local.measure_nano("cpu", 20 if quick else 200, log)
    if settings.has("pipeline"):
        found["pipeline"] = local.measure_pipeline(source, "cpu", 3 if quick else 10, log)
    if settings.has("graph"):
        log("graph")
        found["graph"] = local.measure_graph() | local.measure_cache(source, "cpu")
    if settings.has("import"):
        log("starting processes")
        installed = {module: words for module, words in _IMPORTS.items() if find_spec(module) is not None}
        found["import"] = local.measure_start(installed, 1 if quick else 3)
    return found
