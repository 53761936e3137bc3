"""One object that says how a trainer estimates, places, weighs and normalises its KL penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from wis.checks import check_choice, check_count, check_flag, check_number, did_you_mean

Estimator = Literal["k1", "k2", "k3", "abs", "full"]
Placement = Literal["loss", "reward", "both"]
Level = Literal["token", "sequence"]
Returns = Literal["full", "to-go", "none"]
Ratio = Literal["none", "token", "prefix", "sequence", "geometric"]
Aggregation = Literal["sum", "sequence-mean-token-mean", "token-mean", "constant"]
Baseline = Literal["none", "mean", "leave-one-out"]
Scaling = Literal["none", "group", "batch"]
Sampler = Literal["on-policy", "old-policy", "rollout-engine"]


@dataclass(frozen=True)
class KLConfiguration:
    """How the penalty ``coefficient · KL(policy ‖ reference)`` enters an update.

    Δ is log π − log π_ref of a token, or its sum over a whole output.

    Parameters
    ----------
    coefficient
        β, at least 0.
    estimator
        ``k1`` Δ, ``k2`` Δ²/2, ``k3`` e^−Δ − 1 + Δ, ``abs`` |Δ|, ``full`` the sum over the vocabulary at each token.
    placement
        ``loss``: differentiated in place. ``reward``: a constant that lowers the reward, so that the policy gradient
        carries it. ``both``: each with the whole coefficient.
    level
        Whether the estimator is applied to each token's Δ, or once to the output's. Full needs ``token``.
    returns
        In the reward: each token is charged with the KL of the whole output, of itself and what follows (of ``full``,
        which the token itself does not change, what follows), or its own. The reward is always the whole output's.
    ratio
        Importance weight of the KL term and of the policy gradient: π over the sampler, of the token, of all tokens up
        to it, of the output, or the geometric mean over the output's tokens.
    ratio_differentiated
        Whether the weight of the term in the loss has a gradient. The policy gradient's is always constant: for the
        ratios of PPO and RLOO that is the same.
    ratio_clip
        Lowest and highest ratio. In the loss it is held there (no gradient beyond); in the policy gradient as in PPO:
        a token beyond it has no gradient where its advantage pushes it further.
    aggregation
        Tokens to one number: the mean over outputs of the sum, or of the mean, over tokens; the mean over all tokens
        of the batch; the sum over `constant_length` for each output.
    constant_length
        Tokens that ``constant`` divides by; by default the width of the batch.
    baseline
        Mean over the outputs of the group, whatever their lengths, with or without the output itself. Of shaped rewards
        where each token is charged with the KL of its whole output; of the rewards alone where it is charged with less
        (``to-go``, ``none``), or later (`penalty_after_scaling`), for the KL that is left at a token has no
        counterpart in an output of another length. TRL, verl, OpenRLHF and NeMo-RL do the same.
    scaling
        Standard deviation that advantages are divided by: of the shaped rewards of the group or of the whole batch.
        (verl, OpenRLHF and TRL's RLOO take that of the advantages in place of the batch's.)
    std_floor
        Added to that standard deviation, above 0. 1e-4 is TRL's, and what a variance of at least 1e-8 comes to.
    penalty_after_scaling
        Whether a penalty in the reward joins after baseline and scaling, instead of before.
    penalty_policy
        Whose Δ is charged in the reward: the policy's at the update (``current``) or when the outputs were drawn
        (``old``).
    difference_clamp, value_clamp
        Largest |Δ| and largest |estimate|; no gradient beyond.
    straight_through
        The estimator gives the value, ``k2`` the gradient.
    sampler
        Who is under the ratio: the policy itself, its old weights, or the engine that generated.

    Raises
    ------
    ValueError, TypeError
        If a field has no such value, or two of them contradict each other.
    """

    coefficient: float = 0.01
    estimator: Estimator = "k3"
    placement: Placement = "loss"
    level: Level = "token"
    returns: Returns = "full"
    ratio: Ratio = "none"
    ratio_differentiated: bool = True
    ratio_clip: tuple[float, float] | None = None
    aggregation: Aggregation = "token-mean"
    constant_length: int | None = None
    baseline: Baseline = "none"
    scaling: Scaling = "none"
    std_floor: float = 1e-4
    penalty_after_scaling: bool = False
    penalty_policy: Literal["current", "old"] = "current"
    difference_clamp: float | None = None
    value_clamp: float | None = None
    straight_through: bool = False
    sampler: Sampler = "on-policy"

    def __post_init__(self) -> None:
        for name, allowed in choices().items():
            check_choice(name, getattr(self, name), allowed)
        for field in fields(self):
            if isinstance(field.default, bool):
                check_flag(field.name, getattr(self, field.name))
        check_number("coefficient", self.coefficient, at_least=0)
        if not check_number("std_floor", self.std_floor) > 0:
            raise ValueError(f"std_floor must be above 0, got {self.std_floor}")
        for name in ("difference_clamp", "value_clamp", "constant_length"):
            bound = getattr(self, name)
            if bound is not None and not check_number(name, bound) > 0:
                raise ValueError(f"{name} must be above 0, or None for no bound, got {bound}")
        if self.constant_length is not None:
            check_count("constant_length", self.constant_length)
        if self.ratio_clip is not None:
            _check_clip(self.ratio_clip)
        if self.estimator == "full" and self.level == "sequence":
            raise ValueError("estimator='full' sums over the vocabulary at each token: it needs level='token'")
        if self.level == "sequence" and self.in_loss and self.ratio in ("token", "prefix"):
            raise ValueError(
                f"ratio={self.ratio!r} has one weight a token, level='sequence' one term an output; "
                "give ratio 'sequence', 'geometric' or 'none', or level='token'"
            )

    def __str__(self) -> str:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {name: given[name] for name in ("coefficient", "estimator", "placement")}
        kept |= {field.name: given[field.name] for field in fields(self) if given[field.name] != field.default}
        return " ".join(f"{name}={value}" for name, value in kept.items())

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> KLConfiguration:
        """Make a configuration from texts, as in ``{"ratio": "prefix", "ratio_clip": "0.8,1.2"}``.

        Raises
        ------
        ValueError
            If there is no such field, or a text is not of its kind.
        """
        defaults = {field.name: field.default for field in fields(cls)}
        unknown = sorted(set(settings) - set(defaults))
        if unknown:
            raise ValueError(
                f"unknown setting {unknown[0]!r}{did_you_mean(unknown[0], defaults)}; there are {', '.join(defaults)}"
            )
        return cls(**{name: _from_text(name, text, defaults[name]) for name, text in settings.items()})

    @property
    def in_loss(self) -> bool:
        """Whether the penalty is differentiated in place."""
        return self.placement != "reward"

    @property
    def in_reward(self) -> bool:
        """Whether the penalty lowers the reward."""
        return self.placement != "loss"


def choices() -> dict[str, tuple[Any, ...]]:
    """Allowed values of every field that is chosen from a list."""
    hints = get_type_hints(KLConfiguration)
    listed = {field.name: get_args(hints[field.name]) for field in fields(KLConfiguration)}
    return {name: values for name, values in listed.items() if values and all(isinstance(v, str) for v in values)}


def _check_clip(clip: Any) -> None:
    if not isinstance(clip, (tuple, list)):
        raise TypeError(f"ratio_clip must be (low, high), or None for no bound, got {clip!r}")
    ends = [check_number("each end of ratio_clip", end) for end in clip]
    if not (len(ends) == 2 and 0 <= ends[0] <= 1 <= ends[1]):
        raise ValueError(f"ratio_clip must be (low, high) with 0 <= low <= 1 <= high, got {clip}")


def _from_text(name: str, text: str, default: Any) -> Any:
    """The value of a field; those that may be absent are numbers."""
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{name} must be true or false, got {text!r}")
        return text.lower() == "true"
    if isinstance(default, str):
        return text
    if text.lower() == "none":
        return None
    try:
        if name == "ratio_clip":
            return tuple(float(part) for part in text.split(","))
        return int(text) if name == "constant_length" else float(text)
    except ValueError:
        kind = {"ratio_clip": "two numbers, low,high", "constant_length": "an integer"}.get(name, "a number")
        raise ValueError(f"{name} must be {kind}, got {text!r}") from None
