"""Which objective a KL configuration optimises, found by running it.

Nothing is looked up: the configuration's own loss goes through all outputs of small policies (`wis.lm.kl.enumeration`),
and the gradients decide what it is called, which options do nothing, what β amounts to and which change would make it
unbiased.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from wis.lm.kl.change import changed_to, find_change
from wis.lm.kl.configuration import KLConfiguration, choices
from wis.lm.kl.enumeration import Case, aggregation_factor, expect, expect_inputs, make_case, value_gradient
from wis.lm.kl.estimators import estimate
from wis.lm.kl.verdict import SAMPLING, SEEDS, Verdict, judge, random_cases, rounded

REWARD_STDS = (0.5, 0.05, 0.0)


@dataclass(frozen=True)
class Weights:
    """The nearest fit ``reward · ∇E[r] − penalty · ∇KL`` to the update of an input with a given reward std.

    One input of each std of `REWARD_STDS`, their mean rewards equal, makes the batch that ``scaling="batch"`` divides
    by the std of: 0.29 where no penalty is in the reward.
    """

    std: float
    reward: float
    penalty: float

    @property
    def effective(self) -> float:
        """β of this input: the penalty's weight over the reward's; infinite where no reward is above another."""
        return self.penalty / self.reward if self.std else math.inf


@dataclass(frozen=True)
class Explanation:
    """What `explain` found.

    Attributes
    ----------
    configuration
        What was run.
    verdicts
        For each way of sampling of `SAMPLING`, with outputs of different lengths.
    equal_lengths
        The on-policy verdict where all outputs have one length.
    ignored
        Fields that differ from their defaults and change nothing, given the others.
    weights
        For each of `REWARD_STDS`.
    cancels
        Whether β cancels where all rewards of a group tie: a tenfold β changes its update by less than a half.
    dead_below, dead_above
        Δ of a token below or above which its penalty has no gradient, infinite where there is no such bound.
    """

    configuration: KLConfiguration
    verdicts: dict[str, Verdict]
    equal_lengths: Verdict
    ignored: tuple[str, ...]
    weights: tuple[Weights, ...]
    cancels: bool
    dead_below: float
    dead_above: float

    @functools.cached_property
    def change(self) -> dict[str, Any]:
        """The fewest fields to change for a gradient that is unbiased for every way of sampling."""
        return find_change(self.configuration)

    @property
    def warnings(self) -> list[str]:
        """What is likely not meant."""
        on_policy, found = self.verdicts["on policy"], []
        if on_policy.kind == "zero":
            found.append("the penalty does nothing in expectation: the policy is free to leave the reference")
        if on_policy.kind == "unbounded":
            found.append("training diverges once the policy is away from the reference: the objective has no minimum")
        if self.cancels:
            found.append("where all rewards of a group tie, β cancels: the whole update is the penalty, at full size")
        if math.isfinite(self.dead_below) or math.isfinite(self.dead_above):
            found.append(f"the clamp takes the penalty's gradient from tokens with {self._dead()}: the farthest")
        if self.equal_lengths.kind != on_policy.kind:
            found.append(
                f"outputs of different lengths make the difference: with equal lengths it is {self.equal_lengths}"
            )
        return found

    def _dead(self) -> str:
        parts = []
        if math.isfinite(self.dead_below):
            parts.append(f"π < {math.exp(self.dead_below):.2g} ref")
        if math.isfinite(self.dead_above):
            parts.append(f"π > {math.exp(self.dead_above):.2g} ref")
        return " or ".join(parts)

    def lines(self) -> list[str]:
        """Verdicts, warnings and effective β, a line each."""
        found = [f"{name}: {verdict}" for name, verdict in self.verdicts.items()]
        return [*found, *(f"warning: {text}" for text in self.warnings), self.effective]

    def __str__(self) -> str:
        found = self.lines()
        if self.ignored:
            found.append(f"without effect here: {', '.join(self.ignored)}")
        told = ", ".join(f"{name}={value!r}" for name, value in self.change.items()) or "nothing to change"
        return "\n".join([*found, f"to be unbiased however outputs are drawn: {told}"])

    @property
    def effective(self) -> str:
        """The sentence on effective β, which is worked out for outputs of one length."""
        coefficient = self.configuration.coefficient
        *spread, tied = self.weights
        told = ", ".join(f"{rounded(w.effective)} at reward std {w.std:g}" for w in spread)
        return (
            f"effective β of an input, outputs of one length (β = {coefficient:g}): {told}; where all rewards tie, "
            f"the penalty weighs {rounded(tied.penalty / coefficient)} β"
            + ("; these three inputs make the batch" if self.configuration.scaling == "batch" else "")
        )


def explain(configuration: KLConfiguration) -> Explanation:
    """Say which objective a configuration optimises.

    Takes some hundred milliseconds: about a hundred enumerations of 27 outputs.

    Raises
    ------
    ValueError
        If the coefficient is 0: then there is no penalty.
    """
    if configuration.coefficient == 0:
        raise ValueError("coefficient is 0: there is no KL penalty to explain")
    weights, cancels = _weights(configuration)
    below, above = _dead_zone(configuration)
    return Explanation(
        configuration=configuration,
        verdicts={name: judge(configuration, name) for name in SAMPLING},
        equal_lengths=judge(configuration, "on policy", ends=False),
        ignored=_ignored(configuration),
        weights=weights,
        cancels=cancels,
        dead_below=below,
        dead_above=above,
    )


def _weights(configuration: KLConfiguration) -> tuple[tuple[Weights, ...], bool]:
    """Weights of reward and penalty at each std, and whether a ten times larger β leaves a tied group's update."""
    case, named = random_cases("on policy", False)[0]
    share = case.probabilities(case.policy)
    centred = case.rewards - (share * case.rewards).sum()
    unit = centred / (share * centred.square()).sum().sqrt()
    basis = torch.stack([value_gradient(replace(case, rewards=unit)).flatten(), named["reverse"]], 1)
    factor = aggregation_factor(configuration, case)
    rewards = torch.tensor(REWARD_STDS, dtype=unit.dtype)[:, None] * unit
    gradients, tenfold = (
        expect_inputs(replace(configuration, coefficient=b * configuration.coefficient), case, rewards) for b in (1, 10)
    )
    found = []
    for std, gradient in zip(REWARD_STDS, gradients, strict=True):
        reward, penalty = torch.linalg.lstsq(basis, -gradient.flatten() / factor).solution.tolist()
        found.append(Weights(std, reward / std if std else 0.0, -penalty))
    cancels = float((tenfold[-1] - gradients[-1]).norm()) < 0.5 * float(gradients[-1].norm())
    return tuple(found), cancels


