"""What holds for every command: quick help, exit codes, one line for an error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from sampipe import __version__
from sampipe.cli._root import RootGroup, reason
from sampipe.errors import CheckpointError, NodeError


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.process_time()\n"
        "from sampipe.cli import main\n"
        "sys.argv = ['sampipe', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "import json\n"
        "heavy = ['torch', 'numpy', 'PIL', 'supervision', 'skimage', 'pycocotools', 'pydantic']\n"
        "seconds = time.process_time() - start\n"
        "print('\\n' + json.dumps([seconds, [name for name in heavy if name in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, heavy = json.loads(done.stdout.splitlines()[-1])
    assert "segment" in done.stdout
    assert heavy == []
    assert seconds < 1


def test_every_command_has_help(sampipe: Callable[..., Result]) -> None:
    for words in ("segment", "run", "check", "draw", "nodes", "models", "doctor", "eval", "eval boxes", "train sam"):
        assert "Usage: sampipe" in sampipe(*words.split(), "--help").output


def test_version(sampipe: Callable[..., Result]) -> None:
    assert sampipe("--version").stdout == f"sampipe {__version__}\n"


@pytest.mark.parametrize("words", ["segmint", "segment --nonsense x", "check", "run only.yaml"])
def test_usage_errors_exit_with_2(sampipe: Callable[..., Result], words: str) -> None:
    assert sampipe(*words.split(), ok=False).exit_code == 2


def failing(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=RootGroup)

    @app.callback()
    def root(debug: bool = typer.Option(False, "--debug")) -> None: ...

    @app.command()
    def fail(word: str = "") -> None:
        raise error

    return app


def invoke(error: BaseException, *words: str) -> Result:
    return CliRunner().invoke(failing(error), list(words))


def node_error(cause: Exception) -> NodeError:
    error = NodeError(f"'segment' (Segment()) failed on x.png: {cause}", node="segment")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CheckpointError("no such\n  file"), "error: no such file"),
        (FileExistsError(17, "File exists", "out"), "error: [Errno 17] File exists: 'out'"),
        (node_error(CheckpointError("bad weights")), "error: bad weights"),
        (node_error(KeyError("x")), "error: 'segment' (Segment()) failed on x.png: 'x'"),
        (KeyError("x"), "error: unexpected KeyError: 'x' (--debug shows where)"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(error: Exception, line: str) -> None:
    result = invoke(error, "fail")
    assert (result.stderr, result.stdout, result.exit_code) == (f"{line}\n", "", 1)


def test_an_error_without_words_says_its_type() -> None:
    assert reason(OSError()) == "OSError"


@pytest.mark.parametrize("words", [("--debug", "fail"), ("fail", "--debug"), ("fail", "--word", "x", "--debug")])
def test_debug_raises_wherever_it_stands(words: tuple[str, ...]) -> None:
    error = CheckpointError("no such file")
    assert invoke(error, *words).exception is error


def test_debug_after_two_dashes_is_a_word() -> None:
    assert invoke(CheckpointError("x"), "fail", "--", "--debug").exit_code == 2


def test_a_warning_is_one_line_too() -> None:
    code = (
        "import warnings; from sampipe.cli import app\n"
        "@app.command()\n"
        "def warn(): warnings.warn('two\\n  lines')\n"
        "app(['warn'])"
    )
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "warning: two lines\n")


def test_ctrl_c_exits_with_130_and_one_word() -> None:
    result = invoke(KeyboardInterrupt(), "fail")
    assert (result.stderr, result.exit_code) == ("interrupted\n", 130)


def test_an_error_of_a_real_command_shows_no_traceback() -> None:
    command = [sys.executable, "-m", "sampipe.cli", "check", "missing.yaml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "missing.yaml" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
