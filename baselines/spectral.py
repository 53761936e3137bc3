"""Spectral sparsification: edges of large effective resistance matter most to the Laplacian.

Spielman and Srivastava, *Graph Sparsification by Effective Resistances* (SIAM J. Comput. 2011, arXiv:0803.0929).
"""

from __future__ import annotations

import numpy as np

from baselines.resistance import effective_resistances
from wis.graphs import EdgeList
from wis.methods import method


@method(source="Spielman and Srivastava (2011), drawn as in Razin et al. (2023), appendix", seeded=True)
def rank(edges: EdgeList, *, seed: int | None = None, progress: bool = False) -> np.ndarray:
    """Edges of large effective resistance kept with higher probability, by draws without replacement.

    Edges are drawn one after the other, each with probability proportional to its resistance among those left. The
    edges drawn first are the ones to keep, so the order of removal is that of the draws, reversed.

    Parameters
    ----------
    edges
        An undirected graph.
    seed
        Seed of the draws; None makes fresh ones.
    progress
        Whether to show progress.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    resistance = effective_resistances(edges, progress=progress)
    # The draws are a race: independent exponential times of rate R_e arrive in exactly this order.
    arrival = np.random.default_rng(seed).standard_exponential(edges.num_pairs) / resistance
    return np.argsort(-arrival, kind="stable")
