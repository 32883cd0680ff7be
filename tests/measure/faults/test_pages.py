"""The pages about reliability, planning and security say what commands print and what is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from test_readme import read_blocks, words

from sampipe.measure.faults import TRIALS

ROOT = Path(__file__).parents[3]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_plan_is_what_the_script_computes() -> None:
    """All of its figures come from two files that lie beside the script."""
    (block,) = [one for one in read_blocks(text_of("docs/planning.md")) if one.output is not None]
    command = [sys.executable, *shlex.split(block.body.replace("\\\n", " "))[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == block.output


def test_a_pilot_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "demos" / "planning"))
    import plan

    from sampipe.measure.faults.images import write_images
    from sampipe.measure.faults.jobs import prepare
    from sampipe.measure.faults.worker import job_of

    folder = prepare(tmp_path / "job", write_images(tmp_path / "pictures", 6))
    job_of(folder).run()
    pilot = plan.measure(folder, model="vit_b")
    sizes = [file.stat().st_size for file in (tmp_path / "pictures").iterdir()]
    assert (pilot.images, pilot.objects, pilot.input_bytes) == (6, 2, sum(sizes) / 6)
    assert pilot.rle_bytes > 0 and pilot.embedding_bytes == 4 * 256 * 64 * 64
    assert 100 < pilot.manifest_bytes < 1000


def test_what_is_full_first_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "demos" / "planning"))
    import plan

    pilot = plan.Pilot(24, 2.0, 1e6, 100, 1e6, 0.01, 0.001, 4, 300)
    bench = {
        "model": "vit_b",
        "summary": {"encode": {"seconds": 0.1}, "decode_1": {"seconds": 0.02}, "decode_16": {"seconds": 0.16}},
        "rows": [{"case": "postprocess", "title": "200 masks to RLE", "seconds": 1.0}],
    }
    seconds = plan.stages(bench, pilot, plan.Cluster())
    assert seconds == pytest.approx(
        {"open": 0.01, "encode": 0.1, "decode": 0.04, "run lengths": 0.01, "other nodes": 0, "row": 0.001}
    )
    for cluster, first, rate in (
        (plan.Cluster(workers=3), "workers", 3 / 0.15),
        (plan.Cluster(workers=3, storage_gb_per_s=0.02), "storage, bytes", 10),
        (plan.Cluster(workers=3, network_gb_per_s=0.002), "network", 3),
        (plan.Cluster(workers=3, requests_per_s=2), "storage, files", 2),
    ):
        rates = plan.limits(seconds, pilot, cluster)
        name = min(rates, key=rates.__getitem__)
        assert name.startswith(first) and rates[name] == pytest.approx(rate)
        assert f"{name:<38} {rate:12,.0f}  <- first" in plan.report(bench, pilot, cluster, 1e6)


def test_the_selftest_prints_what_the_page_says() -> None:
    block = read_blocks(text_of("docs/reliability.md"))[0]
    command = [sys.executable, "-m", "sampipe.cli", *block.body.split()[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert block.output is not None and words(done.stdout) == words(block.output)


def test_every_trial_is_on_the_page_and_security_names_trials() -> None:
    names = {trial.name for trial in TRIALS}
    page = text_of("docs/reliability.md")
    assert [name for name in sorted(names) if not re.search(rf"^\| `?{name}`? \|", page, re.MULTILINE)] == []
    named = re.findall(r"--only ([\w,]+)", text_of("SECURITY.md"))
    assert {word for words_ in named for word in words_.split(",")} <= names


def test_the_lock_holds_every_dependency_with_its_digests() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")

    locked = {}
    for entry in re.split(r"\n(?=\S)", text_of("requirements.lock").strip()):
        name, _, version = entry.split()[0].partition("==")
        assert "--hash=sha256:" in entry, f"{name} has no digest"
        locked[name] = version
    for line in tomllib.loads(text_of("pyproject.toml"))["project"]["dependencies"]:
        wanted = Requirement(line)
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        assert locked[name] in wanted.specifier, f"{wanted}: the lock has {locked[name]}; make it anew (SECURITY.md)"


def test_the_container_is_without_rights_and_without_a_network() -> None:
    container = text_of("Containerfile")
    assert "--require-hashes" in container and "SAMPIPE_OFFLINE=1" in container
    users = [line for line in container.splitlines() if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]
    assert "--network none --read-only" in container
