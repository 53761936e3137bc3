"""GAT's attention on the CPU: one pass over the edges forward and one backward, all heads together.

Products of sparse matrices serve one head at a time, eight numbers wide, and spend most of their time on getting ready.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from wis.baselines.gnn.sparse import Pattern

from wis.kernels import compiled

# Numbers a head in the protocol. A loop of known length stays in one register.
_WIDTH = 8

# Sums may be taken in any order, so that they are vectorised; NaN and infinity stay what they are.
_sums = compiled(_nrt=False, fastmath={"reassoc", "contract"})


class Attention(torch.autograd.Function):
    """``out[i] = sum_e softmax_e(LeakyReLU(source_score[j] + target_score[i])) weight[e] x[j]`` over entries (i, j).

    ``apply(pattern, x, source_score, target_score, weight, slope)`` with ``x`` ``[n, h, d]``, scores ``[n, h]`` and
    ``weight`` ``[k]`` in the order of the pattern, all of one dtype on the CPU. Every row of the pattern has an entry.
    Differentiable in ``x``, scores and ``weight``; O(k h d) time on one thread, and ``k h`` numbers kept for backward.
    """

    @staticmethod
    def forward(
        ctx: Any, pattern: Pattern, x: Tensor, source_score: Tensor, target_score: Tensor, weight: Tensor, slope: float
    ) -> Tensor:
        """The weighted sums ``[n, h, d]``."""
        x, source_score, target_score = x.contiguous(), source_score.contiguous(), target_score.contiguous()
        shares = x.new_empty(len(weight), x.shape[1])
        out, scratch = torch.zeros_like(x), x.new_empty(2, x.shape[1])
        _forward(*_arrays(*pattern.rows, x, source_score, target_score, weight, shares, out, scratch), _like(x, slope))
        ctx.pattern, ctx.slope = pattern, slope
        ctx.save_for_backward(x, source_score, target_score, weight, shares, out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of ``x``, both scores and the weights."""
        saved = ctx.saved_tensors
        results = [torch.zeros_like(tensor) for tensor in saved[:4]]
        x, scratch = saved[0], saved[0].new_empty(saved[0].shape[1])
        given = _arrays(*ctx.pattern.rows, *saved, gradients[0].contiguous())
        _backward(*given, *_arrays(*results, scratch), _like(x, ctx.slope))
        return None, *results, None


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    """The same memory as NumPy arrays."""
    return [tensor.detach().numpy() for tensor in tensors]


def _like(x: Tensor, number: float) -> Any:
    """The number in the precision of ``x``: a wider one would widen all that it is multiplied with."""
    return torch.empty((), dtype=x.dtype).numpy().dtype.type(number)


@_sums
def _add(total: np.ndarray, factor: Any, row: np.ndarray) -> None:
    if len(row) == _WIDTH:
        for k in range(_WIDTH):
            total[k] += factor * row[k]
    else:
        for k in range(len(row)):
            total[k] += factor * row[k]


@_sums
def _dot(left: np.ndarray, right: np.ndarray) -> Any:
    product = left[0] * right[0]
    if len(left) == _WIDTH:
        for k in range(1, _WIDTH):
            product += left[k] * right[k]
    else:
        for k in range(1, len(left)):
            product += left[k] * right[k]
    return product


@_sums
def _forward(
    start: np.ndarray,
    column: np.ndarray,
    x: np.ndarray,
    source_score: np.ndarray,
    target_score: np.ndarray,
    weight: np.ndarray,
    shares: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
    slope: Any,
) -> None:
    heads = x.shape[1]
    largest, total = scratch[0], scratch[1]
    for i in range(len(start) - 1):
        for h in range(heads):
            largest[h] = -np.inf
            total[h] = 0
        for e in range(start[i], start[i + 1]):
            j = column[e]
            for h in range(heads):
                score = source_score[j, h] + target_score[i, h]
                score = score if score > 0 else slope * score
                shares[e, h] = score
                largest[h] = max(largest[h], score)
        for e in range(start[i], start[i + 1]):
            for h in range(heads):
                shares[e, h] = np.exp(shares[e, h] - largest[h])
                total[h] += shares[e, h]
        for e in range(start[i], start[i + 1]):
            j = column[e]
            for h in range(heads):
                shares[e, h] /= total[h]
                _add(out[i, h], shares[e, h] * weight[e], x[j, h])


@_sums
def _backward(
    start: np.ndarray,
    column: np.ndarray,
    x: np.ndarray,
    source_score: np.ndarray,
    target_score: np.ndarray,
    weight: np.ndarray,
    shares: np.ndarray,
    out: np.ndarray,
    gradient: np.ndarray,
    for_x: np.ndarray,
    for_source: np.ndarray,
    for_target: np.ndarray,
    for_weight: np.ndarray,
    mean: np.ndarray,
    slope: Any,
) -> None:
    heads = x.shape[1]
    for i in range(len(start) - 1):
        # A softmax share's gradient is taken against the mean of its row, which is that of output and gradient.
        for h in range(heads):
            mean[h] = _dot(out[i, h], gradient[i, h])
        for e in range(start[i], start[i + 1]):
            j = column[e]
            for h in range(heads):
                share, product = shares[e, h], _dot(x[j, h], gradient[i, h])
                _add(for_x[j, h], share * weight[e], gradient[i, h])
                for_weight[e] += share * product
                for_score = share * (weight[e] * product - mean[h])
                if source_score[j, h] + target_score[i, h] <= 0:
                    for_score *= slope
                for_source[j, h] += for_score
                for_target[i, h] += for_score
