"""Walk Index Sparsification: remove the edges of a graph whose loss least harms what a GNN can model.

>>> import wis
>>> sparse = wis.sparsify(data, keep=0.5)            # doctest: +SKIP
>>> order = wis.removal_order(data, depth=3)         # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wis._version import __version__
from wis.api import closed_walks, removal_order, sparsify, walk_index
from wis.graphs.edge_list import EdgeList
from wis.order import RemovalOrder
from wis.registry import Method, method, methods

if TYPE_CHECKING:
    from wis.transforms import Sparsify

__all__ = [
    "EdgeList",
    "Method",
    "RemovalOrder",
    "Sparsify",
    "__version__",
    "closed_walks",
    "method",
    "methods",
    "removal_order",
    "sparsify",
    "walk_index",
]


def __getattr__(name: str) -> Any:
    # Lazy, because the transform needs torch and torch_geometric at import.
    if name == "Sparsify":
        from wis.transforms import Sparsify

        return Sparsify
    raise AttributeError(f"module 'wis' has no attribute {name!r}")
