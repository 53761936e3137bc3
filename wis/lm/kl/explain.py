"""Which objective a KL configuration optimises, found by running it.

Nothing is looked up: the configuration's own loss goes through all outputs of small policies (`wis.lm.kl.enumeration`),
and the gradients decide what it is called, which options do nothing, what β amounts to and which change would make it
unbiased.
"""

from __future__ import annotations

import functools
import itertools
import math
import statistics
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from wis.lm.kl.configuration import KLConfiguration, choices
from wis.lm.kl.enumeration import Case, aggregation_factor, expect, make_case, objectives, value_gradient
from wis.lm.kl.estimators import estimate

SEEDS = (0, 1, 2)
TOLERANCE = 1e-6
SPREAD = 0.5  # std of the logits: policy and reference are apart as in training, and no token is beyond a clamp
SAMPLING: dict[str, dict[str, Any]] = {  # how far the old policy is from the policy, and the engine from the old policy
    "on policy": {"drift": 0.0, "mismatch": 0.0},
    "old policy": {"drift": 0.3, "mismatch": 0.0},
    "rollout engine": {"drift": 0.0, "mismatch": 0.1},
}
REWARD_STDS = (0.5, 0.05, 0.0)
NAMES = {
    "zero": "zero: the penalty has no expected gradient",
    "reverse": "reverse KL(π ‖ ref) of whole outputs",
    "forward": "forward KL(ref ‖ π) of whole outputs",
    "variation": "total variation of π and ref over whole outputs",
    "partial reverse": "partial (token-level) reverse KL: what a token does to later prefixes is left out",
    "partial forward": "partial (token-level) forward KL, ref ‖ π: what a token does to later prefixes is left out",
    "partial variation": "partial (token-level) total variation",
    "unbounded": "unbounded: reverse KL less a forward KL, which has no minimum, so that training diverges",
    "unnamed": "none of the known objectives",
}


@dataclass(frozen=True)
class Verdict:
    """What the penalty's expected gradient is, for one way of sampling.

    Attributes
    ----------
    kind
        A key of `NAMES`.
    scale
        Gradient over that of the named objective, smallest and largest over the policies tried; (1, 1) is equal,
        (c, c) parallel with one factor, NaN where there is no name or no gradient.
    error, cosine
        Against the gradient of β KL(π ‖ ref) of whole outputs: median relative error and cosine over the policies
        tried. A constant that the aggregation multiplies reward and penalty with alike is taken out.
    """

    kind: str
    scale: tuple[float, float]
    error: float
    cosine: float

    @property
    def is_unbiased(self) -> bool:
        """Whether the direction is that of the reverse KL's gradient for every policy tried."""
        return self.kind == "reverse"

    def __str__(self) -> str:
        if self.kind == "zero":
            return f"{NAMES[self.kind]} (relative error {self.error:.3g})"
        low, high = self.scale
        factor = ""
        if math.isfinite(low) and abs(low - 1) + abs(high - 1) > TOLERANCE:
            factor = f", times {low:.3g}" if high - low < TOLERANCE else f", times {low:.3g} to {high:.3g}"
        return f"{NAMES[self.kind]}{factor} (relative error {_round(self.error)}, cosine {_round(self.cosine)})"


