"""How every command ends: exit codes, one-line reasons, tracebacks only on ``--debug``."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

STARTED = time.perf_counter()
"""When the command line began to load."""
FAILED = 1
INTERRUPTED = 130


class RootGroup(TyperGroup):
    """The ``sampipe`` command: turns whatever a command raises into one line on stderr and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let ``--debug`` stand anywhere on the line; people add it to a command that has just failed."""
        end = args.index("--") if "--" in args else len(args)
        if "--debug" in args[:end]:
            args = ["--debug", *(word for word in args[:end] if word != "--debug"), *args[end:]]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with warnings.catch_warnings():
            if not ctx.params.get("debug"):
                warnings.showwarning = _log_warning
            return self._invoke(ctx)

    def _invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if ctx.params.get("debug"):
                raise
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            belongs_to_typer = hasattr(error, "exit_code") or isinstance(error, typer.Abort | BrokenPipeError)
            if belongs_to_typer or ctx.params.get("debug"):
                raise
            print(f"error: {reason(error)}", file=sys.stderr)
            raise typer.Exit(FAILED) from None


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, without the code it comes from."""
    print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)


def reason(error: BaseException) -> str:
    """What went wrong, on one line: of a node that failed, why. What sampipe did not foresee says so."""
    from sampipe.errors import NodeError, SampipeError

    foreseen = (SampipeError, OSError)
    if isinstance(error, NodeError) and isinstance(error.__cause__, foreseen):
        return reason(error.__cause__)
    message = " ".join(str(error).split())
    if isinstance(error, foreseen):
        return message or type(error).__name__
    return f"unexpected {type(error).__name__}: {message} (--debug shows where)"
