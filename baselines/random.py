"""Remove edges at random: the baseline that every sparsifier must beat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from wis.baselines.shuffles import shuffled_places

from wis.graphs.edge_list import EdgeList
from wis.registry import Pairs, Scores, method


def _places(pairs: Pairs, *, seed: int | None = None, memory: int, folder: Path) -> Iterator[np.ndarray]:
    return shuffled_places(np.random.default_rng(seed), pairs.num_pairs, folder, memory)


@method(source="uniform sampling without replacement", seeded=True, scores=Scores(_places, disk_bytes=8))
def rank(edges: EdgeList, *, seed: int | None = None) -> np.ndarray:
    """Uniformly random order.

    Parameters
    ----------
    edges
        The candidate pairs; directed or not.
    seed
        Seed of the permutation; None draws a fresh one.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(m) time.
    """
    return np.random.default_rng(seed).permutation(edges.num_pairs)
