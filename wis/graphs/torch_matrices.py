"""Sparse adjacency matrices of torch: COO, CSR and CSC tensors, and ``SparseTensor`` of torch-sparse."""

from __future__ import annotations

from typing import Any

import torch

from wis.graphs.edge_list import LoadedGraph, check_room
from wis.graphs.torch_graphs import host_weights, multiply, read_columns

_LAYOUTS = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc)


def load(graph: Any, num_nodes: int | None, directed: bool | None) -> LoadedGraph:
    """Read a matrix whose entry ``(u, v)`` is an edge from ``u`` to ``v``; the sparse one has the same layout."""
    rows, cols, values = entries(graph, "graph (a sparse torch matrix)")
    sizes = shape(graph)
    if sizes[0] != sizes[1]:
        raise ValueError(f"graph (a sparse torch matrix) must be square, got shape {list(sizes)}")
    if num_nodes is not None and num_nodes != sizes[0]:
        raise ValueError(f"num_nodes={num_nodes}, but the matrix has {sizes[0]} rows; leave num_nodes out")
    columns, edges = read_columns(torch.stack([rows, cols]), sizes[0], directed, "graph (a sparse torch matrix)")

    def rebuild(kept: Any, weights: Any) -> Any:
        return with_entries(graph, torch.as_tensor(kept), weights)

    return LoadedGraph(columns, edges, None, rebuild, host_weights(values))


def is_matrix(value: Any) -> bool:
    """Whether the value is a sparse matrix of torch or torch-sparse."""
    if isinstance(value, torch.Tensor):
        return value.layout != torch.strided
    return type(value).__name__ == "SparseTensor" and hasattr(value, "sparse_sizes")


def shape(matrix: Any) -> tuple[int, int]:
    """Numbers of rows and columns."""
    rows, cols = matrix.shape[:2] if isinstance(matrix, torch.Tensor) else matrix.sparse_sizes()
    return int(rows), int(cols)


