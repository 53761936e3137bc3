"""What the reward standard deviations of many inputs say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FractionBelow:
    """Fraction of the inputs whose reward standard deviation is below a threshold.

    Attributes
    ----------
    threshold
        The threshold, in units of the reward.
    estimate
        Fraction of the inputs whose sample standard deviation is below it.
    surely, possibly
        Fractions whose interval lies wholly, and partly, below it. NaN without a known range of rewards.
    mixture
        Share of the inputs whose true standard deviation is below it, by the mixture of all inputs
        (`wis.lm.fit_mixture`). NaN for rewards that are not binary.
    """

    threshold: float
    estimate: float
    surely: float
    possibly: float
    mixture: float = float("nan")


@dataclass(frozen=True)
class RewardSummary:
    """What the rewards of many inputs say together; every field is about inputs, none about the batch.

    Attributes
    ----------
    inputs
        Inputs with at least two samples; the other fields speak of these.
    too_few
        Inputs left out, having one sample.
    samples
        Samples of the inputs counted.
    mean_reward, mean_std, median_std, p10_std
        Means and quantiles over inputs.
    fraction_zero
        Fraction whose rewards were all equal, up to the rounding of float32.
    fraction_near_zero
        Fraction not zero, yet with a standard deviation below `near_zero`.
    near_zero
        That threshold, in units of the reward.
    below
        `FractionBelow` for each threshold.
    zero_groups
        Group size and the expected fraction of groups of that size without any spread, where it can be known.
    zero_groups_are_bounds
        Whether these fractions are lower bounds, as for rewards that are not binary.
    """

    inputs: int
    too_few: int
    samples: int
    mean_reward: float
    mean_std: float
    median_std: float
    p10_std: float
    fraction_zero: float
    fraction_near_zero: float
    near_zero: float
    below: tuple[FractionBelow, ...]
    zero_groups: tuple[tuple[int, float], ...]
    zero_groups_are_bounds: bool = False

    def metrics(self, prefix: str = "reward_std") -> dict[str, float]:
        """Flat names and numbers, as trackers of experiments want them."""
        named = {
            "inputs": float(self.inputs),
            "mean": self.mean_std,
            "median": self.median_std,
            "p10": self.p10_std,
            "zero": self.fraction_zero,
            "near_zero": self.fraction_near_zero,
        }
        named |= {f"below_{part.threshold:g}": part.estimate for part in self.below}
        named |= {f"mixture_below_{p.threshold:g}": p.mixture for p in self.below if not np.isnan(p.mixture)}
        named |= {f"zero_groups_{size}": fraction for size, fraction in self.zero_groups}
        return {f"{prefix}/{name}": value for name, value in named.items()}

    def __str__(self) -> str:
        lines = [
            f"{self.inputs} inputs, {self.samples} samples" + (f" ({self.too_few} left out)" if self.too_few else ""),
            f"reward mean {self.mean_reward:.4g}; std of an input: mean {self.mean_std:.4g}, "
            f"median {self.median_std:.4g}, 10th percentile {self.p10_std:.4g}",
            f"zero std {self.fraction_zero:.1%}, near zero (< {self.near_zero:g}) {self.fraction_near_zero:.1%}",
        ]
        for part in self.below:
            known = "" if np.isnan(part.surely) else f" (surely {part.surely:.1%}, possibly {part.possibly:.1%})"
            truly = "" if np.isnan(part.mixture) else f"; true std, by the mixture: {part.mixture:.1%}"
            lines.append(f"std < {part.threshold:g}: {part.estimate:.1%}{known}{truly}")
        least = "at least " if self.zero_groups_are_bounds else ""
        lines += [f"groups of {size} without spread: {least}{share:.1%} expected" for size, share in self.zero_groups]
        return "\n".join(lines)


def fraction_below(
    threshold: float,
    std: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    mixture: float = float("nan"),
) -> FractionBelow:
    """Compare standard deviations and their intervals, each ``[inputs]``, with a threshold."""
    known = not np.isnan(low).all()
    return FractionBelow(
        threshold,
        estimate=float((std < threshold).mean()),
        surely=float((high < threshold).mean()) if known else float("nan"),
        possibly=float((low < threshold).mean()) if known else float("nan"),
        mixture=mixture,
    )
