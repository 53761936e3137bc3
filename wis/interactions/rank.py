"""Separation rank of a GNN across a partition, by exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wis.checks import check_count
from wis.interactions.bounds import proved_upper
from wis.interactions.elimination import rank_modulo
from wis.interactions.modular import MODULUS
from wis.interactions.setting import Setting, find_setting
from wis.interactions.values import draw_weights, values

_FEWEST_SAMPLES = 64
_SPARE_SAMPLES = 4

# Multiplications, of which a core does nearly 10**9 a second.
_MOST_WORK = 10**12


@dataclass(frozen=True)
class SeparationRank:
    """A separation rank, or how large it is at least.

    Attributes
    ----------
    rank
        The separation rank if ``resolved``; else it is at least this.
    samples
        R: the rank was taken of a matrix ``[R, R]``.
    resolved
        Whether the rank is below R, or R above an upper bound that is proved.
    error
        The chance of drawing weights and inputs for which a rank this large comes out smaller is at most this.
    """

    rank: int
    samples: int
    resolved: bool
    error: float

    def __str__(self) -> str:
        return str(self.rank) if self.resolved else f"at least {self.rank}"


def separation_rank(
    graph: Any,
    subset: Iterable[int],
    depth: int,
    target: int | None = None,
    *,
    width: int = 2,
    input_width: int | None = None,
    max_samples: int = 1024,
    seed: int = 0,
    num_nodes: int | None = None,
    directed: bool | None = None,
) -> SeparationRank:
    """Separation rank of a product-aggregation GNN across a partition: the interaction that it can model, exactly.

    The least R for which ``f(X) = sum over r of g_r(X_I) h_r(X_others)``, for almost all weights of the GNN
    ``h^(l,i) = prod over j in N(i) of W^(l) h^(l-1,j)``, ``i`` in ``N(i)``, with one output.

    Parameters
    ----------
    graph
        As in :func:`wis.sparsify`. In a directed graph a vertex takes in its in-neighbours.
    subset
        The vertices of ``I``; repeats count once.
    depth
        ``L >= 1`` layers.
    target
        Vertex whose output is taken (vertex prediction). None: the product over all vertices (graph prediction).
    width, input_width
        ``D_h`` and ``D_x``; ``input_width=None`` is ``width``.
    max_samples
        Ranks below it are found exactly; of a larger one it is said that it is at least so large.
    seed
        Of the weights and inputs.
    num_nodes, directed
        As in :func:`wis.sparsify`.

    Returns
    -------
    SeparationRank
        ``.rank``, ``.samples``, ``.resolved`` and ``.error``.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, or if the work would be too much: the message says what it would take.
    OverflowError
        If the GNN is a polynomial of so high a degree that powers wrap modulo 2**31 - 1.

    Notes
    -----
    Weights and inputs are uniform modulo 2**31 - 1, the GNN is evaluated for R inputs of ``I`` with each of R inputs of
    the others, and the rank of this matrix is taken by elimination. It is never above the separation rank, and below
    ``min(R, separation rank)`` with a chance of at most rank times degree over 2**31 - 1 (Schwartz and Zippel). R grows
    from 64 until the rank is below it. O(R^2 L D (n D + m) + R^3) time.

    The setting is that of Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494).

    Examples
    --------
    >>> import networkx as nx, wis
    >>> str(wis.separation_rank(nx.path_graph(4), [0, 1], depth=2, target=1))
    '4'
    >>> str(wis.separation_rank(nx.complete_graph(6), [0, 1, 2], depth=3, max_samples=100))
    'at least 100'
    """
    setting = find_setting(graph, subset, depth, target, width, input_width, num_nodes, directed)
    max_samples = check_count("max_samples", max_samples, at_least=1)
    seed = check_count("seed", seed)
    _check_work(setting, min(max_samples, _FEWEST_SAMPLES))
    degree = setting.degree()
    upper = proved_upper(setting)
    most = int(min(max_samples, upper + _SPARE_SAMPLES))
    _check_work(setting, most)
    samples = min(_FEWEST_SAMPLES, most)
    while (rank := _sampled_rank(setting, samples, seed)) == samples < most:
        samples = min(2 * samples, most)
    resolved = rank < samples or samples > upper
    return SeparationRank(rank, samples, resolved, min(1.0, samples * degree / MODULUS))


def _sampled_rank(setting: Setting, samples: int, seed: int) -> int:
    rng = np.random.default_rng([seed, samples])
    weights = draw_weights(rng, setting.depth, setting.width, setting.input_width)
    inputs = rng.integers(MODULUS, size=(setting.edges.num_nodes, setting.input_width, samples), dtype=np.uint32)
    return int(rank_modulo(values(setting.edges, setting.inside, setting.target, weights, inputs)))


def _check_work(setting: Setting, samples: int) -> None:
    """Raise ``ValueError`` if the rank would take more than a quarter of an hour or so."""
    n, m, width = setting.edges.num_nodes, setting.edges.num_pairs, setting.width
    layers = setting.depth * width * (n * width + 2 * m + n)
    work = samples**2 * layers + samples**3 // 3
    if work > _MOST_WORK:
        largest = _MOST_WORK // (samples**2 * setting.depth * width)
        raise ValueError(
            f"the exact rank of a graph with {n} vertices and {m} edges at depth={setting.depth}, width={width} and "
            f"{samples} samples takes about {work:.1e} multiplications, and {_MOST_WORK:.0e} (a quarter of an hour) is "
            f"the most. With so many samples there is room for n * (width + 1) + 2 m = {largest}, and this graph has "
            f"{n * (width + 1) + 2 * m}; give a smaller graph, depth, width or max_samples"
        )
