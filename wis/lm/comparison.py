"""Two reward functions or models compared by the spread that they give a policy's own outputs.

A reward of low variance under the policy leaves a flat landscape to it, however well the reward agrees with people.

Source: Razin et al., *What Makes a Reward Model a Good Teacher?* (arXiv:2503.15477).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wis.checks import check_count
from wis.lm.tracker import RewardTracker

_RESAMPLES = 1000


@dataclass(frozen=True)
class RewardComparison:
    """Relative std of two rewards over the same inputs.

    Rewards have no common unit. So the std of an input, the root of its variance, is divided by the std of all rewards
    of that function over the same inputs; it then says how much of what the reward can tell apart it tells apart among
    the policy's outputs to one input.

    Attributes
    ----------
    inputs
        Inputs that both have at least two samples of.
    first, second
        Root mean square of the std of an input, relative to the std of all rewards, for each of the two.
    ratio, ratio_low, ratio_high
        `first` over `second`, and its interval: percentiles over resampled inputs (bootstrap).
    first_higher
        Share of the inputs whose relative std is higher by the first, ties counted half.
    first_zero, second_zero
        Share of the inputs whose rewards all tie.
    level
        Of the interval.
    """

    inputs: int
    first: float
    second: float
    ratio: float
    ratio_low: float
    ratio_high: float
    first_higher: float
    first_zero: float
    second_zero: float
    level: float

    def __str__(self) -> str:
        return (
            f"{self.inputs} inputs; std of an input relative to the std of all rewards\n"
            f"first   {self.first:.4g}   ({self.first_zero:.1%} of the inputs without spread)\n"
            f"second  {self.second:.4g}   ({self.second_zero:.1%} of the inputs without spread)\n"
            f"ratio   {self.ratio:.4g}   ({self.level:.0%} interval {self.ratio_low:.4g} to {self.ratio_high:.4g}); "
            f"the first is higher for {self.first_higher:.1%} of the inputs"
        )


def compare_rewards(first: RewardTracker, second: RewardTracker, *, seed: int = 0) -> RewardComparison:
    """Compare two rewards of the same policy's outputs.

    Parameters
    ----------
    first, second
        Trackers of the two; inputs are matched by their keys. Outputs need not be the same, the policy must.
    seed
        Of the resampling.

    Raises
    ------
    ValueError
        If they share no two inputs with two samples each, or all rewards of one tie.
    TypeError
        If one is no tracker.
    """
    for name, tracker in (("first", first), ("second", second)):
        if not isinstance(tracker, RewardTracker):
            raise TypeError(f"{name} must be a RewardTracker, got {type(tracker).__name__}")
    generator = np.random.default_rng(check_count("seed", seed))
    places = _shared(first, second)
    if len(places) < 2:
        raise ValueError(f"first and second share {len(places)} inputs with two samples each; two are needed")
    parts = _moments("first", first, places[:, 0]), _moments("second", second, places[:, 1])
    (a, total_a), (b, total_b) = ((part[2], _total(part)) for part in parts)
    draws = (generator.integers(len(a), size=len(a)) for _ in range(_RESAMPLES))
    ratios = [_ratio(*(part[:, draw] for part in parts)) for draw in draws]
    low, high = np.nanquantile(ratios, [0.5 - first.level / 2, 0.5 + first.level / 2])
    return RewardComparison(
        inputs=len(a),
        first=float(np.sqrt(a.mean() / total_a)),
        second=float(np.sqrt(b.mean() / total_b)),
        ratio=_ratio(*parts),
        ratio_low=float(low),
        ratio_high=float(high),
        first_higher=float((np.sign(a / total_a - b / total_b).mean() + 1) / 2),
        first_zero=float(first.is_zero()[places[:, 0]].mean()),
        second_zero=float(second.is_zero()[places[:, 1]].mean()),
        level=first.level,
    )


def _shared(first: RewardTracker, second: RewardTracker) -> NDArray[np.int64]:
    """Where the inputs are in each that both have two samples of, ``[inputs, 2]``."""
    others = {key: i for i, (key, count) in enumerate(zip(second.keys, second.counts, strict=True)) if count >= 2}
    pairs = [
        (i, others[key])
        for i, (key, count) in enumerate(zip(first.keys, first.counts, strict=True))
        if count >= 2 and key in others
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _moments(name: str, tracker: RewardTracker, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Count, mean and variance of each input, ``[3, inputs]``."""
    found = np.stack([tracker.counts, tracker.mean(), tracker.std() ** 2])[:, places]
    if _total(found) == 0:
        raise ValueError(f"{name} gives all outputs the same reward; there is nothing to compare")
    return found


def _total(moments: NDArray[np.float64]) -> float:
    """Variance of all rewards together."""
    count, mean, within = moments
    centre = np.average(mean, weights=count)
    return float(((count - 1) * within + count * (mean - centre) ** 2).sum() / (count.sum() - 1))


def _ratio(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """NaN where the second has no variance within inputs."""
    below = second[2].mean() * _total(first)
    return float(np.sqrt(first[2].mean() * _total(second) / below)) if below > 0 else float("nan")
