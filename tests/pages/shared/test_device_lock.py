"""At most one inference at a time on a device, whoever asks; clicks before long runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sampipe.errors import DataError
from sampipe.pages.shared import DeviceLock, device_lock, requests_waiting


def wait_until_waiting(lock: DeviceLock, count: int) -> None:
    while lock.waiting() < count:
        threading.Event().wait(0.005)


def test_eight_threads_never_meet_inside() -> None:
    lock, inside, met = DeviceLock(), [0], []

    def work(number: int) -> None:
        with lock.hold(background=number % 2 == 0):
            inside[0] += 1
            met.append(inside[0])
            threading.Event().wait(0.005)
            lock.give_way() if number % 2 == 0 else None
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [1] * 24))
    assert met == [1] * 24
    assert lock.waiting() == 0


def test_a_click_overtakes_a_long_run_and_what_waits_before_it() -> None:
    lock, order, began, proceed = DeviceLock(), [], threading.Event(), threading.Event()

    def long_run(name: str) -> None:
        with lock.hold(background=True):
            order.append(f"{name} begins")
            began.set()
            proceed.wait(60)
            lock.give_way()
            order.append(f"{name} ends")

    def click() -> None:
        with lock.hold():
            order.append("click")

    threads = [threading.Thread(target=long_run, args=("first",))]
    threads[0].start()
    assert began.wait(60)
    for count, make in enumerate(
        (lambda: threading.Thread(target=long_run, args=("second",)), lambda: threading.Thread(target=click))
    ):
        threads.append(make())
        threads[-1].start()
        wait_until_waiting(lock, count + 2)
    proceed.set()
    for thread in threads:
        thread.join(60)
    assert order == ["first begins", "click", "first ends", "second begins", "second ends"]


def test_who_waits_is_counted_and_too_many_are_refused() -> None:
    lock, go, began = DeviceLock(most_waiting=1), threading.Event(), threading.Event()

    def hold() -> None:
        with lock.hold():
            began.set()
            go.wait(60)

    first, second = threading.Thread(target=hold), threading.Thread(target=hold)
    first.start()
    assert began.wait(60)
    second.start()
    wait_until_waiting(lock, 2)
    with pytest.raises(DataError, match="try again soon"), lock.hold():
        raise AssertionError("a third one got in")
    go.set()
    first.join(60)
    second.join(60)
    assert lock.waiting() == 0


def test_an_error_inside_frees_the_device() -> None:
    with pytest.raises(ValueError), device_lock("auto"):
        raise ValueError
    with device_lock("auto"):
        assert requests_waiting() == 1
