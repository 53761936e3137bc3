"""Walk Index Sparsification: remove the edges of a graph whose loss least harms what a GNN can model.

>>> import wis
>>> sparse = wis.sparsify(data, keep=0.5)            # doctest: +SKIP
>>> order = wis.removal_order(data, depth=3)         # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wis._version import __version__
from wis.api import closed_walks, removal_order, sparsify, walk_index
from wis.extras import needed_for
from wis.graphs.edge_list import EdgeList
from wis.order import RemovalOrder
from wis.registry import Method, Scores, method, methods

if TYPE_CHECKING:
    from wis.graph_files.open_graph import read_graph, write_graph
    from wis.graphs.parallel_edges import merge_parallel_edges
    from wis.interactions.bounds import separation_rank_bounds
    from wis.interactions.rank import separation_rank
    from wis.transforms import DropEdges, Sparsify

__all__ = [
    "DropEdges",
    "EdgeList",
    "Method",
    "RemovalOrder",
    "Scores",
    "Sparsify",
    "__version__",
    "closed_walks",
    "merge_parallel_edges",
    "method",
    "methods",
    "read_graph",
    "removal_order",
    "separation_rank",
    "separation_rank_bounds",
    "sparsify",
    "walk_index",
    "write_graph",
]


# Loaded when first used: these need torch and torch_geometric, or are not for everyone.
_LAZY = {
    "DropEdges": "wis.transforms",
    "Sparsify": "wis.transforms",
    "merge_parallel_edges": "wis.graphs.parallel_edges",
    "read_graph": "wis.graph_files.open_graph",
    "separation_rank": "wis.interactions.rank",
    "separation_rank_bounds": "wis.interactions.bounds",
    "write_graph": "wis.graph_files.open_graph",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'wis' has no attribute {name!r}")
    import importlib

    with needed_for(f"wis.{name}"):
        return getattr(importlib.import_module(_LAZY[name]), name)
