"""Remove edges at random: the baseline that every sparsifier must beat."""

from __future__ import annotations

import numpy as np

from wis.graphs.edge_list import EdgeList
from wis.registry import method


@method(source="uniform sampling without replacement", seeded=True)
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
