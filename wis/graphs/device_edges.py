"""An edge list that stays on the GPU where its graph is: what :class:`wis.graphs.edge_list.EdgeList` is, by torch.

The same code runs on tensors of the CPU, where it is tested against the NumPy code.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wis.graphs.edge_list import EdgeList, check_key_range, not_symmetric
from wis.machine import check_memory

if TYPE_CHECKING:
    import torch

# Columns looked up at a time when they follow their pair: bounds the memory for temporary keys to some 200 MiB.
_CHUNK = 1 << 22

# Keys, their sorted copy and what the sort needs beside them, at most.
_BYTES_A_COLUMN = 48


class DeviceEdgeList(EdgeList):
    """The candidate pairs of a graph on a GPU.

    Parameters
    ----------
    num_nodes
        Number of vertices.
    tensor
        int64 ``[2, m]`` in canonical order, on any device.
    directed
        Whether pairs are ordered.
    """

    tensor: torch.Tensor
    """int64 ``[2, m]``: what ``pairs`` is, on its device."""

    def __init__(self, num_nodes: int, tensor: torch.Tensor, directed: bool = False) -> None:
        for name, value in (("num_nodes", num_nodes), ("tensor", tensor), ("directed", directed)):
            object.__setattr__(self, name, value)

    @cached_property
    def pairs(self) -> np.ndarray:
        """The pairs in the memory of the host, copied there when they are first asked for."""
        pairs = self.tensor.cpu().numpy().view()
        pairs.flags.writeable = False
        return pairs

    @property
    def num_pairs(self) -> int:
        """Number of pairs ``m``."""
        return self.tensor.shape[1]

    @classmethod
    def from_tensor(cls, columns: torch.Tensor, num_nodes: int, directed: bool | None = False) -> DeviceEdgeList:
        """Collect the pairs of a graph given by its columns, as :meth:`EdgeList.from_columns` does.

        Parameters
        ----------
        columns
            int64 ``[2, E]`` on any device, every entry in ``[0, num_nodes)``.
        num_nodes, directed
            As there.

        Raises
        ------
        ValueError
            If ``directed`` is None and the columns are not symmetric.
        MemoryError
            If the GPU has too little memory; the message says how much is needed.

        Notes
        -----
        O(E log E) time; 48 bytes a column on the way, 16 bytes a pair afterwards.
        """
        import torch

        check_memory(_BYTES_A_COLUMN * columns.shape[1], columns.device)
        keys = _pair_keys(columns, num_nodes, directed=directed is not False)
        keys = _forward_half(keys, num_nodes) if directed is None else torch.unique(keys)
        size = max(num_nodes, 1)
        return cls(num_nodes, torch.stack([keys // size, keys % size]), bool(directed))

    def pair_of_columns(self, columns: Any) -> Any:
        """For every column the position of its pair, -1 for self-loops: int64 ``[E]``, where the columns are."""
        if isinstance(columns, np.ndarray):
            return super().pair_of_columns(columns)
        import torch

        keys = self.tensor[0] * self.num_nodes + self.tensor[1]
        positions = torch.empty(columns.shape[1], dtype=torch.int64, device=self.tensor.device)
        for start in range(0, columns.shape[1], _CHUNK):
            part = columns[:, start : start + _CHUNK]
            tail, head = part if self.directed else part.aminmax(dim=0)
            found = torch.searchsorted(keys, tail * self.num_nodes + head)
            positions[start : start + _CHUNK] = found.masked_fill_(part[0] == part[1], -1)
        return positions

    def most_walks(self, length: int) -> float:
        """The largest number of walks of a length, self-loops allowed, from any vertex; float64, so up to rounding.

        O(length * m) time.
        """
        import torch

        tail, head = self.tensor
        walks = torch.ones(self.num_nodes, dtype=torch.float64, device=self.tensor.device)
        for _ in range(length):
            longer = walks.index_add(0, tail, walks[head])
            walks = longer if self.directed else longer.index_add_(0, head, walks[tail])
        return float(walks.max()) if self.num_nodes else 0.0


def _pair_keys(columns: torch.Tensor, num_nodes: int, *, directed: bool) -> torch.Tensor:
    """One int64 key a column, self-loops left out; keys sort as the canonical order does."""
    check_key_range(num_nodes)
    rows, cols = columns
    tail, head = (rows, cols) if directed else columns.aminmax(dim=0)
    keys = tail * num_nodes + head
    return keys[rows != cols]


def _forward_half(keys: torch.Tensor, num_nodes: int) -> torch.Tensor:
    """Keys of the pairs ``u < v``, after checking that both directions of each are there."""
    import torch

    if len(keys) == 0:
        return keys
    forward_column = keys // num_nodes < keys % num_nodes
    forward = torch.unique(keys[forward_column])
    backward = keys[~forward_column]
    backward = torch.unique(backward % num_nodes * num_nodes + backward // num_nodes)
    if not torch.equal(forward, backward):
        both, count = torch.unique(torch.cat([forward, backward]), return_counts=True)
        raise not_symmetric(*divmod(int(both[count == 1][0]), num_nodes))
    return forward
