"""NeMo-RL's ``loss_fn`` and ``grpo`` settings. Read: the losses and advantage estimators of 0.7.

Its PPO, which alone has ``gae``, has settings of its own, ``ppo.*``, and is not read.
"""

from __future__ import annotations

from typing import Any

from wis.lm.kl.configuration import KLConfiguration
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

NEWEST = "0.7"
LOSS, GRPO = "loss_fn.", "grpo."
ADVANTAGES: dict[str, dict[str, Any]] = {
    "grpo": {"baseline": "leave-one-out", "scaling": "group", "std_floor": 1e-6},
    "reinforce_plus_plus": {"returns": "none", "baseline": "mean", "scaling": "batch"},
}
# Nothing leads to an unbiased gradient: in the loss a token has its own ratio, in the reward its own penalty.
CHANGES: tuple[dict[str, Any], ...] = ()


def parse(words: list[str]) -> dict[str, Any]:
    """YAML files and ``name=value`` overrides, with or without ``loss_fn.`` in front."""
    known = {name.removeprefix(LOSS).removeprefix(GRPO): name for name in _OPTIONS}
    return {known.get(name, name): value for name, value in from_files(words).items()}


def read(settings: Settings, version: str | None = None) -> Reading:
    """Say what the loss settings do. See `wis.lm.kl.libraries.read`."""
    version = version or NEWEST
    notes = unread("NeMo-RL", version, (0, 7), (0, 7))
    implicit = version_numbers(version) >= (0, 7)
    advantages = chosen(f"{GRPO}adv_estimator.name", option(settings, f"{GRPO}adv_estimator.name", "grpo"), ADVANTAGES)
    if not option(settings, f"{GRPO}normalize_rewards", True) and advantages.get("scaling") == "group":
        advantages = unscaled(advantages)
    token_level = option(settings, f"{LOSS}token_level_loss", True)
    shared: dict[str, Any] = {
        "coefficient": penalty_coefficient(settings, f"{LOSS}reference_policy_kl_penalty", 0.01),
        "estimator": option(settings, f"{LOSS}reference_policy_kl_type", "k3"),
        "aggregation": "token-mean" if token_level else "sequence-mean-token-mean",
        **advantages,
    }
    if not option(settings, f"{LOSS}use_kl_in_reward", False):
        term = _loss(settings, shared, implicit)
    else:
        term = _reward(settings, shared)
        if option(settings, f"{GRPO}adv_estimator.name", "grpo") == "grpo":
            notes += ("use_kl_in_reward: the grpo advantage does not read it, so there is no KL term at all",)
            return Reading("NeMo-RL", version, (), notes)
    return Reading("NeMo-RL", version, (term,) if term.coefficient else (), notes)


_OPTIONS = (
    f"{LOSS}reference_policy_kl_penalty", f"{LOSS}reference_policy_kl_type", f"{LOSS}kl_input_clamp_value",
    f"{LOSS}kl_output_clamp_value", f"{LOSS}use_kl_in_reward", f"{LOSS}use_on_policy_kl_approximation",
    f"{LOSS}token_level_loss", f"{LOSS}ratio_clip_min", f"{LOSS}ratio_clip_max", f"{GRPO}normalize_rewards",
    f"{GRPO}adv_estimator.name",
)  # fmt: skip
KNOWN, PREFIXES = _OPTIONS, (LOSS, GRPO)


def _loss(settings: Settings, shared: dict[str, Any], implicit: bool) -> KLConfiguration:
    against_engine = option(settings, f"{LOSS}use_on_policy_kl_approximation", False)
    kept = {name: value for name, value in shared.items() if name != "returns"}
    return KLConfiguration(
        **kept,
        # exp(x − sg x) where no ratio was asked for: it is 1, and has the gradient of the sampling.
        ratio="token" if implicit or against_engine else "none",
        sampler="rollout-engine" if against_engine else "on-policy",
        difference_clamp=option(settings, f"{LOSS}kl_input_clamp_value", 20.0, float),
        value_clamp=option(settings, f"{LOSS}kl_output_clamp_value", 10.0, float),
    )


def _reward(settings: Settings, shared: dict[str, Any]) -> KLConfiguration:
    low, high = (option(settings, f"{LOSS}ratio_clip_{end}", 0.2) for end in ("min", "max"))
    return KLConfiguration(
        **shared,
        placement="reward",
        ratio="token",
        ratio_clip=(1 - low, 1 + high),
        penalty_policy="old",
        sampler="old-policy",
        difference_clamp=20.0,  # loss_fn's own clamps are for the term in the loss
        value_clamp=10.0,
    )