def entries(matrix: Any, name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Row, column and value of every stored entry, in the order of the matrix: ``[nnz]`` each.

    Raises
    ------
    TypeError
        If the layout is another.
    ValueError
        If the index tensors do not fit together.
    """
    if not isinstance(matrix, torch.Tensor):
        return matrix.coo()
    if matrix.layout not in _LAYOUTS or matrix.dim() - matrix.dense_dim() != 2:
        raise TypeError(f"{name} must be a COO, CSR or CSC matrix, got {matrix.layout} of shape {list(matrix.shape)}")
    check_room(matrix._nnz(), name)
    if matrix.layout == torch.sparse_coo:
        rows, cols = matrix._indices()
        return rows, cols, _coo_values(matrix)
    _check_compressed(matrix, name)
    pointers, plain = _compressed(matrix)
    expanded = torch.arange(len(pointers) - 1, device=plain.device).repeat_interleave(pointers.diff())
    pair = (expanded, plain.long()) if matrix.layout == torch.sparse_csr else (plain.long(), expanded)
    return *pair, matrix.values()


def with_entries(matrix: Any, kept: torch.Tensor, weights: Any = None) -> Any:
    """A matrix with some of the entries, bool ``[nnz]``, their values times factors ``[nnz]`` unless None.

    Both are the same for all entries in one place. Where a COO tensor that is not coalesced needs a gradient, so that
    torch gives no values, the coalesced one is cut.
    """
    values: Any
    if not keeps_gradient(matrix):
        matrix, (kept, weights) = _coalesced(matrix, kept, weights)
    rows, cols, values = entries(matrix, "graph")
    kept = kept.to(rows.device)
    if weights is not None:
        values = multiply(values, torch.as_tensor(weights).to(rows.device))
    values = None if values is None else values[kept]
    return _build(matrix, torch.stack([rows[kept], cols[kept]]), values, _all_sizes(matrix))


def keeps_gradient(matrix: Any) -> bool:
    """Whether torch gives the values of a matrix with their gradient: of a COO tensor only if it is coalesced."""
    is_coo = isinstance(matrix, torch.Tensor) and matrix.layout == torch.sparse_coo
    return not is_coo or matrix.is_coalesced() or not (matrix.requires_grad and torch.is_grad_enabled())


def can_be_cut(matrix: Any, dimension: int) -> bool:
    """Whether :func:`cut` takes a matrix, or a sparse tensor of more or fewer dimensions."""
    if not isinstance(matrix, torch.Tensor):
        return True
    if matrix.layout == torch.sparse_coo:
        return dimension < matrix.sparse_dim()
    return matrix.layout in _LAYOUTS and matrix.dim() - matrix.dense_dim() == 2 and dimension < 2


def cut(matrix: Any, kept: torch.Tensor, dimension: int) -> Any:
    """Some of the rows, bool ``[rows]``, of a matrix or sparse tensor; of columns along dimension 1, and so on."""
    values: Any
    if not isinstance(matrix, torch.Tensor):
        return matrix.index_select(dimension, kept.nonzero()[:, 0].to(matrix.device()))
    if matrix.layout == torch.sparse_coo:
        matrix = matrix if keeps_gradient(matrix) else matrix.coalesce()
        indices, values = matrix._indices(), _coo_values(matrix)
    else:
        rows, cols, values = entries(matrix, "an attribute")
        indices = torch.stack([rows, cols])
    kept = kept.to(indices.device)
    stays = kept[indices[dimension]]
    indices = indices[:, stays]
    indices[dimension] = (kept.cumsum(0) - 1)[indices[dimension]]
    sizes = _all_sizes(matrix)
    sizes[dimension] = int(kept.sum())
    return _build(matrix, indices, values[stays], sizes)


def _build(matrix: Any, indices: torch.Tensor, values: Any, sizes: list[int]) -> Any:
    """A matrix of the class and layout of another from some of its entries, in their order."""
    if not isinstance(matrix, torch.Tensor):
        rows, cols = indices
        return type(matrix)(row=rows, col=cols, value=values, sparse_sizes=tuple(sizes), is_sorted=True)
    if matrix.layout == torch.sparse_coo:
        return torch.sparse_coo_tensor(
            indices, values, sizes, is_coalesced=matrix.is_coalesced(), check_invariants=False
        )
    by_row = matrix.layout == torch.sparse_csr
    pointers, plain = _compressed(matrix)
    inner, outer = indices if by_row else indices.flip(0)
    counts = torch.bincount(inner, minlength=sizes[0 if by_row else 1])
    shorter = torch.cat([pointers.new_zeros(1), counts.cumsum(0).to(pointers.dtype)])
    build = torch.sparse_csr_tensor if by_row else torch.sparse_csc_tensor
    return build(shorter, outer.to(plain.dtype), values, sizes, check_invariants=False)  # those of a checked matrix


def _all_sizes(matrix: Any) -> list[int]:
    return list(matrix.shape if isinstance(matrix, torch.Tensor) else matrix.sparse_sizes())


def _coo_values(matrix: torch.Tensor) -> torch.Tensor:
    """The values of a COO tensor, with their gradient if it is coalesced."""
    return matrix.values() if matrix.is_coalesced() else matrix._values()


def _coalesced(matrix: torch.Tensor, *of_entries: Any) -> tuple[torch.Tensor, list[Any]]:
    """The coalesced COO tensor, and what is the same for all entries in one place of it, once: None stays None."""
    rows, cols = matrix._indices()
    places, place = torch.unique(rows * matrix.shape[1] + cols, return_inverse=True)
    single = []
    for values in of_entries:
        tensor = None if values is None else torch.as_tensor(values).to(place.device)
        single.append(None if tensor is None else tensor.new_empty(len(places)).index_copy_(0, place, tensor))
    return matrix.coalesce(), single


def _compressed(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The pointers of the rows and the columns of a CSR matrix; the other way around for CSC."""
    if matrix.layout == torch.sparse_csr:
        return matrix.crow_indices(), matrix.col_indices()
    return matrix.ccol_indices(), matrix.row_indices()


def _check_compressed(matrix: torch.Tensor, name: str) -> None:
    build = torch.sparse_csr_tensor if matrix.layout == torch.sparse_csr else torch.sparse_csc_tensor
    # Made of a COO tensor, the index of a single entry has a stride that says nothing, and that torch's check refuses.
    outer, inner = (
        part if part.stride() == (1,) else part.clone(memory_format=torch.contiguous_format)
        for part in _compressed(matrix)
    )
    try:
        build(outer, inner, matrix.values(), matrix.shape, check_invariants=True)
    except RuntimeError as error:
        raise ValueError(f"{name} is damaged: {str(error).splitlines()[0]}") from error
