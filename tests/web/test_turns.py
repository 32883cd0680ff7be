"""At most one inference at a time on a device, whoever asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sampipe.errors import DataError
from sampipe.web import Turns


def test_eight_threads_never_meet_inside() -> None:
    turns, inside, met = Turns(), [0], []

    def work(_: int) -> None:
        with turns.turn("cpu"):
            inside[0] += 1
            met.append(inside[0])
            threading.Event().wait(0.005)
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert met == [1] * 24
    assert turns.waiting() == 0


def test_who_waits_is_counted_and_too_many_are_refused() -> None:
    turns, go, began = Turns(most_waiting=1), threading.Event(), threading.Event()

    def hold() -> None:
        with turns.turn("cpu"):
            began.set()
            go.wait(10)

    def follow() -> None:
        with turns.turn("cpu"):
            pass

    first = threading.Thread(target=hold)
    first.start()
    assert began.wait(10)
    second = threading.Thread(target=follow)
    second.start()
    while turns.waiting() < 2:
        threading.Event().wait(0.005)
    with pytest.raises(DataError, match="try again in a moment"), turns.turn("cpu"):
        raise AssertionError("a third one got in")
    go.set()
    first.join(10)
    second.join(10)
    assert turns.waiting() == 0


def test_an_error_inside_gives_the_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ValueError), turns.turn("auto"):
        raise ValueError
    with turns.turn("auto"):
        assert turns.waiting() == 1