@dataclass(frozen=True)
class Weights:
    """The nearest fit ``reward · ∇E[r] − penalty · ∇KL`` to the update of an input with a given reward std."""

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
        Whether β cancels where all rewards of a group tie.
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
        """The sentence on effective β."""
        coefficient = self.configuration.coefficient
        *spread, tied = self.weights
        told = ", ".join(f"{_round(w.effective)} at reward std {w.std:g}" for w in spread)
        return (
            f"effective β of an input (β = {coefficient:g}): {told}; where all rewards tie, "
            f"the penalty weighs {_round(tied.penalty / coefficient)} β"
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


def _round(number: float) -> str:
    """Three digits; what is left of rounding errors is 0."""
    return f"{number:.3g}" if abs(number) > TOLERANCE**2 else "0"


def judge(configuration: KLConfiguration, sampling: str, *, ends: bool = True) -> Verdict:
    """Name the penalty's expected gradient for one way of sampling, a key of `SAMPLING`.

    The advantages' scaling is left out, which has its own numbers in `Explanation.weights`.
    """
    unscaled = replace(configuration, scaling="none")
    gradients: list[Tensor] = []
    targets: list[dict[str, Tensor]] = []
    for case, named in _cases(sampling, ends):
        gradient = expect(unscaled, case).gradient / unscaled.coefficient
        gradients.append(gradient.flatten() / aggregation_factor(unscaled, case))
        targets.append(named)
    return name_gradients(gradients, targets)


def name_gradients(gradients: list[Tensor], targets: list[dict[str, Tensor]]) -> Verdict:
    """Name what gradients are, given those of the named objectives for the same policies.

    Parameters
    ----------
    gradients
        Of the penalty over its coefficient, flat, one a policy.
    targets
        As `objectives` gives them, flat, one dictionary a policy.
    """
    reverse = [named["reverse"] for named in targets]
    errors = [float((g - r).norm() / r.norm()) for g, r in zip(gradients, reverse, strict=True)]
    cosines = [_cosine(g, r) for g, r in zip(gradients, reverse, strict=True)]
    error, cosine = statistics.median(errors), statistics.median(cosines)
    if all(float(g.norm() / r.norm()) < TOLERANCE for g, r in zip(gradients, reverse, strict=True)):
        return Verdict("zero", (math.nan, math.nan), error, math.nan)
    for kind in targets[0]:
        aims = [named[kind] for named in targets]
        if all(_is_parallel(g, aim) for g, aim in zip(gradients, aims, strict=True)):
            scales = [float(g.norm() / aim.norm()) for g, aim in zip(gradients, aims, strict=True)]
            return Verdict(kind.split(":")[0], (min(scales), max(scales)), error, cosine)
    return Verdict("unnamed", (math.nan, math.nan), error, cosine)


def with_differences(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """The named objectives' gradients, flat, and those of the differences that have no minimum."""
    flat = {name: gradient.flatten() for name, gradient in named.items()}
    return flat | {
        "unbounded: whole": flat["reverse"] - flat["forward"],
        "unbounded: mixed": flat["reverse"] - flat["partial forward"],
        "unbounded: partial": flat["partial reverse"] - flat["partial forward"],
    }


@functools.cache
def _cases(sampling: str, ends: bool) -> list[tuple[Case, dict[str, Tensor]]]:
    cases = [make_case(seed, ends=ends, scale=SPREAD, **SAMPLING[sampling]) for seed in SEEDS]
    return [(case, with_differences(objectives(case))) for case in cases]


def _cosine(a: Tensor, b: Tensor) -> float:
    length = a.norm() * b.norm()
    return float(a @ b / length) if length > 0 else 0.0


def _weights(configuration: KLConfiguration) -> tuple[tuple[Weights, ...], bool]:
    """Weights of reward and penalty at each std, and whether a ten times larger β leaves a tied group's update."""
    case, named = _cases("on policy", False)[0]
    share = case.probabilities(case.policy)
    centred = case.rewards - (share * case.rewards).sum()
    unit = centred / (share * centred.square()).sum().sqrt()
    basis = torch.stack([value_gradient(replace(case, rewards=unit)).flatten(), named["reverse"]], 1)
    factor = aggregation_factor(configuration, case)
    found = []
    for std in REWARD_STDS:
        update = -expect(configuration, case, rewards=std * unit).gradient.flatten() / factor
        reward, penalty = torch.linalg.lstsq(basis, update).solution.tolist()
        found.append(Weights(std, reward / std if std else 0.0, -penalty))
    tied = [expect(replace(configuration, coefficient=b), case).gradient for b in (1.0, 10.0)]
    cancels = float((tied[1] - tied[0]).norm()) < 0.1 * float(tied[0].norm())
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
    others |= {"ratio_clip": (None, (0.9, 1.1)), "constant_length": (None, 7)}
    found = []
    for name, values in others.items():
        tried = [changed for value in values for changed in _valid(configuration, {name: value})]
        if getattr(configuration, name) != getattr(default, name) and tried:
            found += [name] if all(_same(usual, changed, case) for changed in tried) else []
    return tuple(found)


def _same(usual: Tensor, changed: KLConfiguration, case: Case) -> bool:
    found = expect(changed, case, rewards=case.rewards).samples
    return bool((found - usual).norm() <= 1e-12 * usual.norm())


def _valid(configuration: KLConfiguration, changes: dict[str, Any]) -> list[KLConfiguration]:
    try:
        return [replace(configuration, **changes)]
    except ValueError:
        return []


def find_change(configuration: KLConfiguration) -> dict[str, Any]:
    """The fewest fields to change for a gradient that is unbiased for every way of sampling, found by trying.

    Of equals, the first in the order of the options below; clamps and clips go first, and come back if they may.
    """
    plain = {name: value for name, value in _PLAIN.items() if getattr(configuration, name) != value}
    options = [
        [None, *((name, value) for value in values if value != getattr(configuration, name))]
        for name, values in _OPTIONS.items()
    ]
    tried = ([choice for choice in chosen if choice] for chosen in itertools.product(*options))
    for changes in sorted(tried, key=len):
        if any(is_unbiased(changed, tuple(SAMPLING)) for changed in _valid(configuration, plain | dict(changes))):
            return _without_needless(configuration, plain | dict(changes))
    raise AssertionError("a prefix ratio times K3 is unbiased, and among the changes tried")


_PLAIN: dict[str, Any] = {
    "ratio_clip": None, "difference_clamp": None, "value_clamp": None, "straight_through": False,
    "penalty_policy": "current",
}  # fmt: skip
_OPTIONS: dict[str, tuple[Any, ...]] = {
    "ratio": ("prefix", "sequence"),
    "sampler": ("rollout-engine",),
    "ratio_differentiated": (True,),
    "estimator": ("k3", "k1"),
    "aggregation": ("token-mean",),
    "placement": ("reward", "both", "loss"),
    "level": ("token",),
    "returns": ("full",),
}


def _without_needless(configuration: KLConfiguration, changes: dict[str, Any]) -> dict[str, Any]:
    for name in [name for name in changes if name in _PLAIN]:
        fewer = {other: value for other, value in changes.items() if other != name}
        if any(is_unbiased(changed, tuple(SAMPLING)) for changed in _valid(configuration, fewer)):
            changes = fewer
    return changes


def is_unbiased(configuration: KLConfiguration, samplings: tuple[str, ...]) -> bool:
    """Whether the penalty's gradient is parallel to that of the reverse KL for these ways of sampling.

    No token of the policies tried is beyond a clamp: what a clamp does is in `Explanation.dead_below`.
    """
    unscaled = replace(configuration, scaling="none")
    return all(
        _is_parallel(expect(unscaled, case).gradient.flatten(), named["reverse"])
        for sampling in samplings
        for case, named in _cases(sampling, True)
    )


def _is_parallel(a: Tensor, b: Tensor) -> bool:
    return 1 - _cosine(a, b) < TOLERANCE**2 * 100
