"""The name of what a penalty descends: its expected gradient against those of the objectives that have a name."""

from __future__ import annotations

import functools
import math
import statistics
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.enumeration import Case, aggregation_factor, expect, make_case, objectives

SEEDS = (0, 1, 2)
TOLERANCE = 1e-6
SPREAD = 0.5  # std of the logits: policy and reference are apart as in training, and no token is beyond a clamp
SAMPLING: dict[str, dict[str, Any]] = {  # how far the old policy is from the policy, and the engine from the old policy
    "on policy": {"drift": 0.0, "mismatch": 0.0},
    "old policy": {"drift": 0.3, "mismatch": 0.0},
    "rollout engine": {"drift": 0.0, "mismatch": 0.1},
}
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
        return f"{NAMES[self.kind]}{factor} (relative error {rounded(self.error)}, cosine {rounded(self.cosine)})"


def judge(configuration: KLConfiguration, sampling: str, *, ends: bool = True) -> Verdict:
    """Name the penalty's expected gradient for one way of sampling, a key of `SAMPLING`.

    The advantages' scaling is left out, which has its own numbers in `Explanation.weights`.
    """
    unscaled = replace(configuration, scaling="none")
    gradients: list[Tensor] = []
    targets: list[dict[str, Tensor]] = []
    for case, named in random_cases(sampling, ends):
        gradient = expect(unscaled, case).gradient / unscaled.coefficient
        gradients.append(gradient.flatten() / aggregation_factor(unscaled, case))
        targets.append(named)
    return name_gradients(gradients, targets)


def is_unbiased(configuration: KLConfiguration, samplings: tuple[str, ...]) -> bool:
    """Whether the penalty's gradient is parallel to that of the reverse KL for these ways of sampling.

    No token of the policies tried is beyond a clamp: what a clamp does is in `Explanation.dead_below`.
    """
    unscaled = replace(configuration, scaling="none")
    return all(
        _is_parallel(expect(unscaled, case).gradient.flatten(), named["reverse"])
        for sampling in samplings
        for case, named in random_cases(sampling, True)
    )


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
def random_cases(sampling: str, ends: bool) -> list[tuple[Case, dict[str, Tensor]]]:
    """The policies that are tried, with the gradients of the named objectives."""
    cases = [make_case(seed, ends=ends, scale=SPREAD, **SAMPLING[sampling]) for seed in SEEDS]
    return [(case, with_differences(objectives(case))) for case in cases]


def rounded(number: float) -> str:
    """A number in three digits; what is left of rounding errors is 0."""
    return f"{number:.3g}" if abs(number) > TOLERANCE**2 else "0"


def _cosine(a: Tensor, b: Tensor) -> float:
    """Cosine of two flat gradients, 0 if one of them is 0."""
    length = a.norm() * b.norm()
    return float(a @ b / length) if length > 0 else 0.0


def _is_parallel(a: Tensor, b: Tensor) -> bool:
    return 1 - _cosine(a, b) < TOLERANCE**2 * 100
