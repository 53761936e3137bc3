"""What a TRL trainer makes of the rewards of its functions, read from the trainer itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wis.lm.moments import ROUNDING

_SCALING = {
    "group": (
        "Advantages are divided by the std of their group: only groups whose rewards all tie give nothing, "
        "and where the std is near zero, noise is scaled up to full size."
    ),
    "batch": "Advantages are divided by the std of the batch: an input counts in proportion to its own std.",
    "none": "Advantages are not divided: an input counts in proportion to its own std.",
}


@dataclass(frozen=True)
class TrainedReward:
    """How the rewards of several functions become the reward that is trained on.

    Attributes
    ----------
    functions
        Names of the reward functions, models and environments, as TRL logs them.
    weights
        Weight of each.
    each_normalised
        Whether each function is centred and scaled by itself before they are summed (GDPO).
    scaling
        What advantages are divided by: the std of their ``"group"``, of the ``"batch"``, or ``"none"``.
    clip
        Range that the weighted sum is clipped to, or None.
    penalty
        Coefficient of a KL penalty inside the reward, which is not recorded.
    group_size
        Completions a prompt.
    """

    functions: tuple[str, ...]
    weights: tuple[float, ...]
    each_normalised: bool
    scaling: str
    clip: tuple[float, float] | None
    penalty: float
    group_size: int

    @classmethod
    def of(cls, trainer: Any) -> TrainedReward:
        """Read a ``GRPOTrainer`` or ``RLOOTrainer``."""
        if hasattr(trainer, "reward_clip_range"):
            scaling = "batch" if trainer.normalize_advantages else "none"
            each, clip, penalty = False, trainer.reward_clip_range, float(trainer.beta)
        else:
            scaling, clip, penalty = trainer.scale_rewards, None, 0.0
            each = trainer.multi_objective_aggregation == "normalize_then_sum"
        return cls(
            functions=tuple(trainer.reward_func_names),
            weights=tuple(trainer.reward_weights.tolist()),
            each_normalised=each,
            scaling="group" if each else scaling,
            clip=(float(clip[0]), float(clip[1])) if clip else None,
            penalty=penalty,
            group_size=trainer.num_generations,
        )

    def sums(self, rewards: NDArray[np.float32]) -> NDArray[np.float64]:
        """Weighted sum of the functions that gave a number, before any clipping.

        Parameters
        ----------
        rewards
            ``[N, functions]``, NaN where a function gave none.

        Returns
        -------
        numpy.ndarray
            ``[N]``, NaN where no function gave one.
        """
        sums = np.nansum(rewards * np.asarray(self.weights, dtype=np.float32), axis=1)
        return np.where(np.isnan(rewards).all(1), np.nan, sums).astype(np.float64)

    def totals(self, rewards: NDArray[np.float32]) -> NDArray[np.float64]:
        """The reward of each completion, ``[N]``: the sum, clipped."""
        sums = self.sums(rewards)
        return sums if self.clip is None else np.clip(sums, *self.clip)

    def has_spread(self, rewards: NDArray[np.float32]) -> bool:
        """Whether the rewards of one group, ``[G, functions]``, give it an advantage."""
        if not self.each_normalised:
            return has_spread(self.totals(rewards))
        used = [column for column, weight in zip(rewards.T, self.weights, strict=True) if weight]
        return any(has_spread(column) for column in used)

    def __str__(self) -> str:
        terms = [f"{weight:g} {name}" for name, weight in zip(self.functions, self.weights, strict=True)]
        parts = [f"Trained on {' + '.join(terms)}, in groups of {self.group_size}."]
        if self.each_normalised:
            parts.append(
                "Each function is centred and divided by its own std in the group before the sum: the std of the sum, "
                "which is recorded, says little; the std of each function decides."
            )
        if self.clip is not None:
            parts.append(f"The sum is clipped to [{self.clip[0]:g}, {self.clip[1]:g}], and recorded after that.")
        if self.penalty:
            parts.append(
                f"The reward also has {self.penalty:g} times a KL penalty, which is not recorded: groups whose rewards "
                "tie are still pushed by it."
            )
        return " ".join([*parts, _SCALING[self.scaling]])


def has_spread(values: NDArray[Any]) -> bool:
    """Whether numbers differ by more than the rounding of float32; NaN is no number, and infinity is no spread."""
    known = values[np.isfinite(values)]
    return len(known) > 1 and bool(np.ptp(known) > ROUNDING * np.abs(known).max())
