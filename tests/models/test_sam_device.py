"""One rule for devices."""

from __future__ import annotations

import pytest
import torch

from sampipe.errors import DataError
from sampipe.models.device import available_devices, resolve_device


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine with ``request.param`` = (number of CUDA devices, has MPS)."""
    cuda, mps = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [((2, True), "cuda:0"), ((0, True), "mps"), ((0, False), "cpu")],
    indirect=["machine"],
)
def test_auto_takes_the_best(machine: None, wanted: str) -> None:
    assert resolve_device() == torch.device(wanted)


@pytest.mark.parametrize(
    ("machine", "asked", "wanted"),
    [
        ((2, False), "cuda", "cuda:0"),
        ((2, False), "cuda:1", "cuda:1"),
        ((2, False), "cpu", "cpu"),
        ((0, True), "mps:0", "mps"),
        ((0, False), torch.device("cpu", 0), "cpu"),
    ],
    indirect=["machine"],
)
def test_a_device_by_name(machine: None, asked: str, wanted: str) -> None:
    assert resolve_device(asked) == torch.device(wanted)


@pytest.mark.parametrize(
    ("machine", "asked"),
    [((0, False), "cuda"), ((2, False), "cuda:2"), ((0, False), "mps"), ((0, False), "meta")],
    indirect=["machine"],
)
def test_a_device_that_is_not_there(machine: None, asked: str) -> None:
    with pytest.raises(DataError, match=f"'{asked}' was asked for.*{', '.join(available_devices())}"):
        resolve_device(asked)


def test_a_word_that_is_no_device() -> None:
    with pytest.raises(DataError, match="got 'gpu', wanted 'auto' or one of"):
        resolve_device("gpu")
