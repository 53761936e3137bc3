"""One check that the methods for undirected graphs share."""

from __future__ import annotations

from wis.graphs.edge_list import EdgeList


def require_undirected(edges: EdgeList, method: str) -> None:
    """Raise ``ValueError`` if the pairs are ordered; the message names the method and what to pass instead."""
    if edges.directed:
        raise ValueError(f"method {method!r} is defined for undirected graphs only; pass directed=False")
