"""OpenRLHF's command line. Read: 0.11.2, and the flags of before 0.11 that became ``--algo.kl.*``."""

from __future__ import annotations

import re
import shlex
from typing import Any

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.libraries.reading import Reading, Settings, chosen, option, penalty_coefficient, unread, version_numbers

NEWEST = "0.11.2"
KL, ADVANTAGE = "algo.kl.", "algo.advantage."
RATIO_CLAMP = (0.0, 10.0)
BEFORE = {  # names before 0.11
    "kl_estimator": f"{KL}estimator",
    "init_kl_coef": f"{KL}init_coef",
    "use_kl_loss": f"{KL}use_loss",
    "advantage_estimator": f"{ADVANTAGE}estimator",
}
KNOWN = (
    f"{KL}estimator", f"{KL}init_coef", f"{KL}use_loss", f"{KL}unbiased_gradient", f"{KL}target",
    f"{ADVANTAGE}estimator", *BEFORE,
)  # fmt: skip
PREFIXES = (KL, ADVANTAGE)
ADVANTAGES: dict[str, dict[str, Any]] = {
    "gae": {"returns": "to-go", "scaling": "batch"},
    "reinforce": {"returns": "to-go", "scaling": "batch"},
    "reinforce_baseline": {"returns": "to-go", "baseline": "mean", "scaling": "batch"},
    "rloo": {"returns": "to-go", "baseline": "leave-one-out"},
    "group_norm": {
        "returns": "to-go", "baseline": "mean", "scaling": "group", "std_floor": 1e-9, "penalty_after_scaling": True},
    "dr_grpo": {"returns": "to-go", "baseline": "mean", "penalty_after_scaling": True},
}  # fmt: skip
CHANGES: tuple[dict[str, Any], ...] = (
    {f"{KL}estimator": "k1"},
    {f"{KL}use_loss": False, f"{KL}estimator": "k1"},
)


def parse(words: list[str]) -> dict[str, Any]:
    """A command line, whole or in words; flags alone are true."""
    found: dict[str, Any] = {}
    name = ""
    texts = [re.sub(r"\\\r?\n", "", text) for text in words]  # lines that go on, as a shell joins them
    for word in [part for text in texts for part in shlex.split(text)]:
        if word.startswith("--"):
            name, sign, value = word[2:].partition("=")
            name = BEFORE.get(name, name)
            found[name] = value if sign else True
            name = "" if sign else name  # it has its value
        elif name:
            found[name] = word
    return found


def read(settings: Settings, version: str | None = None) -> Reading:
    """Say what the flags of ``openrlhf.cli.train_ppo_ray`` do. See `wis.lm.kl.libraries.read`."""
    version = version or NEWEST
    notes = list(unread("OpenRLHF", version, (0, 11), (0, 11)))
    unbiased = option(settings, f"{KL}unbiased_gradient", False)
    if unbiased and version_numbers(version) < (0, 11):
        notes.append(f"--{KL}unbiased_gradient came with 0.11.0: ignored")
        unbiased = False
    advantages = chosen(f"{ADVANTAGE}estimator", option(settings, f"{ADVANTAGE}estimator", "gae"), ADVANTAGES)
    in_loss = option(settings, f"{KL}use_loss", False)
    shared: dict[str, Any] = {
        "coefficient": penalty_coefficient(settings, f"{KL}init_coef", 0.01),
        "estimator": option(settings, f"{KL}estimator", "k1"),
        "value_clamp": 10.0,
        "aggregation": "token-mean",
        "sampler": "old-policy",
    }
    term = _loss(shared, advantages, unbiased) if in_loss else _reward(shared, advantages)
    if f"{KL}target" in settings:
        notes.append("the target adapts the coefficient: β is its start")
    return Reading("OpenRLHF", version, (term,) if term.coefficient else (), tuple(notes))


def _loss(shared: dict[str, Any], advantages: dict[str, Any], unbiased: bool) -> KLConfiguration:
    kept = {name: value for name, value in advantages.items() if name in ("baseline", "scaling", "std_floor")}
    if not unbiased:
        return KLConfiguration(**shared, **kept)
    # The estimate's value, with the gradient of a weighted K2.
    return KLConfiguration(
        **shared, **kept, straight_through=True, ratio="token", ratio_differentiated=False, ratio_clip=RATIO_CLAMP
    )


def _reward(shared: dict[str, Any], advantages: dict[str, Any]) -> KLConfiguration:
    return KLConfiguration(
        **shared, **advantages, placement="reward", ratio="token", ratio_clip=(0.8, 1.2), penalty_policy="old"
    )
