"""Many writers on one folder, and writers that are killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from annotate_squares import HW, square

from sampipe.pages.label.instances import Instances
from sampipe.pages.label.merge import Put
from sampipe.pages.label.project import Project

WRITER = """
import sys
from pathlib import Path
from annotate_squares import HW, square
from sampipe.pages.label.instances import Instances
from sampipe.pages.label.merge import Put
from sampipe.pages.label.project import Project
project, count = Project(sys.argv[1]), int(sys.argv[2])
instances = Instances(project)
print("ready", flush=True)
sys.stdin.readline()
for index in range(count):
    image = project.images[index % len(project.images)]
    project.change(image, HW, Put(square(index % 50, index % 30, label=sys.argv[3])))
    instances.write()
    print(index, flush=True)
"""


def start_writer(folder: Path, count: int, label: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(count), label]
    return subprocess.Popen(
        command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def go(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("\n")
    writer.stdin.flush()


def test_threads_and_processes_lose_nothing(folder: Path) -> None:
    project = Project(folder)
    writers = [start_writer(folder, 12, label) for label in ("one", "two")]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:
        go(writer)

    def put(index: int) -> None:
        Project(folder).change(project.images[index % 3], HW, Put(square(index, index, label="three")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(12)))
    for writer in writers:
        writer.communicate(timeout=300)
        assert writer.returncode == 0
    labels = [mask.label for file in project.images for mask in project.read(file).masks]
    assert {label: labels.count(label) for label in labels} == {"one": 12, "two": 12, "three": 12}
    assert set(project.labels) == {"one", "two", "three"}
    Instances(project).write()
    assert len(json.loads((folder / "instances.json").read_text())["annotations"]) == 36


def test_a_killed_writer_leaves_whole_files_with_everything_that_it_had_saved(folder: Path) -> None:
    dice = random.Random(0)
    saved = 0
    for _ in range(4):
        writer = start_writer(folder, 10_000, "thing")
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        go(writer)
        time.sleep(dice.uniform(0.05, 0.4))
        writer.send_signal(signal.SIGKILL)
        said, _ = writer.communicate(timeout=300)
        saved += len([line for line in said.splitlines(keepends=True) if line.endswith("\n")])
        for file in [*folder.glob("*.json"), *(folder / "annotations").glob("*.json")]:
            json.loads(file.read_text())
        project = Project(folder)
        count = sum(len(project.read(file).masks) for file in project.images)
        assert count >= saved
        saved = count
        Instances(project).write()
        assert len(json.loads((folder / "instances.json").read_text())["annotations"]) == count
    assert saved > 10
