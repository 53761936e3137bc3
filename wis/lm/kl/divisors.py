"""What TRL's GRPO divides the rewards of each input by, and so what β is worth there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.trained_reward import TrainedReward

FLOOR = KLConfiguration.std_floor  # the default is what TRL adds to every standard deviation that it divides by


def divisors(trained: TrainedReward, rewards: NDArray[np.float32]) -> NDArray[np.float64]:
    """Divisor of each group's rewards.

    Where each function is normalised by itself there is no single one: told is the standard deviation of the group's
    weighted sum over that of its advantages, 0 where they tie.

    Parameters
    ----------
    trained
        How functions are summed and advantages scaled.
    rewards
        ``[N, functions]`` of one generation, a group's rows one after the other, NaN where a function gave no number.

    Returns
    -------
    numpy.ndarray
        ``[N / G]``, NaN for a group without two outputs that have a reward.
    """
    sums = trained.sums(rewards).reshape(-1, trained.group_size)
    spreads = _std(sums, axis=1)
    if trained.each_normalised:
        advantages = _std(_advantages(trained, rewards).reshape(sums.shape), axis=1)
        found = np.where(advantages > FLOOR, spreads / np.maximum(advantages, FLOOR), 0.0)
    elif trained.scaling == "group":
        found = spreads + FLOOR
    else:
        found = np.full(len(sums), _std(sums.ravel(), axis=0) + FLOOR if trained.scaling == "batch" else 1.0)
    return np.where(np.isnan(spreads), np.nan, found)


def _advantages(trained: TrainedReward, rewards: NDArray[np.float32]) -> NDArray[np.float64]:
    """Advantages ``[N]`` of functions that are centred and scaled apart, and their sum by its std in the batch."""
    each = rewards.astype(np.float64).reshape(-1, trained.group_size, rewards.shape[1])
    scaled = (each - _mean(each, axis=1)) / (_std(each, axis=1)[:, None] + FLOOR)
    totals = np.nansum(scaled.reshape(rewards.shape) * np.asarray(trained.weights), axis=1)
    totals = np.where(np.isnan(rewards).all(1), np.nan, totals)
    return (totals - _mean(totals, axis=0)) / (_std(totals, axis=0) + FLOOR)


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean of the numbers among the values, the axis kept."""
    count = np.sum(~np.isnan(values), axis=axis, keepdims=True)
    return np.where(count > 0, np.nansum(values, axis=axis, keepdims=True) / np.maximum(count, 1), np.nan)


def _std(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Standard deviation of the sample of the numbers among the values, NaN of fewer than two."""
    count = np.sum(~np.isnan(values), axis=axis)
    squares = np.nansum((values - _mean(values, axis)) ** 2, axis=axis)
    return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
