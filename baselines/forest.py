"""Spanning forest first: connectivity is the last thing to go."""

from __future__ import annotations

import numpy as np

from wis.checks import check_count
from wis.graphs.edge_list import EdgeList, require_undirected
from wis.graphs.forest import heaviest_first, spanning_forest
from wis.registry import method


def _check(forests: int) -> None:
    check_count("forests", forests, at_least=1)


@method(
    source="Nagamochi and Ibaraki, sparse certificates (Algorithmica 1992), with random or maximum forests",
    seeded=True,
    reads_weights=True,
    check=_check,
)
def rank(edges: EdgeList, *, seed: int | None = None, forests: int = 1) -> np.ndarray:
    """Light or random edges first, those of a maximum or random spanning forest last.

    Down to ``n - c`` edges the sparse graph has the ``c`` connected components of the graph. With ``forests`` above 1
    the second forest spans what the first leaves, and so on: ``k`` of them keep every cut of up to ``k`` edges whole.

    With weights the forests are maximum spanning forests, and within and outside them light edges go before heavy ones;
    chance decides where weights are equal.

    Parameters
    ----------
    edges
        The pairs of an undirected graph.
    seed
        Seed of the forests and of the order within and outside them; None makes fresh ones.
    forests
        Number of edge-disjoint spanning forests to keep longest, at least 1; the first found goes last.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(edges.num_pairs)``, first removed first. O(forests * m log m) time.

    Raises
    ------
    ValueError
        If ``forests`` is below 1, or the graph is directed.
    TypeError
        If ``forests`` is no integer.
    """
    require_undirected(edges, "spanning-forest")
    _check(forests)
    order = heaviest_first(edges, np.random.default_rng(seed).permutation(edges.num_pairs))
    kept: list[np.ndarray] = []
    for _ in range(forests):
        in_forest = spanning_forest(edges, order)
        kept.insert(0, order[in_forest])
        order = order[~in_forest]
    return np.concatenate([_lightest_first(edges, part) for part in (order, *kept)])


def _lightest_first(edges: EdgeList, order: np.ndarray) -> np.ndarray:
    return order if edges.weights is None else order[np.argsort(edges.weights[order], kind="stable")]
