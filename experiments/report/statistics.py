"""Statistics of paired runs: corrected tests, effect sizes, and how far edges can go without a measurable loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Percentages that are nearer to each other are equal: one vertex more makes a larger difference. Results up to version
# 2 were rounded to 32 bits, which leaves percentages off by up to a third of this.
TOLERANCE = 1e-5

# Sign flips of up to 16 pairs are all tried; of more, as many are drawn.
_MOST_PAIRS = 16
_RESAMPLES = 2_000


def sign_flip_test(differences: ArrayLike) -> float:
    """Two-sided p-value that paired differences are symmetric about zero, by flipping their signs.

    Parameters
    ----------
    differences
        Shape ``(n,)``, one a pair. All ``2**n`` flips are tried for up to 16 pairs, 65,536 drawn with a fixed seed for
        more.

    Returns
    -------
    float
        The share of flips whose mean is as far from zero, within :data:`TOLERANCE`; at least ``2**(1 - n)``. NaN
        without two pairs, or if one of them is NaN.

    Notes
    -----
    Fisher, The Design of Experiments (1935), section 21.
    """
    values = np.asarray(differences, dtype=float)
    count = len(values)
    if count < 2 or np.isnan(values).any():
        return float("nan")
    if count <= _MOST_PAIRS:
        flips = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    else:
        # The signs as they are count as one of those that were drawn, so that the p-value is never too small.
        drawn = np.random.default_rng(0).choice([-1, 1], size=(2**_MOST_PAIRS, count))
        flips = np.vstack([np.ones_like(values), drawn])
    return float((np.abs(flips @ values) / count >= abs(values.mean()) - TOLERANCE).mean())


def smallest_p(pairs: int, comparisons: int) -> float:
    """The smallest p-value that :func:`sign_flip_test` and :func:`holm` can give."""
    return min(1.0, comparisons * 2.0 ** (1 - pairs))


def pairs_needed(comparisons: int, level: float) -> int:
    """The fewest pairs with which :func:`smallest_p` is below ``level``."""
    return next(pairs for pairs in range(2, 64) if smallest_p(pairs, comparisons) < level)


def holm(p_values: ArrayLike) -> np.ndarray:
    """P-values corrected for their number by Holm's step-down rule; NaN is no comparison and stays.

    Notes
    -----
    Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    p = np.asarray(p_values, dtype=float)
    corrected = np.full(len(p), np.nan)
    order = [i for i in np.argsort(p, kind="stable") if not np.isnan(p[i])]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected


def rank_biserial(differences: ArrayLike) -> float:
    """Effect size of matched pairs from −1 to 1: ranks of the positive differences minus those of the negative.

    Differences of zero, within :data:`TOLERANCE`, are left out. NaN if there is no other.

    Notes
    -----
    Kerby, Comprehensive Psychology 3 (2014).
    """
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    values = values[np.abs(values) > TOLERANCE]
    ranks = stats.rankdata(tie_classes(np.abs(values)))
    return float((np.sign(values) * ranks).sum() / ranks.sum()) if len(values) else float("nan")


def tie_classes(values: ArrayLike) -> np.ndarray:
    """Whole numbers in the order of some percentages, the same for those that are equal within :data:`TOLERANCE`."""
    values = np.asarray(values, dtype=float)
    order = np.argsort(values, kind="stable")
    classes = np.empty(len(values), dtype=int)
    classes[order] = np.cumsum(np.diff(values[order], prepend=values[order][:1]) > TOLERANCE)
    return classes


def area(shares: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """Area under accuracy against removed share, over the range of the shares: an average accuracy.

    Parameters
    ----------
    shares
        Shape ``(s,)``, ascending, ``s`` at least 2.
    accuracies
        Shape ``(n, s)``, one row a run.

    Returns
    -------
    ndarray
        Shape ``(n,)``, by the trapezoidal rule.
    """
    return np.trapezoid(accuracies, shares, axis=1) / (shares[-1] - shares[0])


def lossless(shares: np.ndarray, accuracies: np.ndarray) -> float:
    """The largest removed share up to which mean accuracy stays within one standard error of the full graph's.

    Parameters
    ----------
    shares
        Shape ``(s,)``, ascending from 0.
    accuracies
        Shape ``(n, s)``, one row a run.

    Returns
    -------
    float
        One of ``shares``: all shares up to it are within one standard error. NaN for one run.
    """
    return float(_lossless(shares, accuracies[None])[0])


def lossless_interval(shares: np.ndarray, accuracies: np.ndarray) -> tuple[float, float]:
    """95 % interval of :func:`lossless` by the bootstrap: whole runs are drawn with replacement, with a fixed seed."""
    count = len(accuracies)
    if count < 2:
        return float("nan"), float("nan")
    draws = np.random.default_rng(0).integers(count, size=(_RESAMPLES, count))
    low, high = np.quantile(_lossless(shares, accuracies[draws]), [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def _lossless(shares: np.ndarray, accuracies: np.ndarray) -> np.ndarray:
    """:func:`lossless` of many samples, shape ``(samples, n, s)``."""
    count = accuracies.shape[1]
    if count < 2:
        return np.full(len(accuracies), np.nan)
    full = accuracies[:, :, 0]
    error = full.std(axis=1, ddof=1) / np.sqrt(count)
    least = full.mean(axis=1) - error
    stays = accuracies.mean(axis=1) >= least[:, None] - TOLERANCE
    return shares[np.cumprod(stays, axis=1).sum(axis=1) - 1]
