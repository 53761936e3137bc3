"""SkyRL's ``trainer.algorithm`` settings. Read: the sources of November 2026 (the package skyrl 0.4.0 has the same)."""

from __future__ import annotations

from typing import Any

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.libraries.reading import Reading, Settings, chosen, from_files, option, penalty_coefficient, unscaled

NEWEST = "2026-11"
ALGORITHM = "trainer.algorithm."
REDUCTIONS = {
    "token_mean": "token-mean",
    "sequence_mean": "sequence-mean-token-mean",
    "seq_mean_token_sum_norm": "constant",
}
ADVANTAGES: dict[str, dict[str, Any]] = {
    "grpo": {"baseline": "mean", "scaling": "group", "std_floor": 1e-6},
    "rloo": {"baseline": "leave-one-out"},
    "gae": {"returns": "to-go", "scaling": "batch"},
    "reinforce++": {"returns": "to-go", "scaling": "batch"},
}
CHANGES: tuple[dict[str, Any], ...] = (
    {
        f"{ALGORITHM}use_kl_loss": False,
        f"{ALGORITHM}use_kl_in_reward": True,
        f"{ALGORITHM}kl_estimator_type": "k1",
        f"{ALGORITHM}loss_reduction": "token_mean",
    },
)


def parse(words: list[str]) -> dict[str, Any]:
    """YAML files and ``name=value`` overrides, with or without ``trainer.algorithm.`` in front."""
    known = {name.removeprefix(ALGORITHM): name for name in _OPTIONS}
    return {known.get(name, name): value for name, value in from_files(words).items()}


def read(settings: Settings, version: str | None = None) -> Reading:
    """Say what the algorithm's settings do. See `wis.lm.kl.libraries.read`."""
    notes = () if version in (None, NEWEST) else (f"SkyRL {version} was not read (that of {NEWEST} was)",)
    name = f"{ALGORITHM}advantage_estimator"
    advantages = dict(chosen(name, option(settings, name, "grpo"), ADVANTAGES))
    if advantages.get("scaling") == "group" and not option(settings, f"{ALGORITHM}grpo_norm_by_std", True):
        advantages = unscaled(advantages)
    estimator = option(settings, f"{ALGORITHM}kl_estimator_type", "k3")
    shared: dict[str, Any] = {
        "coefficient": penalty_coefficient(settings, f"{ALGORITHM}kl_loss_coef", 0.001),
        "estimator": estimator,
        "sampler": "old-policy",
    }
    if estimator == "k3":
        shared |= {"difference_clamp": 20.0, "value_clamp": 10.0}
    in_loss = option(settings, f"{ALGORITHM}use_kl_loss", True)
    in_reward = option(settings, f"{ALGORITHM}use_kl_in_reward", False)
    if in_loss and in_reward:
        raise ValueError(
            f"{ALGORITHM}use_kl_in_reward needs {ALGORITHM}use_kl_loss=false, which is true by default: SkyRL refuses "
            "both at once"
        )
    terms = [_loss(shared, advantages)] if in_loss else []
    terms += [_reward(settings, shared, advantages)] if in_reward else []
    return Reading("SkyRL", version or NEWEST, tuple(term for term in terms if term.coefficient), notes)


_OPTIONS = tuple(
    f"{ALGORITHM}{name}"
    for name in (
        "use_kl_loss", "use_kl_in_reward", "kl_estimator_type", "kl_loss_coef", "loss_reduction",
        "advantage_estimator", "grpo_norm_by_std", "eps_clip_low", "eps_clip_high",
    )
)  # fmt: skip
KNOWN, PREFIXES = _OPTIONS, (ALGORITHM,)


def _loss(shared: dict[str, Any], advantages: dict[str, Any]) -> KLConfiguration:
    kept = {name: value for name, value in advantages.items() if name != "returns"}
    # The KL term is the mean over tokens of each output, whatever loss_reduction says of the policy's.
    return KLConfiguration(**shared, **kept, aggregation="sequence-mean-token-mean")


def _reward(settings: Settings, shared: dict[str, Any], advantages: dict[str, Any]) -> KLConfiguration:
    low, high = (option(settings, f"{ALGORITHM}eps_clip_{end}", 0.2) for end in ("low", "high"))
    name = f"{ALGORITHM}loss_reduction"
    return KLConfiguration(
        **shared,
        **advantages,
        placement="reward",
        ratio="token",
        ratio_clip=(1 - low, 1 + high),
        aggregation=chosen(name, option(settings, name, "token_mean"), REDUCTIONS),
        penalty_policy="old",
    )
