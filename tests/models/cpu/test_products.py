"""Products with what follows them are the plain layers, with oneDNN and without it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sampipe.models.cpu import products


@pytest.fixture(params=[True, False], ids=["oneDNN", "plain"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not products._ONEDNN:
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "_ONEDNN", request.param)


@pytest.mark.parametrize("gelu", [False, True])
@torch.inference_mode()
def test_linear(gelu: bool) -> None:
    x, weight, bias = torch.randn(70, 48), torch.randn(96, 48), torch.randn(96)
    plain = F.linear(x, weight, bias)
    torch.testing.assert_close(products.linear(x, weight, bias, gelu=gelu), F.gelu(plain) if gelu else plain)


@torch.inference_mode()
def test_add_linear_changes_what_it_is_given() -> None:
    whole, x, weight, bias = torch.randn(80, 96), torch.randn(70, 48), torch.randn(96, 48), torch.randn(96)
    plain = whole[5:75] + F.linear(x, weight, bias)
    products.add_linear(whole[5:75], x, weight, bias)
    torch.testing.assert_close(whole[5:75], plain)
