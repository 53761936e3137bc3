"""verl's hydra settings: YAML files and overrides. Read: 0.9.1, ``core_algos.py`` and the actor's configuration.

And ``core_algos.py`` of 0.6.1, 0.7.0, 0.8.0 and 0.9.0 for how its policy losses are aggregated.
"""

from __future__ import annotations

from typing import Any

from wis.lm.kl.configuration import KLConfiguration, Ratio
from wis.lm.kl.libraries.reading import (
    Reading,
    Settings,
    chosen,
    from_files,
    option,
    penalty_coefficient,
    unread,
    unscaled,
    version_numbers,
)

NEWEST = "0.9.1"
ACTOR, ALGORITHM = "actor_rollout_ref.actor.", "algorithm."
ESTIMATORS = {"kl": "k1", "k1": "k1", "abs": "abs", "mse": "k2", "k2": "k2", "low_var_kl": "k3", "k3": "k3"}
AGGREGATIONS = {
    "token-mean": "token-mean",
    "seq-mean-token-sum": "sum",
    "seq-mean-token-mean": "sequence-mean-token-mean",
    "seq-mean-token-sum-norm": "constant",
}
ADVANTAGES: dict[str, dict[str, Any]] = {
    "gae": {"returns": "to-go", "scaling": "batch"},
    "grpo": {"returns": "full", "baseline": "mean", "scaling": "group", "std_floor": 1e-6},
    "rloo": {"returns": "full", "baseline": "leave-one-out"},
    "reinforce_plus_plus": {"returns": "to-go", "scaling": "batch"},
    "reinforce_plus_plus_baseline": {"returns": "full", "baseline": "mean", "scaling": "batch"},
    "remax": {"returns": "to-go"},
}
ADVANTAGES |= {f"{name}_vectorized": ADVANTAGES[name] for name in ("grpo", "rloo")}
DISCOUNTS = {"gae": ("gamma", "lam"), "reinforce_plus_plus": ("gamma",)}  # the others read neither
# Of these the KL term in the loss needs nothing but the scaling of the rewards, which is not read.
_UNREAD = ("opo", "gpg", "gdpo", "grpo_passk", "optimal_token_baseline", "tir_optimal_token_baseline")
# What weighs the policy gradient, which carries the penalty of the reward; the term in the loss has no weight.
RATIOS: dict[str, Ratio] = {"vanilla": "token", "gspo": "geometric", "gpg": "none"}
_UNREAD_LOSSES = (
    "dppo_tv", "dppo_kl", "sapo", "clip_cov", "kl_cov", "geo_mean", "dro", "cispo", "bypass_mode",
)  # fmt: skip
RATIOS |= dict.fromkeys(_UNREAD_LOSSES, RATIOS["vanilla"])
# Means over the tokens of each output whatever loss_agg_mode says, with the first version that heeds it.
_OWN_AGGREGATION: dict[str, tuple[int, ...]] = {"gspo": (0, 9, 1), "sapo": (10**9,)}
_IN_REWARD = {f"{ALGORITHM}use_kl_in_reward": True, f"{ALGORITHM}kl_penalty": "kl", f"{ACTOR}use_kl_loss": False}
CHANGES: tuple[dict[str, Any], ...] = (
    _IN_REWARD,
    _IN_REWARD | {f"{ACTOR}loss_agg_mode": "token-mean"},
)


def parse(words: list[str]) -> dict[str, Any]:
    """YAML files and ``name=value`` overrides, with or without the ``actor_rollout_ref.actor.`` in front."""
    found = from_files(words)
    known = {_short(name): name for name in _OPTIONS}
    return {known.get(name, name): value for name, value in found.items()}


def read(settings: Settings, version: str | None = None) -> Reading:
    """Say what the actor's and the algorithm's settings do. See `wis.lm.kl.libraries.read`."""
    version = version or NEWEST
    notes = list(unread("verl", version, (0, 9), (0, 9)))
    terms = []
    if option(settings, f"{ACTOR}use_kl_loss", False):
        advantage = option(settings, f"{ALGORITHM}adv_estimator", "gae")
        terms.append(_loss(settings, {} if advantage in _UNREAD else _advantages(settings)))
        if advantage in _UNREAD:
            notes.append(f"adv_estimator={advantage} was not read: effective β is told for rewards that are not scaled")
    if option(settings, f"{ALGORITHM}use_kl_in_reward", False):
        terms.append(_reward(settings, version_numbers(version)))
        notes.extend(_notes_on_the_reward(settings))
    return Reading("verl", version, tuple(term for term in terms if term.coefficient), tuple(notes))


_OPTIONS = (
    f"{ACTOR}use_kl_loss", f"{ACTOR}kl_loss_coef", f"{ACTOR}kl_loss_type", f"{ACTOR}loss_agg_mode",
    f"{ACTOR}clip_ratio", f"{ACTOR}clip_ratio_low", f"{ACTOR}clip_ratio_high", f"{ALGORITHM}use_kl_in_reward",
    f"{ALGORITHM}kl_penalty", f"{ALGORITHM}kl_ctrl.kl_coef", f"{ALGORITHM}adv_estimator",
    f"{ALGORITHM}norm_adv_by_std_in_grpo", f"{ACTOR}loss_scale_factor", f"{ACTOR}policy_loss.loss_mode",
    f"{ALGORITHM}kl_ctrl.type", f"{ALGORITHM}gamma", f"{ALGORITHM}lam",
)  # fmt: skip
KNOWN = (*_OPTIONS, f"{ACTOR}clip_ratio_c")  # the last clips the policy gradient alone, and is near those that count
PREFIXES = (ACTOR, ALGORITHM)


