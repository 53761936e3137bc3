"""The fewest changes that make a KL configuration unbiased, found by trying."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.verdict import SAMPLING, is_unbiased

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


def find_change(configuration: KLConfiguration) -> dict[str, Any]:
    """The fewest fields to change for a gradient that is unbiased for every way of sampling, found by trying.

    Of equals, the first in the order of the options above; clamps and clips go first, and come back if they may.
    """
    plain = {name: value for name, value in _PLAIN.items() if getattr(configuration, name) != value}
    options = [
        [None, *((name, value) for value in values if value != getattr(configuration, name))]
        for name, values in _OPTIONS.items()
    ]
    tried = ([choice for choice in chosen if choice] for chosen in itertools.product(*options))
    for changes in sorted(tried, key=len):
        if any(is_unbiased(changed, tuple(SAMPLING)) for changed in changed_to(configuration, plain | dict(changes))):
            return _without_needless(configuration, plain | dict(changes))
    raise AssertionError("a prefix ratio times K3 is unbiased, and among the changes tried")


def _without_needless(configuration: KLConfiguration, changes: dict[str, Any]) -> dict[str, Any]:
    for name in [name for name in changes if name in _PLAIN]:
        fewer = {other: value for other, value in changes.items() if other != name}
        if any(is_unbiased(changed, tuple(SAMPLING)) for changed in changed_to(configuration, fewer)):
            changes = fewer
    return changes


def changed_to(configuration: KLConfiguration, changes: dict[str, Any]) -> list[KLConfiguration]:
    """The configuration with some fields changed, or nothing if they contradict each other."""
    try:
        return [replace(configuration, **changes)]
    except ValueError:
        return []
