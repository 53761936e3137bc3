"""An ``edge_index`` of torch, and what all graphs of torch have in common.

On the CPU they are read through NumPy, without a copy. On a GPU everything is done there, and the pairs come to the
host when a method asks for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import (
    EdgeList,
    LoadedGraph,
    check_columns,
    check_range,
    check_shape,
    refuse_weights,
    stated_weights,
)


def load(graph: torch.Tensor, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read an integer tensor ``[2, E]``; the sparse one holds some of its columns."""
    columns, edges = read_columns(graph, num_nodes, directed, "graph (an edge_index)")

    def rebuild(kept: Any, weights: Any) -> torch.Tensor:
        refuse_weights(weights)
        return graph[:, torch.as_tensor(kept, device=graph.device)]

    return LoadedGraph(columns, edges, None, rebuild)


def read_columns(
    edge_index: torch.Tensor, num_nodes: int | None, directed: bool | None, name: str
) -> tuple[Any, EdgeList]:
    """The columns, as a NumPy array unless they are on a GPU, and their pairs."""
    columns, size = host_columns(edge_index, num_nodes, name)
    if isinstance(columns, np.ndarray):
        return columns, EdgeList.from_columns(columns, size, directed)
    return columns, DeviceEdgeList.from_tensor(columns, size, directed)


def host_columns(edge_index: torch.Tensor, num_nodes: int | None, name: str) -> tuple[Any, int]:
    """The columns, as a NumPy array unless they are on a GPU, and the number of vertices; checked."""
    columns = edge_index.detach().as_subclass(torch.Tensor)
    check_shape(columns, name)
    if columns.is_meta:
        raise TypeError(f"{name} is on the device meta, which holds no numbers; load the graph first")
    if _stays(columns):
        return columns.long(), _check_columns(columns, num_nodes, name)
    array = columns.cpu().numpy()
    return array, check_columns(array, num_nodes, name)


def _stays(columns: torch.Tensor) -> bool:
    """Whether a graph is worked on where it is."""
    return columns.is_cuda


def _check_columns(columns: torch.Tensor, num_nodes: int | None, name: str) -> int:
    """As :func:`wis.graphs.edge_list.check_columns`, for a tensor on its device."""
    check_shape(columns, name)
    if columns.shape[1] == 0:
        return num_nodes or 0
    if columns.is_floating_point() or columns.is_complex() or columns.dtype == torch.bool:
        raise TypeError(f"{name} must have an integer dtype, got {str(columns.dtype).removeprefix('torch.')}")
    low, high = torch.stack(columns.long().aminmax()).tolist()
    return check_range(low, high, num_nodes, name)


def host_weights(weights: Any) -> np.ndarray | None:
    """Weights as an array of the host; a single column ``[E, 1]`` is taken as ``[E]``. None if there are none."""
    if weights is None:
        return None
    if isinstance(weights, torch.Tensor):
        if weights.layout != torch.strided or weights.is_nested:
            raise TypeError("edge weights must be a dense tensor, an array or a list, got a sparse or nested tensor")
        weights = weights.detach().cpu()
        # NumPy has no bfloat16.
        weights = (weights.float() if weights.dtype == torch.bfloat16 else weights).numpy()
    elif isinstance(weights, (list, tuple)):
        weights = stated_weights(weights)
    elif not isinstance(weights, np.ndarray):
        raise TypeError(f"edge weights must be a tensor, an array or a list, got {type(weights).__name__}")
    return weights[:, 0] if weights.shape[1:] == (1,) else weights


def multiply(old: torch.Tensor | None, factor: torch.Tensor) -> torch.Tensor:
    """Weights ``[kept, ...]`` times ``factor`` (float64 ``[kept]``); whole numbers become floating point."""
    if old is None:
        return factor.to(torch.get_default_dtype())
    dtype = old.dtype if old.is_floating_point() else torch.get_default_dtype()
    return old * factor.to(dtype).reshape(-1, *[1] * (old.dim() - 1))