def _short(name: str) -> str:
    return name.removeprefix(ACTOR).removeprefix(ALGORITHM)


def _estimator(name: str, value: str) -> dict[str, Any]:
    if value == "full":
        raise ValueError(f"{name}=full is not implemented in verl: it raises")
    plain = value.removesuffix("+")
    estimator = chosen(name, plain, ESTIMATORS)
    clamps = {"difference_clamp": 20.0, "value_clamp": 10.0} if estimator == "k3" else {}
    return {"estimator": estimator, "straight_through": value.endswith("+") and estimator != "k2", **clamps}


def _advantages(settings: Settings) -> dict[str, Any]:
    name = f"{ALGORITHM}adv_estimator"
    found = dict(chosen(name, option(settings, name, "gae"), ADVANTAGES))
    if found.get("scaling") == "group" and not option(settings, f"{ALGORITHM}norm_adv_by_std_in_grpo", True):
        found = unscaled(found)
    return found


def _aggregation(settings: Settings) -> dict[str, Any]:
    name = f"{ACTOR}loss_agg_mode"
    mode = option(settings, name, "token-mean")
    if mode == "token-sum":
        raise ValueError(
            f"{name}=token-sum, whose weight grows with the batch, has no counterpart here; "
            f"there are {', '.join(AGGREGATIONS)}"
        )
    aggregation = chosen(name, mode, AGGREGATIONS)
    length = option(settings, f"{ACTOR}loss_scale_factor", None, int)
    return {"aggregation": aggregation, "constant_length": length if aggregation == "constant" else None}


def _loss(settings: Settings, advantages: dict[str, Any]) -> KLConfiguration:
    kept = {name: value for name, value in advantages.items() if name != "returns"}
    name = f"{ACTOR}kl_loss_type"
    return KLConfiguration(
        coefficient=penalty_coefficient(settings, f"{ACTOR}kl_loss_coef", 0.001),
        sampler="old-policy",
        **_aggregation(settings),
        **_estimator(name, option(settings, name, "low_var_kl")),
        **kept,
    )


def _reward(settings: Settings, version: tuple[int, ...]) -> KLConfiguration:
    clip = option(settings, f"{ACTOR}clip_ratio", 0.2)
    # verl's own file sets both ends: clip_ratio counts only where one is null.
    low, high = (option(settings, f"{ACTOR}clip_ratio_{end}", 0.2, float) for end in ("low", "high"))
    name = f"{ALGORITHM}kl_penalty"
    loss = f"{ACTOR}policy_loss.loss_mode"
    mode = option(settings, loss, "vanilla")
    ratio = chosen(loss, mode, RATIOS)
    own = mode in _OWN_AGGREGATION and version < _OWN_AGGREGATION[mode]
    bounds = (1 - (clip if low is None else low), 1 + (clip if high is None else high))
    return KLConfiguration(
        coefficient=penalty_coefficient(settings, f"{ALGORITHM}kl_ctrl.kl_coef", 0.001),
        placement="reward",
        ratio=ratio,
        ratio_clip=None if ratio == "none" else bounds,
        penalty_policy="old",
        sampler="old-policy",
        **({"aggregation": "sequence-mean-token-mean"} if own else _aggregation(settings)),
        **_estimator(name, option(settings, name, "kl")) | {"straight_through": False},
        **_advantages(settings),
    )


def _notes_on_the_reward(settings: Settings) -> list[str]:
    """What the settings of a penalty in the reward do that its configuration does not hold."""
    notes = []
    if str(settings.get(f"{ALGORITHM}kl_penalty", "")).endswith("+"):
        notes.append("the trailing + does nothing in the reward: there the estimate is a constant")
    control = f"{ALGORITHM}kl_ctrl.type"
    if chosen(control, option(settings, control, "fixed"), {"fixed": False, "adaptive": True}):
        notes.append("kl_ctrl.type=adaptive: β begins at kl_coef and is changed at every step towards target_kl")
    loss = option(settings, f"{ACTOR}policy_loss.loss_mode", "vanilla")
    if loss in _UNREAD_LOSSES:
        notes.append(f"policy_loss.loss_mode={loss} was not read: the ratio of vanilla is told")
    advantage = option(settings, f"{ALGORITHM}adv_estimator", "gae")
    discounts = {name: option(settings, ALGORITHM + name, 1.0) for name in DISCOUNTS.get(advantage, ())}
    decayed = [f"{name}={value:g}" for name, value in discounts.items() if value != 1]
    if decayed:
        notes.append(f"{' and '.join(decayed)} discount what follows a token: the KL is told for 1")
    return notes
