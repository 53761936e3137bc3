"""Products of a sparse with a dense matrix, differentiable in both, with the transpose prepared beforehand.

``torch.sparse.mm`` converts the transpose anew in every backward pass, which costs several times the product itself.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

# Entries times width handled at a time where there is no sampled product: bounds temporaries to about 64 MiB.
_CHUNK = 1 << 23


def _csr(starts: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)


with warnings.catch_warnings():
    # torch says once a process that CSR tensors are in beta: let it say so here, where it is not heard.
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
    _csr(torch.zeros(1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0), (0, 0))


class Pattern:
    """The places of the non-zeros of a sparse matrix and of its transpose, both row by row.

    Parameters
    ----------
    rows, columns
        int64 ``[k]``, the places in any order.
    shape
        Numbers of rows and columns.

    Attributes
    ----------
    order
        int64 ``[k]``: sorts values given in the order of ``rows`` and ``columns`` into the order of the pattern.

    Notes
    -----
    O(k log k) time for two sorts; 5 k integers, of 4 bytes wherever they fit.
    """

    def __init__(self, rows: Tensor, columns: Tensor, shape: tuple[int, int]) -> None:
        self.shape = shape
        small = max(*shape, len(rows)) < 2**31
        self._dtype = torch.int32 if small else torch.int64
        self.order = torch.argsort(rows * shape[1] + columns, stable=True)
        rows, columns = rows[self.order], columns[self.order]
        self._start, self._columns = self._starts(rows, shape[0]), columns.to(self._dtype)
        self._transposed = torch.argsort(columns * shape[0] + rows, stable=True)
        self._start_t = self._starts(columns, shape[1])
        self._columns_t = rows[self._transposed].to(self._dtype)

    def _starts(self, sorted_rows: Tensor, num_rows: int) -> Tensor:
        starts = torch.zeros(num_rows + 1, dtype=torch.int64, device=sorted_rows.device)
        torch.cumsum(torch.bincount(sorted_rows, minlength=num_rows), 0, out=starts[1:])
        return starts.to(self._dtype)

    @property
    def rows(self) -> tuple[Tensor, Tensor]:
        """Where each row starts, ``[n + 1]``, and the columns of its entries, ``[k]``."""
        return self._start, self._columns

    def matrix(self, values: Tensor) -> Tensor:
        """The CSR matrix with these values, in the order of the pattern."""
        return _csr(self._start, self._columns, values, self.shape)

    def transposed(self, values: Tensor) -> Tensor:
        """The transpose of :meth:`matrix`, in CSR too."""
        shape = (self.shape[1], self.shape[0])
        return _csr(self._start_t, self._columns_t, values.index_select(0, self._transposed), shape)

    def sampled_product(self, left: Tensor, right: Tensor) -> Tensor:
        """Entries of ``left @ right.T`` at the places of the pattern: ``[k]``."""
        # torch refuses more entries than the matrix has places, as parallel edges may make them.
        fits = len(self._columns) <= self.shape[0] * self.shape[1]
        if fits and (left.is_cuda or torch.backends.mkl.is_available()):
            empty = self.matrix(left.new_zeros(len(self._columns)))
            return torch.sparse.sampled_addmm(empty, left, right.t(), beta=0.0).values()
        return self._sampled_by_chunks(left, right)

    def _sampled_by_chunks(self, left: Tensor, right: Tensor) -> Tensor:
        counts = (self._start[1:] - self._start[:-1]).long()
        rows = torch.repeat_interleave(torch.arange(self.shape[0], device=left.device), counts)
        size = max(_CHUNK // max(left.shape[1], 1), 1)
        parts = [
            torch.einsum("ij,ij->i", left.index_select(0, i), right.index_select(0, j.long()))
            for i, j in zip(rows.split(size), self._columns.split(size), strict=True)
        ]
        return torch.cat(parts) if parts else left.new_zeros(0)


class _Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, dense: Tensor, pattern: Pattern, bias: Tensor | None) -> Tensor:
        ctx.pattern = pattern
        ctx.save_for_backward(values, dense if ctx.needs_input_grad[0] else None)
        matrix = pattern.matrix(values)
        return matrix @ dense if bias is None else torch.addmm(bias, matrix, dense)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, dense = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        for_values = ctx.pattern.sampled_product(gradient, dense) if ctx.needs_input_grad[0] else None
        for_dense = ctx.pattern.transposed(values) @ gradient if ctx.needs_input_grad[1] else None
        return for_values, for_dense, None, gradient.sum(dim=0) if ctx.needs_input_grad[3] else None


def multiply(pattern: Pattern, values: Tensor, dense: Tensor, bias: Tensor | None = None) -> Tensor:
    """The product of a sparse matrix with a dense one, plus a bias on every row if there is one.

    Parameters
    ----------
    pattern
        Where the non-zeros are, ``k`` of them in a matrix ``[n, p]``.
    values
        float ``[k]``, in the order of the pattern.
    dense
        float ``[p, d]``.
    bias
        float ``[d]`` or None.

    Returns
    -------
    Tensor
        ``[n, d]``. Differentiable in ``values`` (a sampled product) and ``dense`` (a product with the transpose),
        which cost O(k d) each, like the product itself, and in ``bias``.
    """
    if len(values) == 0:
        zeros = dense.new_zeros(pattern.shape[0], dense.shape[1])
        return zeros if bias is None else zeros + bias
    return _Multiply.apply(values.to(dense.dtype), dense, pattern, bias)


class SparseFeatures:
    """Node features ``[n, f]`` that are mostly zero, such as bags of words."""

    def __init__(self, dense: Tensor) -> None:
        rows, columns = dense.nonzero(as_tuple=True)
        self.shape = dense.shape
        self._pattern = Pattern(rows, columns, (dense.shape[0], dense.shape[1]))
        self._values = dense[rows, columns][self._pattern.order]

    @cached_property
    def dense(self) -> Tensor:
        """``[n, f]``, with its zeros."""
        return self._pattern.matrix(self._values).to_dense()

    def rows(self, places: Tensor) -> SparseFeatures:
        """The rows at int64 ``[k]`` places, in their order. O(k log k) time, with k the number of their non-zeros."""
        start, columns = self._pattern.rows
        first, count = start[places].long(), (start[places + 1] - start[places]).long()
        row = torch.repeat_interleave(torch.arange(len(places), device=places.device), count)
        within = torch.arange(len(row), device=places.device) - (count.cumsum(0) - count)[row]
        at = first[row] + within
        found = object.__new__(SparseFeatures)
        found.shape = torch.Size((len(places), self.shape[1]))
        # Entries come sorted by row and column, as the pattern has them.
        found._pattern = Pattern(row, columns[at].long(), (len(places), self.shape[1]))
        found._values = self._values[at]
        return found

    def __matmul__(self, dense: Tensor) -> Tensor:
        return self.times(dense)

    def times(self, dense: Tensor, bias: Tensor | None = None) -> Tensor:
        """The product with ``dense`` ``[f, d]``, plus a bias ``[d]`` on every row if there is one."""
        return multiply(self._pattern, self._values, dense, bias)


def linear(x: Tensor | SparseFeatures, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias``, where ``x`` may be :class:`SparseFeatures`."""
    if isinstance(x, Tensor):
        return torch.nn.functional.linear(x, weight, bias)
    return x.times(weight.t(), bias)
