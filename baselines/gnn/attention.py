"""GAT's attention on a prepared graph."""

from __future__ import annotations

import torch
from torch import Tensor
from wis.baselines.gnn.attention_kernels import Attention
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.sparse import multiply

# Scores closer than this are exponentiated against one bound a head: exp(-30) is far from the smallest float32.
_NARROW = 30.0


def attention(graph: Graph, x: Tensor, source_score: Tensor, target_score: Tensor, slope: float) -> Tensor:
    """Sum of ``x`` over in-edges and one self-loop a vertex, weighted by softmax attention (Veličković et al., 2018).

    Parameters
    ----------
    graph
        The graph. Its weights multiply the messages after the softmax.
    x
        ``[n, h, d]``: what is summed, for each of ``h`` heads.
    source_score, target_score
        ``[n, h]``: the score of an edge is LeakyReLU of the sum of its ends'.
    slope
        Negative slope of the LeakyReLU.

    Returns
    -------
    Tensor
        ``[n, h, d]``, differentiable in everything but the slope.

    Notes
    -----
    O((n + E) h d) time. On the CPU by kernels of its own; on a GPU by sparse products: with a column of ones beside
    ``x``, one product a head sums messages and softmax weights.
    """
    if not x.is_cuda:
        weight = graph.looped_weight.to(x.dtype)
        return Attention.apply(graph.with_loops[2], x, source_score, target_score, weight, slope)
    return _by_products(graph, x, source_score, target_score, slope)


def _by_products(graph: Graph, x: Tensor, source_score: Tensor, target_score: Tensor, slope: float) -> Tensor:
    source, target, pattern = graph.with_loops
    from_source, from_target = source_score.t(), target_score.t()
    scores = from_source.index_select(1, source) + from_target.index_select(1, target)
    scores = torch.nn.functional.leaky_relu(scores, slope)
    shift = _bound(from_source, from_target, source, target, scores, slope)
    exponentials = (scores - shift.index_select(1, target)).exp()
    ones, parts = x.new_ones(len(x), 1), x.unbind(1)
    if graph.edge_weight is None:
        sums = [multiply(pattern, e, torch.cat([part, ones], 1)) for e, part in zip(exponentials, parts, strict=True)]
        return torch.stack([part[:, :-1] / part[:, -1:] for part in sums], dim=1)
    weighted = exponentials * graph.looped_weight
    sums = [multiply(pattern, e, part) for e, part in zip(weighted, parts, strict=True)]
    totals = [multiply(pattern, e, ones) for e in exponentials]
    return torch.stack([part / total for part, total in zip(sums, totals, strict=True)], dim=1)


@torch.no_grad()
def _bound(
    from_source: Tensor, from_target: Tensor, source: Tensor, target: Tensor, scores: Tensor, slope: float
) -> Tensor:
    """``[h, n]``: what is subtracted from the scores of a vertex's in-edges, so that no exponential overflows.

    A bound by the largest source score serves where no score is far below it; else each vertex's largest score.
    """
    if float((from_source.amax(1) - from_source.amin(1)).max()) < _NARROW:
        return torch.nn.functional.leaky_relu(from_target + from_source.amax(1, keepdim=True), slope)
    places = target.expand_as(scores)
    return torch.full_like(from_target, -torch.inf).scatter_reduce(1, places, scores, "amax")
