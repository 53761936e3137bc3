"""Effective resistances of all edges: what is known without solving anything, then the solver that fits the graph."""

from __future__ import annotations

import numpy as np

from baselines.resistance.bridges import find_bridges
from baselines.resistance.exact import exact_resistances
from wis.graphs import EdgeList


def effective_resistances(edges: EdgeList, *, progress: bool = False) -> np.ndarray:
    """Effective resistance of every edge, each edge a resistor of one ohm.

    The resistance of ``{u, v}`` is the probability that a uniformly random spanning forest contains it. It is found
    within each connected component; that of a bridge is exactly 1.

    Parameters
    ----------
    edges
        An undirected graph.
    progress
        Whether to show progress.

    Returns
    -------
    numpy.ndarray
        float64 ``[m]`` in the order of ``edges.pairs``, in ``(0, 1]``.

    Raises
    ------
    ValueError
        If the graph is directed.
    """
    if edges.directed:
        raise ValueError(
            "directed=True, but effective resistances are defined for undirected graphs only; pass directed=False to "
            "treat every edge as undirected"
        )
    resistance = np.ones(edges.num_pairs, dtype=np.float64)
    rest = ~find_bridges(edges.num_nodes, edges.pairs)
    if rest.any():
        resistance[rest] = exact_resistances(edges.num_nodes, edges.pairs[:, rest], progress=progress)
    return resistance
