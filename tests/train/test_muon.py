"""Muon beside AdamW: what a step is, and that training with it goes on where it stopped."""

import pytest
import torch
from torch import nn

from sampipe.train.muon import Muon, orthogonalized


def test_singular_values_become_alike() -> None:
    matrix = torch.randn(64, 24, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.logspace(0, -2, 24))
    for one in (matrix, matrix.T):
        values = torch.linalg.svdvals(orthogonalized(one))
        assert values.max() < 1.3
        assert values.min() > 0.3
        assert torch.linalg.svdvals(one).min() < 0.02 * torch.linalg.svdvals(one).max()


def test_directions_are_kept() -> None:
    rotation = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))[0]
    found = orthogonalized(5 * rotation)
    assert torch.nn.functional.cosine_similarity(found.flatten(), rotation.flatten(), dim=0) > 0.99


def test_what_is_no_matrix_is_stepped_by_adamw() -> None:
    values = [
        torch.randn(40),
        torch.randn(8, 30),
        torch.randn(20, 1, 3, 3),
    ]  # a bias, a thin matrix, depth-wise kernels
    ours, theirs = ([nn.Parameter(value.clone()) for value in values] for _ in range(2))
    groups = [{"params": ours, "weight_decay": 0.05}]
    steppers = Muon(groups, lr=1e-2), torch.optim.AdamW(theirs, lr=1e-2, weight_decay=0.05)
    for turn in range(5):
        for parameters, stepper in zip((ours, theirs), steppers, strict=True):
            generator = torch.Generator().manual_seed(turn)
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            stepper.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


def test_a_kernel_moves_by_adams_step() -> None:
    kernel = nn.Parameter(torch.zeros(32, 16, 3, 3))
    kernel.grad = torch.randn(kernel.shape, generator=torch.Generator().manual_seed(0))
    Muon([{"params": [kernel]}], lr=0.1).step()
    assert kernel.detach().square().mean().sqrt() == pytest.approx(0.1 * 0.2, rel=0.2)


def test_its_state_is_saved() -> None:
    def stepped(times: int, state: dict | None = None, start: torch.Tensor | None = None) -> tuple[nn.Parameter, Muon]:
        weight = nn.Parameter(torch.ones(16, 16) if start is None else start)
        optimizer = Muon([{"params": [weight]}], lr=0.1)
        if state is not None:
            optimizer.load_state_dict(state)
        for _ in range(times):
            weight.grad = weight.detach() + torch.arange(256.0).reshape(16, 16)
            optimizer.step()
        return weight, optimizer

    whole, _ = stepped(4)
    half, optimizer = stepped(2)
    resumed, _ = stepped(2, optimizer.state_dict(), half.detach().clone())
    assert torch.equal(whole, resumed)
