"""A graph prepared for full-batch training: everything that stays the same in every epoch is done once."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from wis.baselines.gnn.sparse import Pattern, multiply


class _Structure:
    """The edges of a graph, sorted by (target, source), and the sparse matrices over them."""

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        source, target = edge_index
        self.num_nodes = num_nodes
        self.order = torch.argsort(target * num_nodes + source, stable=True)
        self.edge_index = edge_index[:, self.order].contiguous()

    @cached_property
    def adjacency(self) -> Pattern:
        source, target = self.edge_index
        return Pattern(target, source, (self.num_nodes, self.num_nodes))

    @cached_property
    def loops(self) -> Tensor:
        """Positions of the self-loops in ``edge_index``."""
        return (self.edge_index[0] == self.edge_index[1]).nonzero().flatten()

    @cached_property
    def links(self) -> Tensor:
        """Positions of all other edges."""
        return (self.edge_index[0] != self.edge_index[1]).nonzero().flatten()

    @cached_property
    def in_degrees(self) -> Tensor:
        """int64 ``[n]``: number of in-edges, each of several between the same vertices counted."""
        return torch.bincount(self.edge_index[1], minlength=self.num_nodes)

    @cached_property
    def with_loops(self) -> tuple[Tensor, Tensor, Pattern]:
        """Source and target of the links and of one self-loop a vertex, in the order of their pattern."""
        loops = torch.arange(self.num_nodes, device=self.edge_index.device)
        source, target = torch.cat([self.edge_index[:, self.links], loops.expand(2, -1)], dim=1)
        pattern = Pattern(target, source, (self.num_nodes, self.num_nodes))
        return source[pattern.order], target[pattern.order], pattern


class Graph:
    """A graph that the models of :mod:`wis.baselines.gnn.models` take in place of an ``edge_index``.

    Parameters
    ----------
    edge_index
        int64 ``[2, E]``, (source, target) as in PyG.
    num_nodes
        Number of vertices ``n``.
    edge_weight
        float ``[E]`` or None. Gradients flow to it.
    """

    def __init__(self, edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None = None) -> None:
        self._structure = _Structure(edge_index, num_nodes)
        self.edge_weight = None if edge_weight is None else edge_weight[self._structure.order]

    def reweighted(self, edge_weight: Tensor) -> Graph:
        """The same edges with other weights, given in the order of the original ``edge_index``. Sorts nothing."""
        graph = object.__new__(Graph)
        graph._structure = self._structure
        graph.edge_weight = edge_weight.index_select(0, self._structure.order)
        return graph

    @property
    def num_nodes(self) -> int:
        """Number of vertices."""
        return self._structure.num_nodes

    @property
    def edge_index(self) -> Tensor:
        """int64 ``[2, E]``, sorted by (target, source); ``edge_weight`` is in this order."""
        return self._structure.edge_index

    def sum(self, x: Tensor) -> Tensor:
        """For every vertex the weighted sum of ``x`` (``[n, d]``) over its in-edges."""
        return multiply(self._structure.adjacency, self._weight, x)

    def mean(self, x: Tensor) -> Tensor:
        """The sum of :meth:`sum` divided by the number of in-edges, whatever their weights; 0 where there are none."""
        return multiply(self._structure.adjacency, self._mean_weight, x)

    def normalised_sum(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """GCN's propagation: ``D^{-1/2} (W + I) D^{-1/2} x``, with the in-degrees ``D`` taken over absolute weights.

        A bias ``[d]`` is added to every row if there is one.

        A self-loop of the graph takes the place of the one that is added (as in PyG's ``gcn_norm``). Absolute weights
        keep degrees positive when weights are learned (Razin et al.'s adaptation of UGS); for weights ≥ 0 this is
        Kipf and Welling (ICLR 2017).
        """
        return multiply(self._structure.with_loops[2], self._normalised, x, bias)

    @cached_property
    def _weight(self) -> Tensor:
        # Sorting by (target, source) twice with a stable sort changes nothing, so weights are in the pattern's order.
        if self.edge_weight is None:
            return torch.ones(self.edge_index.shape[1], device=self.edge_index.device)
        return self.edge_weight

    @cached_property
    def _mean_weight(self) -> Tensor:
        degree = self._structure.in_degrees.to(self._weight.dtype)
        return self._weight / degree.index_select(0, self.edge_index[1])

    @property
    def with_loops(self) -> tuple[Tensor, Tensor, Pattern]:
        """Source, target and pattern of the links and of one self-loop a vertex, in the order of the pattern."""
        return self._structure.with_loops

    @cached_property
    def looped_weight(self) -> Tensor:
        """The weights of :attr:`with_loops`; a self-loop of the graph takes the place of the one that is added."""
        structure = self._structure
        source, _, pattern = structure.with_loops
        loop_weight = torch.ones(self.num_nodes, device=source.device, dtype=self._weight.dtype)
        if len(structure.loops):
            at = structure.edge_index[0, structure.loops]
            loop_weight = loop_weight.index_put((at,), self._weight[structure.loops])
        weight = torch.cat([self._weight.index_select(0, structure.links), loop_weight])
        return weight.index_select(0, pattern.order)

    @cached_property
    def _normalised(self) -> Tensor:
        source, target, _ = self._structure.with_loops
        weight = self.looped_weight
        degree = weight.new_zeros(self.num_nodes).index_add(0, target, weight.abs())
        scale = torch.where(degree > 0, degree, 1.0).rsqrt() * (degree > 0)
        return scale.index_select(0, target) * weight * scale.index_select(0, source)
