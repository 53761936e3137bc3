"""Vertex prediction at any depth, directed or not: the tuple of closed walks of length L."""

from __future__ import annotations

import numpy as np

from wis.engine.walk_counts import closed_walks
from wis.engine.walks.greedy import greedy_order
from wis.graphs.edge_list import EdgeList


def removal_order(
    edges: EdgeList,
    *,
    depth: int,
    is_target: np.ndarray | None,
    priority: np.ndarray | None,
    chunk: int,
    limit: int,
    progress: bool,
) -> np.ndarray:
    """Exact greedy (L-1)-WIS for vertex prediction.

    Parameters
    ----------
    edges
        The candidate pairs, directed or not.
    depth
        ``L >= 2``.
    is_target
        bool ``[n]``: vertices whose walk index counts; None: all.
    priority
        int64 ``[m]``: of tied pairs the one with the smallest goes first; None: canonical order.
    chunk
        Pairs removed per evaluation.
    limit
        Number of pairs to remove.
    progress
        Show progress.

    Returns
    -------
    np.ndarray
        int64 ``[limit]``: positions of the pairs, first removed first.

    Notes
    -----
    One evaluation visits the edges within distance ``(L - 1) / 2`` of an edge; memory O(L (n + m)). Razin, Verbin,
    Cohen (NeurIPS 2023), Algorithm 1, by way of closed walks.
    """
    value = closed_walks(edges, depth)
    reach = np.empty((0, 0), dtype=np.int64)
    return greedy_order(
        edges, value, reach,
        depth=depth, is_target=is_target, priority=priority, chunk=chunk, limit=limit, progress=progress,
    )  # fmt: skip
