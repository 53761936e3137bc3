"""Random draws of edges in proportion to rates, all at once by a race.

Let every edge arrive by a Poisson process of its own rate. First arrivals, in the order of time, are draws without
replacement in proportion to the rates; all arrivals are draws with replacement.
"""

from __future__ import annotations

import numpy as np


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
    return -_arrivals(rates, random)


def draw_until(rates: np.ndarray, num_keep: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw edges with replacement until ``num_keep`` different ones have come up, and weight them.

    The weight of an edge drawn ``c`` times of ``q``, with probability ``p`` each time, is multiplied by ``c / (q p)``.

    Parameters
    ----------
    rates
        float64 ``[m]``, positive, proportional to the probabilities.
    num_keep
        Number of different edges, at most ``m``.
    random
        Source of the draws. In the same state, it draws the edges that :func:`draw_order` has last.

    Returns
    -------
    tuple
        bool ``[m]``, the edges drawn, and float64 ``[m]``, what multiplies their weights, 0 for the others.
        O(m log m) time, however many draws it takes.
    """
    kept, weights = np.zeros(len(rates), dtype=bool), np.zeros(len(rates))
    if num_keep == 0:
        return kept, weights
    arrival = _arrivals(rates, random)
    drawn = np.argsort(arrival, kind="stable")[:num_keep]
    kept[drawn] = True
    # What an edge gets after its first arrival, until the last edge arrives, is a Poisson number.
    waited = arrival[drawn[-1]] - arrival[drawn]
    counts = 1 + random.poisson(rates[drawn] * waited)
    weights[drawn] = counts / (counts.sum() * rates[drawn] / rates.sum())
    return kept, weights


def _arrivals(rates: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Times of the first arrivals, which are exponential."""
    return random.standard_exponential(len(rates)) / rates
