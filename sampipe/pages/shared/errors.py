"""What a page says when something goes wrong: one sentence; the traceback goes to the terminal."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from sampipe.errors import NodeError, SampipeError
from sampipe.pages.shared.uploads import uploads_folder


class Cancelled(SampipeError):
    """Somebody pressed Cancel, or closed the window."""


P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger("sampipe.pages.shared")


def sentence(error: BaseException) -> str:
    """The reason of an error for a person at a page: of a node that failed, which one and why."""
    if isinstance(error, NodeError) and error.__cause__ is not None:
        return f"{error.node}: {sentence(error.__cause__)}"
    if isinstance(error, SampipeError):
        return _without_places(" ".join(str(error).split())) or type(error).__name__
    if isinstance(error, MemoryError):
        return "There is not enough memory for this; try a smaller image or fewer objects."
    return f"Something went wrong that was not foreseen ({type(error).__name__}); the terminal shows where."


def unless_cancelled(error: Exception) -> Exception:
    """The error to pass on: of a node that was stopped, that it was stopped."""
    cause = error.__cause__ if isinstance(error, NodeError) else None
    return cause if isinstance(cause, Cancelled) else error


def _without_places(text: str) -> str:
    """Uploaded files by their names: where the server keeps them is nobody's business."""
    return re.sub(rf"{re.escape(str(uploads_folder()))}/(\w+/)*", "", text)


@contextmanager
def _told() -> Iterator[None]:
    """Whatever is raised inside leaves as a ``gr.Error`` of one sentence."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(noted(error), duration=12, print_exception=False) from error


def friendly(handler: Callable[P, R]) -> Callable[P, R]:
    """An event handler whose errors are one sentence in a corner of the page. Generators work too."""
    if _is_generator(handler):

        @functools.wraps(handler)
        def stream(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _told():
                yield from handler(*args, **kwargs)  # type: ignore[misc]

        return stream

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _told():
            return handler(*args, **kwargs)

    return call


def answering(function: Callable[P, Any]) -> Callable[P, dict[str, Any]]:
    """A function for a page's JavaScript (``server_functions``): its dict, or ``{"error": sentence}``."""

    @functools.wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            found: dict[str, Any] = function(*args, **kwargs)
        except Exception as error:  # the page shows it; a bare 500 would show nothing
            return {"error": noted(error)}
        return found

    return answer


def noted(error: Exception) -> str:
    """The sentence of an error; of one that was not foreseen the traceback goes to the log."""
    cause = error.__cause__ if isinstance(error, NodeError) else error
    if not isinstance(cause, SampipeError):
        _log.error("a page's request failed", exc_info=error)
    return sentence(error)


def _is_generator(handler: Callable[..., Any]) -> bool:
    import inspect

    return inspect.isgeneratorfunction(inspect.unwrap(handler))
