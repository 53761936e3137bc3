"""Parallel copies of an edge made one."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.utils import scatter

from wis.checks import check_choice
from wis.graphs.edge_attributes import check_edge_attrs
from wis.graphs.edge_list import check_key_range
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
        If an argument does not fit, an attribute of the edges is no tensor of numbers, or sums are too large for the
        type of whole numbers that it has.

    Notes
    -----
    O(E log E) time.

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
        return graph[:, _group(*host_columns(graph, None, "graph (an edge_index)"))[0]]
    if not isinstance(graph, Data) or isinstance(graph, Batch):
        raise TypeError(f"graph must be a PyG Data or an edge_index tensor, got {type(graph).__name__}")
    edges = stored_edges(graph.stores[0], "graph")
    if edges.source != "edge_index":
        raise TypeError(f"graph has its edges in {edges.source}; merge the entries of a matrix by its own coalesce()")
    attributes = [path[0] for path in following(graph, edges, graph.num_nodes, edges.num_edges, names)]
    for name in attributes:
        _check_numbers(graph, name)
    first, group = _group(*host_columns(edges.columns, graph.num_nodes, "graph.edge_index"))
    merged = copy.copy(graph)
    merged.edge_index = graph.edge_index[:, first]
    for name in attributes:
        merged[name] = _reduced(graph[name], group, len(first), reduce, f"graph.{name}")
    if isinstance(graph.stores[0].get("num_edges"), int):
        merged.stores[0]["num_edges"] = len(first)
    keep_num_nodes(merged, graph.num_nodes)
    return merged


def _group(columns: Any, num_nodes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A column of every edge, sorted by source and target, and for every column which of these edges it is: int64."""
    check_key_range(num_nodes)
    rows, cols = torch.as_tensor(columns).long()
    keys, group = torch.unique(rows * num_nodes + cols, return_inverse=True)
    position = torch.arange(len(group), device=group.device)
    return group.new_empty(len(keys)).scatter_reduce_(0, group, position, "amin", include_self=False), group


def _reduced(values: torch.Tensor, group: torch.Tensor, count: int, reduce: str, name: str) -> torch.Tensor:
    """One value a group, computed so that no sum is too large on the way; a mean of whole numbers need not be one."""
    group = group.to(values.device)
    is_whole = not values.is_floating_point() and not values.is_complex()
    short = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
    wide = values.long() if is_whole else values.to(short.get(values.dtype, values.dtype))
    if is_whole and reduce == "mean":
        return scatter(wide.double(), group, 0, count, reduce).to(torch.get_default_dtype())
    merged = scatter(wide, group, 0, count, reduce)
    if is_whole and not torch.equal(merged.to(values.dtype).long(), merged):
        raise ValueError(f"{name} has sums that do not fit into {values.dtype}; pass it as int64 or as floats")
    return merged.to(values.dtype)


def _check_numbers(graph: Any, name: str) -> None:
    value = graph[name]
    if not isinstance(value, torch.Tensor) or value.dtype == torch.bool or value.layout != torch.strided:
        raise TypeError(f"graph.{name} follows the edges, but is no tensor of numbers that could be merged; drop it")
