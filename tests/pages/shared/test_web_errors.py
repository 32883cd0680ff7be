"""What a page says when something goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gradio as gr
import pytest

from sampipe.errors import DataError, NodeError
from sampipe.pages.shared import answering, friendly, sentence


def test_foreseen_errors_are_their_sentence_and_others_do_not_leak() -> None:
    assert sentence(DataError("too\n large")) == "too large"
    failed = NodeError("long story", node="detect")
    failed.__cause__ = DataError("no weights")
    assert sentence(failed) == "detect: no weights"
    assert "/root/secret" not in sentence(KeyError("/root/secret"))
    assert "KeyError" in sentence(KeyError("x"))


def test_handlers_raise_gradio_errors_and_generators_too(caplog: pytest.LogCaptureFixture) -> None:
    @friendly
    def fails() -> None:
        raise ZeroDivisionError

    @friendly
    def counts() -> Iterator[int]:
        yield 1
        raise DataError("enough")

    with caplog.at_level(logging.ERROR, "sampipe.pages.shared"), pytest.raises(gr.Error, match="ZeroDivisionError"):
        fails()
    assert "ZeroDivisionError" in caplog.text
    given = counts()
    assert next(given) == 1
    with pytest.raises(gr.Error, match="enough"):
        next(given)


def test_functions_of_the_page_answer_with_the_error() -> None:
    @answering
    def half(data: dict[str, int]) -> dict[str, int]:
        if data["n"] % 2:
            raise DataError("odd")
        return {"n": data["n"] // 2}

    assert half({"n": 4}) == {"n": 2}
    assert half({"n": 3}) == {"error": "odd"}
