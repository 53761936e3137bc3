"""What an engine is asked for: every ``removal_order`` of the engine, on every backend, takes a :class:`Task`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wis.graphs.edge_list import EdgeList


@dataclass(frozen=True, eq=False)
class Task:
    """A greedy removal order to compute.

    An engine's answer is int64 ``[limit]``: positions of pairs, first removed first; it is exactly the greedy order,
    whatever the engine. What is given must have been checked (:mod:`wis.engine.options`).

    Attributes
    ----------
    edges
        The candidate pairs.
    depth
        Number of layers ``L >= 2`` of the GNN.
    limit
        Number of pairs to remove, from 0 to ``m``.
    is_target
        bool ``[n]``: vertices whose walk index counts. None: all.
    partitions
        Vertex subsets whose walk index counts in place of every vertex's, each with the targets that the walks end at
        (for ``"vertex"``): int64 without repeats. None: single vertices.
    objective
        ``"vertex"``: walks that end at a given vertex. ``"graph"``: walks that end anywhere.
    priority
        int64 ``[m]``, a permutation: of tied pairs the one with the smallest goes first. None: canonical order.
    chunk
        Pairs removed per evaluation; 1 is the greedy algorithm.
    progress
        Show progress.
    memory
        Bytes that triangles may take (2-WIS on the CPU). None: what is free.
    """

    edges: EdgeList
    depth: int
    limit: int
    is_target: np.ndarray | None = None
    partitions: list[tuple[np.ndarray, np.ndarray]] | None = None
    objective: str = "vertex"
    priority: np.ndarray | None = None
    chunk: int = 1
    progress: bool = False
    memory: int | None = None

    @property
    def name(self) -> str:
        """What users call it, as progress shows it: ``"2-WIS"`` for depth 3."""
        return f"{self.depth - 1}-WIS"

    def targets(self) -> np.ndarray:
        """``is_target`` written out: bool ``[n]``."""
        return np.ones(self.edges.num_nodes, dtype=np.bool_) if self.is_target is None else self.is_target

    def priorities(self) -> np.ndarray:
        """``priority`` written out: int64 ``[m]``."""
        return np.arange(self.edges.num_pairs) if self.priority is None else self.priority.astype(np.int64)

    def require(self, depth: int) -> None:
        """Raise ``ValueError`` unless the task has this depth and an undirected graph."""
        if self.depth != depth or self.edges.directed:
            raise ValueError(
                f"only depth {depth} of undirected graphs, got depth {self.depth}, directed={self.edges.directed}"
            )
