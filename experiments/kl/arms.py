"""The KL configurations that are trained with, each as its reward part and its penalty.

The policy gradient of the reward is the same in all arms, and unbiased: the sequence ratio, the mean of the other
outputs as baseline (one arm takes the mean over the tokens of each output, in both parts). So what tells two arms apart
is the penalty. Only an arm whose penalty joins the reward before the
division by the group's std cannot be taken apart: its reward part goes through its own configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wis.lm.kl.configuration import KLConfiguration, Scaling

if TYPE_CHECKING:
    from torch import Tensor

    from wis.lm.kl.objective import Batch


@dataclass(frozen=True)
class Arm:
    """One way to regularise.

    Attributes
    ----------
    name
        As the tables call it.
    penalty
        The KL configuration, its coefficient 1.
    scaling
        What the reward's advantages are divided by.
    """

    name: str
    penalty: KLConfiguration
    scaling: Scaling = "none"


_SUM = KLConfiguration(coefficient=1.0, aggregation="sum", sampler="rollout-engine")
_REWARD = replace(_SUM, estimator="k1", placement="reward", ratio="sequence", baseline="leave-one-out")
_BOTH = replace(_REWARD, placement="both", returns="to-go", ratio_differentiated=False)
_TOKEN = replace(_SUM, estimator="k3", ratio="token")

ARMS = (
    Arm("K1 in reward", _REWARD),
    Arm("K1 in reward, to-go", replace(_REWARD, returns="to-go")),
    Arm("K1 in reward, as sampled, token ratio clipped", replace(
        _REWARD, ratio="token", ratio_clip=(0.8, 1.2), penalty_policy="old")),
    Arm("K2 in loss, sequence", replace(
        _SUM, estimator="k2", level="sequence", ratio="sequence", ratio_differentiated=False)),
    Arm("K3 in both, to-go", replace(_BOTH, estimator="k3")),
    Arm("full in both, to-go", replace(_BOTH, estimator="full")),
    Arm("K3 in loss, prefix ratio", replace(_TOKEN, ratio="prefix")),
    Arm("K3 in loss, sequence ratio", replace(_TOKEN, level="sequence", ratio="sequence")),
    Arm("K3 in loss, token ratio", _TOKEN),
    Arm("K3 in loss", replace(_TOKEN, ratio="none")),
    Arm("K3 in loss, mean a sequence", replace(_TOKEN, aggregation="sequence-mean-token-mean")),
    Arm("K2 in reward", replace(_REWARD, estimator="k2")),
    Arm("absolute Δ in loss", replace(_TOKEN, estimator="abs", ratio="none")),
    Arm("K1 in loss", replace(_TOKEN, estimator="k1", ratio="none")),
    Arm("K3 in reward", replace(_REWARD, estimator="k3")),
    Arm("K1 in reward, over group std", replace(_REWARD, scaling="group"), "group"),
    Arm("K3 in loss, token ratio, over group std", _TOKEN, "group"),
)  # fmt: skip


def find(name: str) -> Arm:
    """The arm of a name."""
    return next(arm for arm in ARMS if arm.name == name)


def arm_loss(arm: Arm, coefficient: float, batch: Batch) -> Tensor:
    """Loss of a batch: the reward's policy gradient, and the arm's penalty with a coefficient."""
    from wis.lm.kl.objective import objective

    # The reward's tokens are aggregated as the penalty's, or a mean over tokens would only make the penalty smaller.
    reward = replace(_REWARD, coefficient=0.0, scaling=arm.scaling, aggregation=arm.penalty.aggregation)
    if arm.penalty.in_reward and arm.scaling != "none":
        return objective(replace(arm.penalty, coefficient=coefficient), batch).loss
    loss = objective(reward, batch).loss
    if coefficient:
        loss = loss + objective(replace(arm.penalty, coefficient=coefficient), replace(batch, rewards=None)).loss
    return loss
