"""A product with what follows it, by oneDNN where torch has that: what is added is written once, not read again.

``torch.addmm`` first copies the bias, then adds to it; GELU is another pass. On AMD's processors oneDNN's product is
also the faster one by itself. The operators are those that torch's own compiler calls.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(x: Tensor, weight: Tensor, bias: Tensor, *, gelu: bool = False) -> Tensor:
    """``x @ weight.T + bias``, with GELU if asked; (m, k), (n, k) and (n,) to (m, n) on a CPU, float32."""
    if _ONEDNN:
        after, how = ("gelu", "none") if gelu else ("none", "")
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, after, [], how)  # type: ignore[no-any-return]
    product = F.linear(x, weight, bias)
    return torch.ops.aten.gelu_(product) if gelu else product  # type: ignore[no-any-return]


def add_linear(onto: Tensor, x: Tensor, weight: Tensor, bias: Tensor) -> None:
    """Add ``x @ weight.T + bias`` to ``onto`` (m, n), where it lies."""
    if _ONEDNN:
        onto.copy_(torch.ops.mkldnn._linear_pointwise.binary(x, onto, weight, bias, "add"))
    else:
        onto.addmm_(x, weight.T).add_(bias)
