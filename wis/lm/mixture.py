"""How the success probabilities of many inputs are spread, from a few binary samples of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wis.checks import check_count, check_number
from wis.lm.intervals import check_successes

_GRID = 201
# Bound on how much log-likelihood an input could still gain. EM that stops here has not yet fitted the noise.
_GAP = 1e-3
_MOST_STEPS = 2000


@dataclass(frozen=True)
class SuccessMixture:
    """A distribution of p, the probability of the higher reward, over inputs.

    Attributes
    ----------
    grid
        Values of p, float64 ``[J]``, closest together near 0 and 1.
    weights
        Share of the inputs that has each, ``[J]``; they sum to 1.
    """

    grid: NDArray[np.float64]
    weights: NDArray[np.float64]

    def share_below(self, std: float, *, width: float = 1.0) -> float:
        """Share of the inputs whose true std is below `std`, where the two rewards are `width` apart."""
        spread = width * np.sqrt(self.grid * (1 - self.grid))
        return float(self.weights[spread < check_number("std", std, at_least=0)].sum())

    def zero_group_probability(self, successes: ArrayLike, samples: ArrayLike, group_size: int) -> NDArray[np.float64]:
        """Expected ``p^G + (1 - p)^G`` of an input, given its own samples.

        Parameters
        ----------
        successes, samples
            ``[inputs]``, as in `fit_mixture`.
        group_size
            Samples in a group, G.
        """
        size = check_count("group_size", group_size, at_least=1)
        k, n, place = _distinct(*check_successes(successes, samples))
        joint = _likelihood(k, n, self.grid) * self.weights
        found: NDArray[np.float64] = joint @ (self.grid**size + (1 - self.grid) ** size) / joint.sum(1)
        return found[place]


def fit_mixture(successes: ArrayLike, samples: ArrayLike) -> SuccessMixture:
    """The distribution of p over inputs that makes the counts most likely; no family is assumed.

    Parameters
    ----------
    successes, samples
        Number of samples with the higher reward, and of all samples, of each input, ``[inputs]``.

    Raises
    ------
    ValueError
        If a count is no whole number, is negative or exceeds the samples, or there is no input.
    TypeError
        If one is no number.

    Notes
    -----
    Nonparametric maximum likelihood on a grid by EM (Laird, JASA 73, 1978), stopped where no distribution has a
    log-likelihood above by more than 0.001 an input (Lindsay, Ann. Statist. 11, 1983). With n samples an input the data
    say n moments of the distribution and no more: what depends on others, the share of p below 1/n for example, rests
    on the number of inputs and is the rougher the smaller the std.
    """
    k, n = check_successes(successes, samples)
    if not k.size:
        raise ValueError("successes is empty; a distribution over inputs needs at least one")
    k, n, place = _distinct(k.ravel(), n.ravel())
    share = np.bincount(place) / len(place)
    grid = np.sin(np.linspace(0, np.pi / 2, _GRID)) ** 2
    likelihood = _likelihood(k, n, grid)
    weights = np.full(_GRID, 1 / _GRID)
    for _ in range(_MOST_STEPS):
        gain = (share / (likelihood @ weights)) @ likelihood
        if gain.max() - 1 < _GAP:
            break
        weights = weights * gain
    return SuccessMixture(grid, weights / weights.sum())


def _distinct(
    k: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The different pairs of counts, and where each input's is."""
    codes, place = np.unique(n * (n.max(initial=0) + 1) + k, return_inverse=True)
    samples = codes // (n.max(initial=0) + 1)
    return codes - samples * (n.max(initial=0) + 1), samples, place


def _likelihood(k: NDArray[np.float64], n: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import binom

    found: NDArray[np.float64] = binom.pmf(k[:, None], n[:, None], grid)
    return found
