"""ReLU and LayerNorm in one pass on the CPU: apart, they are a third of an epoch of GCN on Cora."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from wis.baselines.gnn.arrays import arrays, like, sums


def relu_norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """``norm(x.relu())`` for ``x`` ``[n, d]`` on the CPU, differentiable in ``x`` and the norm's weights. O(n d)."""
    return _ReluNorm.apply(x, norm.weight, norm.bias, norm.eps)


class _ReluNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        x = x.contiguous()
        out, moments = torch.empty_like(x), x.new_empty(2, len(x))
        _forward(*arrays(x, weight, bias, out, moments), like(x, eps), like(x, 1 / x.shape[1]))
        ctx.save_for_backward(x, weight, moments)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, moments = ctx.saved_tensors
        results = torch.empty_like(x), torch.zeros_like(weight), torch.zeros_like(weight)
        _backward(*arrays(x, weight, moments, gradients[0].contiguous(), *results), like(x, 0), like(x, 1 / x.shape[1]))
        return *results, None


@sums
def _forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, out: np.ndarray, moments: np.ndarray, eps: Any, share: Any
) -> None:
    zero = eps - eps
    for i in range(x.shape[0]):
        total, square = zero, zero
        for k in range(x.shape[1]):
            # A comparison that is false for NaN, which stays.
            value = zero if x[i, k] <= zero else x[i, k]
            out[i, k] = value
            total += value
        mean = total * share
        for k in range(x.shape[1]):
            square += (out[i, k] - mean) * (out[i, k] - mean)
        moments[0, i], moments[1, i] = mean, 1 / np.sqrt(square * share + eps)
        scale = moments[1, i]
        for k in range(x.shape[1]):
            out[i, k] = (out[i, k] - mean) * scale * weight[k] + bias[k]


@sums
def _backward(
    x: np.ndarray,
    weight: np.ndarray,
    moments: np.ndarray,
    gradient: np.ndarray,
    for_x: np.ndarray,
    for_weight: np.ndarray,
    for_bias: np.ndarray,
    zero: Any,
    share: Any,
) -> None:
    for i in range(x.shape[0]):
        mean, scale = moments[0, i], moments[1, i]
        total, along = zero, zero
        for k in range(x.shape[1]):
            normed = ((zero if x[i, k] <= zero else x[i, k]) - mean) * scale
            weighted = gradient[i, k] * weight[k]
            total += weighted
            along += weighted * normed
            for_weight[k] += gradient[i, k] * normed
            for_bias[k] += gradient[i, k]
        total *= share
        along *= share
        for k in range(x.shape[1]):
            normed = (x[i, k] - mean) * scale
            passed = (gradient[i, k] * weight[k] - total - normed * along) * scale
            for_x[i, k] = zero if x[i, k] <= zero else passed
