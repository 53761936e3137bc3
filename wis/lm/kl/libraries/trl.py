"""TRL's GRPOConfig and RLOOConfig. Read: 1.16.0 in its files, and where the KL options changed since 0.26."""

from __future__ import annotations

import dataclasses
from typing import Any

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.libraries.reading import (
    Reading,
    Settings,
    assignments,
    chosen,
    option,
    penalty_coefficient,
    unread,
    version_numbers,
)

NEWEST = "1.16.0"
AGGREGATIONS = {
    "grpo": "sequence-mean-token-mean",
    "sapo": "sequence-mean-token-mean",
    "bnpo": "token-mean",
    "dapo": "token-mean",
    "cispo": "token-mean",
    "vespo": "token-mean",
    "dr_grpo": "constant",
    "luspo": "sum",
}
SCALINGS = {"group": "group", "batch": "batch", "none": "none", "true": "group", "false": "none"}
CHANGES: tuple[dict[str, Any], ...] = (
    {"use_bias_correction_kl": True},
    {"loss_type": "dapo"},
    {"trainer": "rloo"},
)


def parse(words: list[str]) -> dict[str, Any]:
    """``beta=0.04 loss_type=grpo``; ``trainer=rloo`` for RLOOConfig."""
    return dict(assignments(words))


def settings_of(config: Any) -> dict[str, Any]:
    """What a GRPOConfig or RLOOConfig sets, where it differs from the defaults."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    found = {name: getattr(config, name) for name in (*_OPTIONS, *_ELSEWHERE) if hasattr(config, name)}
    found = {name: value for name, value in found.items() if value != defaults.get(name)}
    if found.get("steps_per_generation", 0) <= config.gradient_accumulation_steps:
        found.pop("steps_per_generation", None)  # TRL's own default, and one update a generation
    return {"trainer": "rloo" if "RLOO" in type(config).__name__ else "grpo"} | found


def read(settings: Settings, version: str | None = None) -> Reading:
    """Say what GRPO's or RLOO's settings do. See `wis.lm.kl.libraries.read`."""
    version = version or installed() or NEWEST
    notes = unread("TRL", version, (0, 26), (1, 16))
    notes += tuple(f"{name} {_ELSEWHERE[name]}" for name in sorted(set(settings) & set(_ELSEWHERE)))
    trainer = chosen("trainer", option(settings, "trainer", "grpo"), {"grpo": _grpo, "rloo": _rloo})
    term = trainer(settings, version_numbers(version))
    if trainer is _grpo and _each_normalised(settings):
        notes += (
            "multi_objective_aggregation=normalize_then_sum divides each reward function by its own std in the group, "
            "and their sum by the batch's: effective β is told for one function, as if the batch's were 1",
        )
    if trainer is _grpo and option(settings, "use_vllm", False):
        notes += (
            "the vLLM importance ratio does not touch the KL term: outputs are the engine's, see 'rollout engine'",
        )
    return Reading("TRL", version, (term,) if term.coefficient else (), notes)


def installed() -> str | None:
    """Version of the installed TRL, if there is one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("trl")
    except PackageNotFoundError:
        return None


_OPTIONS = (
    "beta", "loss_type", "scale_rewards", "use_bias_correction_kl", "importance_sampling_level", "use_vllm", "epsilon",
    "epsilon_high", "normalize_advantages", "multi_objective_aggregation",
)  # fmt: skip
_ELSEWHERE = {
    "num_iterations": "makes the later updates of a generation off policy: see 'old policy'",
    "steps_per_generation": "makes the later updates of a generation off policy: see 'old policy'",
    "off_policy_mask_threshold": "masks the policy gradient alone, not the KL term",
    "top_entropy_quantile": "masks the policy gradient alone, not the KL term",
    "reward_clip_range": "clips the reward before the KL penalty joins it",
    "delta": "clips the ratio of the policy gradient after the KL term has taken it unclipped",
    "sync_ref_model": "moves the reference, so that the objective moves too",
}
KNOWN = ("trainer", *_OPTIONS, *_ELSEWHERE)
PREFIXES: tuple[str, ...] = ()


def _grpo(settings: Settings, version: tuple[int, ...]) -> KLConfiguration:
    corrected = version >= (0, 26) and option(settings, "use_bias_correction_kl", version >= (1, 10))
    level = chosen(
        "importance_sampling_level",
        option(settings, "importance_sampling_level", "token"),
        {"token": "token", "sequence": "geometric"},  # the mean of the log-ratios
    )
    return KLConfiguration(
        coefficient=penalty_coefficient(settings, "beta", 0.0),
        estimator="k3",
        ratio=level if corrected else "none",
        aggregation=chosen("loss_type", option(settings, "loss_type", "dapo"), AGGREGATIONS),
        baseline="mean",
        scaling="group" if _each_normalised(settings) else _scaling(settings.get("scale_rewards", "group")),
        sampler="old-policy",
    )


def _each_normalised(settings: Settings) -> bool:
    name = "multi_objective_aggregation"
    meanings = {"sum_then_normalize": False, "normalize_then_sum": True}
    return bool(chosen(name, option(settings, name, "sum_then_normalize"), meanings))


def _scaling(value: Any) -> Any:
    flag = str(value).lower()  # True, or a text of it
    return chosen("scale_rewards", flag if flag in ("true", "false") else value, SCALINGS)


def _rloo(settings: Settings, version: tuple[int, ...]) -> KLConfiguration:
    low = option(settings, "epsilon", 0.2)
    high = option(settings, "epsilon_high", None, float) or low
    return KLConfiguration(
        coefficient=penalty_coefficient(settings, "beta", 0.05),
        estimator="k1",
        placement="reward",
        ratio="sequence",
        ratio_clip=(1 - low, 1 + high),
        aggregation="sum",
        baseline="leave-one-out",
        scaling="batch" if option(settings, "normalize_advantages", False) else "none",
        penalty_policy="old",
        sampler="old-policy",
    )
