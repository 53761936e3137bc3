"""Sparsification as a PyTorch Geometric transform, and a fresh random one at every call of a layer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from wis.api import sparsify
from wis.budget import check_budget, pairs_to_keep
from wis.calls import check_call, choose
from wis.checks import check_fraction
from wis.graphs.edge_list import LoadedGraph
from wis.graphs.load import load_any, load_graph
from wis.graphs.parts import LoadedParts
from wis.graphs.pyg_alike import Alike

# What wis.sparsify takes beside the options of a method, and what it takes for one graph that is at hand.
_OWN = ("directed", "seed", "device", "edge_attrs", "homogeneous")
_OF_ONE_GRAPH = ("num_nodes", "progress", "data")


@functional_transform("wis_sparsify")
class Sparsify(BaseTransform):
    """Keep a fraction of the edges of every graph that passes; of each graph of a ``Batch``.

    Parameters
    ----------
    keep
        Fraction of the pairs that stay, in ``[0, 1]``; 0.5 if ``num_edges`` is not given either.
    method
        As in :func:`wis.sparsify`.
    num_edges
        Number of pairs that stay of every graph, in place of ``keep``.
    **options
        ``directed``, ``seed``, ``device``, ``edge_attrs``, ``homogeneous`` and the options of the method, as in
        :func:`wis.sparsify`.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        When the transform is made: if ``keep``, ``num_edges``, ``method``, ``seed`` or ``device`` does not fit, or the
        method lacks an option.

    Examples
    --------
    >>> import torch_geometric.transforms as T
    >>> import wis
    >>> T.Compose([T.ToUndirected(), wis.Sparsify(keep=0.5, method="wis", depth=3)])
    Compose([
      ToUndirected(),
      Sparsify(keep=0.5, method='wis', depth=3)
    ])
    """

    def __init__(
        self,
        keep: float | None = None,
        method: str | Callable[..., Any] = "wis",
        *,
        num_edges: int | None = None,
        **options: Any,
    ) -> None:
        self.keep, self.num_edges = check_budget(0.5 if keep is None and num_edges is None else keep, num_edges)
        self.method = method
        self.options = options
        for name in _OF_ONE_GRAPH:
            if name in options:
                raise TypeError(f"{name} is for one graph, and a transform is for many; pass it to wis.sparsify")
        own = {name: value for name, value in options.items() if name not in _OWN}
        found = check_call(method, own, options.get("device", "auto"), options.get("seed"))
        self._name = found.name  # PyG compares what transforms print with what it stored
        self._alike = Alike()

    def forward(self, data: Any) -> Any:
        """Return a sparse copy of ``data``: a ``Data``, ``HeteroData``, ``TemporalData`` or ``Batch``."""
        self._alike.check(data)
        return sparsify(data, self.keep, method=self.method, num_edges=self.num_edges, **self.options)

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        budget = f"keep={self.keep}" if self.num_edges is None else f"num_edges={self.num_edges}"
        return f"{self.__class__.__name__}({budget}, method={self._name!r}{options})"


class DropEdges(torch.nn.Module):
    """Keep other edges, drawn at random, at every call in training mode; all edges in evaluation mode.

    Unlike PyG's ``dropout_edge`` it keeps both directions of a pair or none, and exactly ``round(keep * m)`` of the
    ``m`` pairs; of each graph of a ``Batch``, by a draw of its own. The draws come from torch's global generator, so
    ``torch.manual_seed`` repeats them.

    Parameters
    ----------
    keep
        Fraction of the pairs that stay, in ``[0, 1]``.
    directed, edge_attrs
        As in :func:`wis.sparsify`.

    Raises
    ------
    TypeError, ValueError
        If ``keep`` is no fraction.

    Notes
    -----
    O(E log E) time a call. See Rong et al., DropEdge (ICLR 2020, arXiv:1907.10903).

    Examples
    --------
    >>> import torch, wis
    >>> drop = wis.DropEdges(keep=0.5)
    >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> drop(edge_index).shape, drop.eval()(edge_index).shape
    (torch.Size([2, 2]), torch.Size([2, 4]))
    """

    def __init__(
        self, keep: float = 0.5, directed: bool | None = None, edge_attrs: Collection[str] | None = None
    ) -> None:
        super().__init__()
        self.keep = check_fraction("keep", keep)
        self.directed = directed
        self.edge_attrs = edge_attrs

    def forward(self, graph: Any, *edge_values: torch.Tensor | None) -> Any:
        """Return the sparse graph; with ``edge_values`` ``[E, ...]``, as weights, a tuple of it and the values left."""
        if not self.training:
            return (graph, *edge_values) if edge_values else graph
        if not edge_values:
            return self._dropped(load_any(graph, directed=self.directed, edge_attrs=self.edge_attrs))
        loaded = load_graph(graph, directed=self.directed, edge_attrs=self.edge_attrs)
        kept = self._draw(loaded)
        stays = torch.as_tensor(loaded.column_mask(kept))
        values = [None if value is None else value[stays.to(value.device)] for value in edge_values]
        return (loaded.keep_pairs(kept), *values)

    def _dropped(self, loaded: LoadedGraph | LoadedParts) -> Any:
        """The sparse graph; each of several graphs has a draw of its own."""
        if isinstance(loaded, LoadedParts):
            return loaded.combine([self._dropped(part) for part in loaded.parts])
        return loaded.keep_pairs(self._draw(loaded))

    def _draw(self, loaded: LoadedGraph) -> np.ndarray:
        """Which pairs stay: bool ``[m]``."""
        seed = int(torch.randint(1 << 31, ()))
        num_keep = pairs_to_keep(loaded.edges.num_pairs, self.keep)
        return choose(check_call("random", {}), loaded, num_keep, {}, seed=seed)[0]

    def extra_repr(self) -> str:
        """What torch prints between the brackets."""
        return f"keep={self.keep}" + ("" if self.directed is None else f", directed={self.directed}")
