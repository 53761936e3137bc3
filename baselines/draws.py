"""Random draws of edges in proportion to rates, all at once by a race.

Let every edge arrive after an exponential time of its own rate. In the order of time, these are draws without
replacement in proportion to the rates.
"""

from __future__ import annotations

import numpy as np

# Smaller rates, to 0, count as this one: a time is never infinite, so that chance decides among such edges.
_RAREST = 2.0**-1000


def draw_order(rates: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw all edges without replacement, and remove first what was drawn last.

    Parameters
    ----------
    rates
        float64 ``[m]``, positive: each draw takes an edge with probability proportional to its rate among those left.
    random
        Source of the draws.

    Returns
    -------
    numpy.ndarray
        int64 permutation of ``range(m)``, last drawn first. O(m log m) time.
    """
    return np.argsort(draw_scores(rates, random), kind="stable")


def draw_scores(rates: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What :func:`draw_order` sorts by, ascending: float64 ``[m]``.

    The scores of some edges after those of others, from one ``random``, are the scores of all.
    """
    return -_arrivals(np.maximum(rates, _RAREST), random)


def draw_weighted(rates: np.ndarray, num_keep: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw some edges without replacement, and weight them so that every sum over edges is estimated without bias.

    Let ``tau`` be the time at which the first edge arrives that is not drawn. Given when all others arrive, an edge of
    rate ``r`` is drawn if it arrives before that, with probability ``1 - exp(-r tau)``. Its factor is the inverse, so
    that it is 1 on average, counting 0 where the edge is not drawn.

    Parameters
    ----------
    rates
        float64 ``[m]``, positive, as in :func:`draw_order`.
    num_keep
        Number of edges, at most ``m``.
    random
        Source of the draws. In the same state, it draws the edges that :func:`draw_order` has last.

    Returns
    -------
    tuple
        bool ``[m]``, the edges drawn, and float64 ``[m]``, what multiplies their weights: 0 for the others, and 1 for
        all if all are drawn. O(m log m) time.

    Notes
    -----
    The rank conditioning estimator of Cohen and Kaplan (arXiv:0802.3448). Draws with replacement, until so many
    different edges have come up, keep the same edges; but weights ``c / (q p)`` of edges drawn ``c`` times of ``q`` are
    biased then, as ``q`` depends on the draws.
    """
    kept, factors = np.zeros(len(rates), dtype=bool), np.zeros(len(rates))
    rates = np.maximum(rates, _RAREST)
    arrival = _arrivals(rates, random)
    order = np.argsort(arrival, kind="stable")
    drawn = order[:num_keep]
    kept[drawn] = True
    tau = arrival[order[num_keep]] if num_keep < len(rates) else np.inf
    factors[drawn] = 1 / -np.expm1(-rates[drawn] * tau)
    return kept, factors


def _arrivals(rates: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """When each edge arrives."""
    return random.standard_exponential(len(rates)) / rates
