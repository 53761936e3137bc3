"""Language models: which inputs give reinforcement finetuning nothing to learn from.

`RewardTracker` keeps the reward standard deviation of every input, with intervals that are right for few samples.
`wis.lm.bounds` holds the bounds on the expected gradient and measures what they need, `wis.lm.policies` policies that
are small enough to be enumerated, `wis.lm.trl` logs all this from TRL's GRPO and RLOO trainers.

Source: Razin et al., *Vanishing Gradients in Reinforcement Finetuning of Language Models* (ICLR 2024,
arXiv:2310.20703). Only the tracker is loaded here; the other modules import torch and are imported by name.

Examples
--------
In a training loop of your own, PPO or any other, five lines do:

>>> import numpy as np
>>> tracker = RewardTracker(support=(0, 1))
>>> tracker.update(["2 + 2 =", "capital of Peru"], np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
>>> summary = tracker.summary()
>>> summary.fraction_zero
0.5
"""

from __future__ import annotations

from wis.lm.comparison import RewardComparison, compare_rewards
from wis.lm.intervals import binary_std_interval, bounded_std_interval
from wis.lm.mixture import SuccessMixture, fit_mixture
from wis.lm.summary import FractionBelow, RewardSummary
from wis.lm.tracker import RewardTracker

__all__ = [
    "FractionBelow",
    "RewardComparison",
    "RewardSummary",
    "RewardTracker",
    "SuccessMixture",
    "binary_std_interval",
    "bounded_std_interval",
    "compare_rewards",
    "fit_mixture",
]
