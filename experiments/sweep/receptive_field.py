"""The receptive field of a prediction: what reaches one vertex in as many hops as the GNN has layers.

It is what serving one prediction has to read, whatever the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wis import EdgeList

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Vertices that are looked at where there are more, and how many of them at a time: memory is n times this, in float32.
_SAMPLE = 500
_BATCH = 100
_SEED = 0


def receptive_field(edges: EdgeList, depth: int) -> dict[str, float]:
    """How many vertices and edges reach one vertex in ``depth`` hops.

    Parameters
    ----------
    edges
        The graph. Messages go along directed pairs, and both ways along undirected ones.
    depth
        Number of message-passing layers, at least 1.

    Returns
    -------
    dict
        ``field_vertices_mean`` and ``field_vertices_p95``: mean and 95th percentile, over the vertices, of the number
        of vertices at most ``depth`` hops away, itself included; ``field_edges_mean`` and ``field_edges_p95``: of the
        number of messages that count, which are the edges into vertices at most ``depth - 1`` hops away, an undirected
        edge once in each direction. Exact up to 500 vertices; beyond, over 500 that are drawn with a fixed seed, the
        same for all graphs of one size. O(500 depth m) time.
    """
    from scipy.sparse import csr_array

    n = edges.num_nodes
    tail, head = edges.pairs if edges.directed else np.hstack([edges.pairs, edges.pairs[::-1]])
    ones = np.ones(len(tail), dtype=np.float32)
    sources_of = csr_array((ones, (tail, head)), shape=(n, n))  # times a set: what has an edge into it
    in_degrees = np.bincount(head, minlength=n).astype(np.float64)
    drawn = np.random.default_rng(_SEED).permutation(n)[:_SAMPLE]
    batches = np.split(drawn, range(_BATCH, len(drawn), _BATCH))
    found = [_fields(sources_of, in_degrees, batch, depth) for batch in batches]
    vertices, messages = np.hstack(found)
    return {
        "field_vertices_mean": float(vertices.mean()),
        "field_vertices_p95": float(np.percentile(vertices, 95)),
        "field_edges_mean": float(messages.mean()),
        "field_edges_p95": float(np.percentile(messages, 95)),
    }


def _fields(sources_of: csr_array, in_degrees: np.ndarray, targets: np.ndarray, depth: int) -> np.ndarray:
    """float64 ``[2, targets]``: vertices and messages of each field."""
    reached = np.zeros((len(in_degrees), len(targets)), dtype=np.float32)
    reached[targets, np.arange(len(targets))] = 1
    for _ in range(depth):
        inner = reached
        reached = ((sources_of @ inner + inner) > 0).astype(np.float32)
        if np.array_equal(reached, inner):
            break
    return np.stack([reached.sum(axis=0, dtype=np.float64), in_degrees @ inner])
