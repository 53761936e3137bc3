"""Parallel copies of an edge made one."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.utils import coalesce

from wis.checks import check_choice
from wis.graphs.edge_attributes import check_edge_attrs
from wis.graphs.pyg_data import keep_num_nodes
from wis.graphs.pyg_stores import following, stored_edges
from wis.graphs.torch_graphs import host_columns

_REDUCTIONS = ("sum", "mean", "min", "max")


def merge_parallel_edges(graph: Any, reduce: str = "sum", *, edge_attrs: Collection[str] | None = None) -> Any:
    """Merge the parallel copies of every edge into one, with the sum, mean, smallest or largest of their attributes.

    Parameters
    ----------
    graph
        A PyG ``Data`` or an ``edge_index`` tensor ``[2, E]``. It is not changed.
    reduce
        ``"sum"``, ``"mean"``, ``"min"`` or ``"max"``, for every attribute that follows the edges.
    edge_attrs
        As in :func:`wis.sparsify`; an ``edge_index`` has none.

    Returns
    -------
    Data or torch.Tensor
        Of the type of ``graph``, its edges sorted by source and target. Self-loops are merged too, directions are not.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, or an attribute of the edges is no tensor of numbers.

    Notes
    -----
    O(E log E) time, by PyG's ``coalesce``.

    Examples
    --------
    >>> import torch, wis
    >>> from torch_geometric.data import Data
    >>> twice = Data(edge_index=torch.tensor([[0, 0], [1, 1]]), edge_weight=torch.tensor([2.0, 3.0]), num_nodes=2)
    >>> wis.merge_parallel_edges(twice).edge_weight
    tensor([5.])
    """
    check_choice("reduce", reduce, _REDUCTIONS)
    names = check_edge_attrs(edge_attrs)
    if isinstance(graph, torch.Tensor):
        if names is not None:
            raise TypeError("edge_attrs is for a PyG Data, got a tensor, which has no attributes")
        host_columns(graph, None, "graph (an edge_index)")  # its checks
        return coalesce(graph)
    if not isinstance(graph, Data) or isinstance(graph, Batch):
        raise TypeError(f"graph must be a PyG Data or an edge_index tensor, got {type(graph).__name__}")
    edges = stored_edges(graph.stores[0], "graph")
    if edges.source != "edge_index":
        raise TypeError(f"graph has its edges in {edges.source}; merge the entries of a matrix by its own coalesce()")
    attributes = [path[0] for path in following(graph, edges, graph.num_nodes, edges.num_edges, names)]
    for name in attributes:
        _check_numbers(graph, name)
    merged = copy.copy(graph)
    merged.edge_index, values = coalesce(
        graph.edge_index, [graph[name] for name in attributes], num_nodes=graph.num_nodes, reduce=reduce
    )
    for name, value in zip(attributes, values, strict=True):
        merged[name] = value
    keep_num_nodes(merged, graph.num_nodes)
    return merged


def _check_numbers(graph: Any, name: str) -> None:
    value = graph[name]
    if not isinstance(value, torch.Tensor) or value.dtype == torch.bool or value.layout != torch.strided:
        raise TypeError(f"graph.{name} follows the edges, but is no tensor of numbers that could be merged; drop it")
