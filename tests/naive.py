"""The slow, obviously right oracle: the definitions of the WIS paper with dense integer matrix powers.

Nothing here shares code or ideas with the engine: no closed-walk identity, no locality, no queue. Every candidate of
every step is removed for real, its tuple of walk indices is computed from the definition, and the tuples are compared.
Razin, Verbin, Cohen (2023), arXiv:2211.16494, Section 5 and Algorithm 1. For directed graphs "neighbour" means
in-neighbour and walks follow the edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def adjacency(num_nodes: int, pairs: np.ndarray, directed: bool = False) -> np.ndarray:
    """The adjacency matrix without self-loops: int64 ``[n, n]``, ``[i, j]`` is 1 if there is an edge from i to j."""
    matrix = np.zeros((num_nodes, num_nodes), dtype=np.int64)
    for i, j in np.asarray(pairs).T:
        matrix[i, j] = 1
        if not directed:
            matrix[j, i] = 1
    return matrix


def boundary(matrix: np.ndarray, subset: Iterable[int]) -> list[int]:
    """Vertices of the subset with a neighbour outside, and vertices outside with a neighbour in the subset."""
    inside = np.zeros(len(matrix), dtype=bool)
    inside[list(subset)] = True
    has_neighbour_inside = matrix[inside].any(axis=0)
    has_neighbour_outside = matrix[~inside].any(axis=0)
    return list(np.flatnonzero((inside & has_neighbour_outside) | (~inside & has_neighbour_inside)))


def num_walks(matrix: np.ndarray, length: int) -> np.ndarray:
    """Number of walks of this length between all vertices, where staying at a vertex is a step too."""
    return np.linalg.matrix_power(matrix + np.eye(len(matrix), dtype=np.int64), length)


def walk_index(
    num_nodes: int,
    pairs: np.ndarray,
    subset: Iterable[int],
    depth: int,
    target: int | None = None,
    directed: bool = False,
) -> int:
    """Number of walks of length ``depth - 1`` from the boundary to the target, or to anywhere if that is None."""
    matrix = adjacency(num_nodes, pairs, directed)
    walks = num_walks(matrix, depth - 1)[boundary(matrix, subset)]
    return int(walks.sum() if target is None else walks[:, target].sum())


def walk_indices(
    num_nodes: int,
    pairs: np.ndarray,
    depth: int,
    *,
    objective: str = "vertex",
    targets: Sequence[int] | None = None,
    partitions: Sequence[Sequence[int]] | None = None,
    directed: bool = False,
) -> list[int]:
    """The walk indices to keep up: those of ``{t}`` for every target t (all vertices if None), or of the partitions.

    With ``objective="vertex"`` the walk index of a subset is taken for each of its vertices as the target.
    """
    if partitions is None:
        partitions = [[t] for t in (range(num_nodes) if targets is None else targets)]
    matrix = adjacency(num_nodes, pairs, directed)
    walks = num_walks(matrix, depth - 1)
    indices = []
    for item in partitions:
        paired = len(item) == 2 and not isinstance(item[0], (int, np.integer))
        subset, ends = (item[0], [item[1]]) if paired else (item, item)
        from_boundary = walks[boundary(matrix, subset)]
        if objective == "graph":
            indices.append(int(from_boundary.sum()))
        else:
            indices.extend(int(from_boundary[:, t].sum()) for t in ends)
    return indices


def best_candidates(
    num_nodes: int, pairs: np.ndarray, remaining: Sequence[int], depth: int, **options: object
) -> tuple[list[int], list[int]]:
    """Remaining positions, best first (stable for ties), and those of them that tie for the best."""
    keys = {}
    for e in remaining:
        without = [f for f in remaining if f != e]
        keys[e] = sorted(walk_indices(num_nodes, pairs[:, without], depth, **options))  # type: ignore[arg-type]
    ranked = sorted(remaining, key=lambda e: keys[e], reverse=True)
    return ranked, [e for e in remaining if keys[e] == keys[ranked[0]]]


def removal_order(
    num_nodes: int,
    pairs: np.ndarray,
    depth: int,
    *,
    priority: np.ndarray | None = None,
    chunk: int = 1,
    limit: int | None = None,
    objective: str = "vertex",
    targets: Sequence[int] | None = None,
    partitions: Sequence[Sequence[int]] | None = None,
    directed: bool = False,
) -> np.ndarray:
    """The greedy order: positions of pairs, first removed first; ties go to the smallest priority (or position)."""
    m = pairs.shape[1]
    limit = m if limit is None else limit
    remaining = sorted(range(m), key=lambda e: e if priority is None else priority[e])
    order: list[int] = []
    while len(order) < limit:
        ranked, _ = best_candidates(
            num_nodes, pairs, remaining, depth,
            objective=objective, targets=targets, partitions=partitions, directed=directed,
        )  # fmt: skip
        removed = ranked[: min(chunk, limit - len(order))]
        order += removed
        remaining = [e for e in remaining if e not in removed]
    return np.array(order, dtype=np.int64)