def _dead_zone(configuration: KLConfiguration) -> tuple[float, float]:
    """Δ below and above which the estimator of a token has no gradient, or no longer grows in the reward."""
    if configuration.estimator == "full":
        return -math.inf, math.inf
    grid = torch.linspace(-30, 30, 6001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(estimate(configuration, grid).sum(), grid)
    if configuration.straight_through and configuration.in_loss:
        return -math.inf, math.inf
    alive = grid.detach()[slope.abs() > 0]
    low, high = float(alive.min()), float(alive.max())
    return (-math.inf if low < -29.9 else low), (math.inf if high > 29.9 else high)


def _ignored(configuration: KLConfiguration) -> tuple[str, ...]:
    """Fields that were set, and none of whose other values changes any output's gradient."""
    case = make_case(SEEDS[0], drift=0.5, mismatch=0.3, scale=2.0)
    default = KLConfiguration()
    usual = expect(configuration, case, rewards=case.rewards).samples
    others: dict[str, tuple[Any, ...]] = {
        name: tuple(v for v in values if v != getattr(configuration, name)) for name, values in choices().items()
    }
    for name in ("ratio_differentiated", "penalty_after_scaling"):
        others[name] = (not getattr(configuration, name),)
    others |= {"ratio_clip": (None, (0.9, 1.1)), "constant_length": (None, 7), "std_floor": (1e-4, 1.0)}
    found = []
    for name, values in others.items():
        tried = [changed for value in values for changed in changed_to(configuration, {name: value})]
        if getattr(configuration, name) != getattr(default, name) and tried:
            found += [name] if all(_same(usual, changed, case) for changed in tried) else []
    return tuple(found)


def _same(usual: Tensor, changed: KLConfiguration, case: Case) -> bool:
    found = expect(changed, case, rewards=case.rewards).samples
    return bool((found - usual).norm() <= 1e-12 * usual.norm())
