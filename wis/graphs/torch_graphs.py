"""Graphs held by torch, an ``edge_index`` or PyG's ``Data``: read, and built back.

On the CPU they are read through NumPy, without a copy. On a GPU everything is done there, and the pairs come to the
host when a method asks for them.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList, LoadedGraph, check_columns, check_range, check_shape, is_nan, refuse_weights


def load_torch(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a tensor or a PyG graph; arguments and errors are those of :func:`wis.graphs.load.load_graph`."""
    if isinstance(graph, torch.Tensor):
        return _load_tensor(graph, num_nodes, directed)
    from torch_geometric.data import Data, HeteroData

    if isinstance(graph, HeteroData):
        raise TypeError("graph is heterogeneous (HeteroData); only homogeneous graphs can be sparsified")
    if not isinstance(graph, Data):
        raise TypeError(f"graph must be a torch_geometric.data.Data, got {type(graph).__qualname__}")
    return _load_data(graph, num_nodes, directed)


def _load_tensor(graph: torch.Tensor, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    if graph.layout != torch.strided:
        raise TypeError("graph is a sparse torch tensor; pass its edge_index or a SciPy sparse matrix")
    columns, edges = _read_columns(graph, num_nodes, directed, "graph (an edge_index)")

    def rebuild(kept: Any, weights: Any) -> torch.Tensor:
        refuse_weights(weights)
        return graph[:, torch.as_tensor(kept, device=graph.device)]

    return LoadedGraph(columns, edges, None, rebuild)


def _load_data(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    if num_nodes is not None and num_nodes != graph.num_nodes:
        raise ValueError(f"num_nodes={num_nodes}, but graph.num_nodes is {graph.num_nodes}; leave num_nodes out")
    if graph.edge_index is None:
        raise ValueError("graph.edge_index is missing; a PyG Data with adj_t only must be converted first")
    check_shape(graph.edge_index, "graph.edge_index")
    for name in ("edge_weight", "edge_attr"):
        _check_length(graph.get(name), graph.edge_index, f"graph.{name}")
    _check_weights(graph.get("edge_weight"), "graph.edge_weight")
    given = graph.num_nodes if graph.edge_index.numel() or graph.num_nodes is not None else 0
    columns, edges = _read_columns(graph.edge_index, given, directed, "graph.edge_index")

    def rebuild(kept: Any, weights: Any) -> Any:
        return _rebuild_data(graph, torch.as_tensor(kept), weights)

    return LoadedGraph(columns, edges, graph, rebuild)


def _read_columns(
    edge_index: torch.Tensor, num_nodes: int | None, directed: bool | None, name: str
) -> tuple[Any, EdgeList]:
    """The columns, as a NumPy array unless they are on a GPU, and their pairs."""
    columns = edge_index.detach().as_subclass(torch.Tensor)
    if not _stays(columns):
        array = columns.cpu().numpy()
        return array, EdgeList.from_columns(array, check_columns(array, num_nodes, name), directed)
    size = _check_columns(columns, num_nodes, name)
    columns = columns.long()
    return columns, DeviceEdgeList.from_tensor(columns, size, directed)


def _stays(columns: torch.Tensor) -> bool:
    """Whether a graph is worked on where it is."""
    return columns.is_cuda


def _check_columns(columns: torch.Tensor, num_nodes: int | None, name: str) -> int:
    """As :func:`wis.graphs.edge_list.check_columns`, for a tensor on its device."""
    check_shape(columns, name)
    if columns.is_floating_point() or columns.is_complex() or columns.dtype == torch.bool:
        raise TypeError(f"{name} must have an integer dtype, got {str(columns.dtype).removeprefix('torch.')}")
    if columns.shape[1] == 0:
        return num_nodes or 0
    low, high = torch.stack(columns.long().aminmax()).tolist()
    return check_range(low, high, num_nodes, name)


def _check_length(values: Any, edge_index: torch.Tensor, name: str) -> None:
    if isinstance(values, torch.Tensor) and values.shape[:1] != edge_index.shape[1:]:
        raise ValueError(
            f"{name} must have one entry for each of the {edge_index.shape[1]} columns of graph.edge_index, "
            f"got shape {list(values.shape)}"
        )


def _check_weights(values: Any, name: str) -> None:
    if isinstance(values, torch.Tensor) and (wrong := values.detach().isnan()).any():
        raise is_nan(name, int(wrong.flatten().nonzero()[0]))


def _rebuild_data(graph: Any, kept: torch.Tensor, weights: Any) -> Any:
    """A shallow copy of the PyG graph with every edge-level attribute restricted to the kept columns."""
    sparse = copy.copy(graph)
    keys = _edge_level_keys(graph)
    if hasattr(graph, "_slice_dict"):  # a Batch, which knows where the columns of each of its graphs begin
        before = torch.cat([torch.zeros(1, dtype=torch.long, device=kept.device), kept.cumsum(0)])
        slices = graph._slice_dict
        sparse._slice_dict = {key: _look_up(before, slices[key]) if key in keys else slices[key] for key in slices}
    for key in keys:
        value = graph[key]
        if isinstance(value, torch.Tensor):
            dim = graph.__cat_dim__(key, value) % max(value.dim(), 1)
            sparse[key] = value[(slice(None),) * dim + (kept.to(value.device),)]
        else:
            sparse[key] = [item for item, stays in zip(value, kept.tolist(), strict=True) if stays]
    if weights is not None:
        factor = torch.as_tensor(weights)[kept].to(graph.edge_index.device)
        sparse.edge_weight = _multiply(sparse.get("edge_weight"), factor)
    if sparse.num_nodes != graph.num_nodes:
        # Without node features PyG infers the count from the largest index, which may be gone now.
        sparse.num_nodes = graph.num_nodes
    return sparse


def _look_up(values: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Values at positions, on the device of the positions."""
    return values[positions.to(values.device)].to(positions.device)


def _multiply(old: Any, factor: torch.Tensor) -> torch.Tensor:
    """Weights ``[kept, ...]`` times ``factor`` (float64 ``[kept]``); whole numbers become floating point."""
    if old is None:
        return factor.to(torch.get_default_dtype())
    dtype = old.dtype if old.is_floating_point() else torch.get_default_dtype()
    return old * factor.to(dtype).reshape(-1, *[1] * (old.dim() - 1))


def _edge_level_keys(graph: Any) -> list[str]:
    """Attributes that follow the edges. ``edge_label*`` are PyG's supervision edges, a list of their own."""
    return [key for key in graph.keys() if graph.is_edge_attr(key) and not key.startswith("edge_label")]  # noqa: SIM118
