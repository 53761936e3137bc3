"""Confidence intervals for a standard deviation that hold for few samples.

The textbook chi-square interval assumes normal rewards and fails badly on rewards that are rarely non-zero: ten zeros
give it an interval of width 0. The two here hold at every sample size, for the price of being wide where there is
little to know.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wis.checks import check_number, check_numbers

_BISECTIONS = 40  # the outer end is returned: 1e-12 too wide at most


def binary_std_interval(
    successes: ArrayLike, samples: ArrayLike, *, level: float = 0.95, width: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval for the standard deviation of a reward that takes two values.

    The exact (Clopper-Pearson) interval of the success probability p, mapped through ``width * sqrt(p (1 - p))``. It
    holds with probability at least ``level`` for every p and every number of samples. A lower end above 0 is always
    informative; after ``n`` equal rewards the upper end is about ``width * sqrt(3.7 / n)`` for large n at 95%.

    Parameters
    ----------
    successes, samples
        Number of samples with the higher value, and of all samples; any shapes that broadcast.
    level
        Probability with which the interval holds, in (0, 1).
    width
        Distance between the two values.

    Returns
    -------
    low, high
        float64 arrays of the broadcast shape.

    Raises
    ------
    ValueError
        If a count is no whole number, is negative or exceeds the samples, or `level` or `width` is out of range.
    TypeError
        If an argument is no number.

    Notes
    -----
    Source: Clopper and Pearson, Biometrika 26 (1934); the map is monotone on each side of p = 1/2.
    """
    from scipy.special import betaincinv

    k, n = check_successes(successes, samples)
    tail = _tail(level)
    if not check_number("width", width, at_least=0) > 0:
        raise ValueError(f"width must be positive, got {width}")
    p_low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
    p_high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail), 1.0)
    low, high = _spread(p_low, p_high)
    return width * low, width * high


def bounded_std_interval(
    mean: ArrayLike, variance: ArrayLike, samples: ArrayLike, *, support: tuple[float, float], level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval for the standard deviation of any reward that stays inside a known range.

    The unbiased variance is a U-statistic of ``(x - x')² / 2``, so Hoeffding's argument gives it the Chernoff tail of
    ``n // 2`` independent terms; the upper end also uses that a reward of mean μ in [0, 1] has variance at most
    μ (1 - μ) (Bhatia-Davis) with a Chernoff interval for μ. It holds with probability at least ``level`` for every
    distribution in the range. In the usual range of rewards it is narrower than the interval of Maurer and Pontil
    (2009, Theorem 10), which a test compares; with ten samples it is still wide, because there is no better to be had
    without assumptions.

    Parameters
    ----------
    mean, variance, samples
        Sample mean, unbiased variance (``ddof=1``) and number of samples, at least 2; any shapes that broadcast.
    support
        ``(lowest, highest)`` possible reward.
    level
        Probability with which the interval holds, in (0, 1).

    Returns
    -------
    low, high
        float64 arrays of the broadcast shape.

    Raises
    ------
    ValueError
        If there are fewer than two samples, a mean or variance is not finite, a variance is negative, the range is
        empty or infinite, or `level` is out of range.
    TypeError
        If an argument is no number.

    Notes
    -----
    Source: Hoeffding, JASA 58 (1963), Theorem 1 and section 5a. The combination is ours.
    """
    lowest, highest = check_support(support)
    width = highest - lowest
    tail = _tail(level)
    mu, var, n = _broadcast(mean=mean, variance=variance, samples=samples)
    if not bool(np.all(n >= 2)):
        raise ValueError("samples must be at least two: a standard deviation needs them")
    if not bool(np.all(var >= 0)):
        raise ValueError("variance must not be negative")
    mu = np.clip((mu - lowest) / width, 0.0, 1.0)
    # (x - x')² lies in [0, 1] and has mean 2σ² ≤ 1/2; the sample value may pass 1/2.
    doubled = np.clip(2 * var / width**2, 0.0, 1.0)
    pairs = n // 2
    low = np.sqrt(_chernoff_low(doubled, np.log(1 / tail) / pairs) / 2)
    high = np.sqrt(_chernoff_high(doubled, np.log(2 / tail) / pairs) / 2)
    slack = np.log(4 / tail) / n
    _, by_mean = _spread(_chernoff_low(mu, slack), _chernoff_high(mu, slack))
    high = np.minimum(np.minimum(high, by_mean), 0.5)
    # Where the two arguments contradict each other (probability below 1 - level) the interval is a point.
    return width * np.minimum(low, high), width * high


def check_successes(successes: ArrayLike, samples: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as arrays of one shape if they are counts of a binary reward, or raise."""
    k, n = _broadcast(successes=successes, samples=samples)
    if not bool(np.all((k >= 0) & (k <= n) & (n >= 1) & (k % 1 == 0) & (n % 1 == 0))):
        raise ValueError("successes must lie between 0 and samples, which must be at least 1; both are whole numbers")
    return k, n


def check_level(level: float) -> float:
    """Return ``level`` if it is a probability strictly between 0 and 1, or raise."""
    if not 0 < check_number("level", level) < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}")
    return float(level)


def check_support(support: tuple[float, float]) -> tuple[float, float]:
    """Return ``(lowest, highest)`` if these are two finite numbers in this order, or raise."""
    ends = check_numbers("support", support)
    if ends.shape != (2,):
        raise ValueError(f"support must be two numbers, (lowest, highest), got {support!r}")
    lowest, highest = ends.tolist()
    if not lowest < highest:
        raise ValueError(f"support must be (lowest, highest) with lowest < highest, got {support!r}")
    return lowest, highest


def _tail(level: float) -> float:
    return (1 - check_level(level)) / 2


def _broadcast(**values: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    return np.broadcast_arrays(*(check_numbers(name, value) for name, value in values.items()))


def _spread(p_low: NDArray[np.float64], p_high: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest ``sqrt(p (1 - p))`` for p between the two ends."""
    ends = np.sqrt(np.maximum(p_low * (1 - p_low), 0)), np.sqrt(np.maximum(p_high * (1 - p_high), 0))
    inside = (p_low <= 0.5) & (p_high >= 0.5)
    return np.minimum(*ends), np.where(inside, 0.5, np.maximum(*ends))


def _bernoulli_kl(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ones = np.where(p > 0, p * np.log(p / q), 0.0)
        zeros = np.where(p < 1, (1 - p) * np.log((1 - p) / (1 - q)), 0.0)
    return ones + zeros


def _chernoff_high(p: NDArray[np.float64], slack: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest q ≥ p with ``KL(p, q) ≤ slack``."""
    inside, outside = p.copy(), np.ones_like(p)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        within = _bernoulli_kl(p, middle) <= slack
        inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
    return outside


def _chernoff_low(p: NDArray[np.float64], slack: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - _chernoff_high(1 - p, slack)
