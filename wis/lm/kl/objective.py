"""The loss that a KL configuration makes of a batch, and the rewards it shapes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.estimators import estimate, full_divergence


class KLDivergedError(ArithmeticError):
    """A loss, a log-ratio or an importance ratio is no longer finite: the policy has left the reference."""


@dataclass(frozen=True)
class Batch:
    """Sampled outputs, as log-probabilities of their tokens.

    Parameters
    ----------
    log_probs
        ``[N, T]``, of the policy that is trained; gradients flow through it.
    reference
        ``[N, T]``, of the reference.
    mask
        ``[N, T]``, 1 for tokens of the output, 0 for padding. What stands under 0 is never read.
    rewards
        ``[N]``, one an output; by default 0.
    old, rollout
        ``[N, T]``, of the policy when the outputs were drawn and of the engine that drew them; by default the policy's.
    vocabulary, reference_vocabulary
        ``[N, T, V]``, of all tokens, for ``estimator="full"``.
    group_size
        Consecutive rows that answer one input; by default all rows do.
    weights
        ``[N]``, share of each row in every mean over outputs; by default equal. With all outputs and their
        probabilities as weights, the loss is an exact expectation.
    """

    log_probs: Tensor
    reference: Tensor
    mask: Tensor
    rewards: Tensor | None = None
    old: Tensor | None = None
    rollout: Tensor | None = None
    vocabulary: Tensor | None = None
    reference_vocabulary: Tensor | None = None
    group_size: int | None = None
    weights: Tensor | None = None


@dataclass(frozen=True)
class Objective:
    """What `objective` makes of a batch.

    Attributes
    ----------
    loss
        Scalar to descend: the policy gradient's surrogate, and β times the penalty where it stands in the loss.
    penalty
        Scalar, the part of the loss that is differentiated in place, with its coefficient.
    shaped_rewards
        ``[N, T]``: the reward on the last token, less the penalty where it stands in the reward. Without a gradient.
    advantages
        ``[N, T]``, what each token's log-probability is multiplied with. Without a gradient.
    """

    loss: Tensor
    penalty: Tensor
    shaped_rewards: Tensor
    advantages: Tensor


@dataclass(frozen=True)
class _Filled:
    """A batch in one dtype, padding set to 0, with what was left out."""

    log_probs: Tensor
    reference: Tensor
    mask: Tensor
    rewards: Tensor
    old: Tensor
    rollout: Tensor
    vocabulary: Tensor
    reference_vocabulary: Tensor
    group_size: int
    shares: Tensor
    weighted: bool


def objective(configuration: KLConfiguration, batch: Batch) -> Objective:
    """Make the loss of one batch.

    Computed in float32 at least. O(N T), and O(N T V) for ``estimator="full"``.

    Raises
    ------
    ValueError
        If shapes differ, an output is empty, or the batch lacks what the configuration needs.
    KLDivergedError
        If a log-ratio, a ratio or the loss is not finite.
    """
    filled = _filled(configuration, batch)
    difference = filled.log_probs - filled.reference
    _check_finite(difference, "the log-ratio of policy and reference")
    ratio = _ratio(configuration, filled)
    penalty = difference.new_zeros(())
    if configuration.in_loss:
        penalty = configuration.coefficient * _penalty(configuration, filled, difference, ratio)
    shaped, advantages = _advantages(configuration, filled, difference)
    surrogate = filled.log_probs * (_clipped(configuration, ratio, advantages) * advantages)
    loss = penalty - _aggregate(configuration, filled, surrogate)
    _check_finite(loss, "the loss")
    return Objective(loss, penalty, shaped, advantages)


def _filled(configuration: KLConfiguration, batch: Batch) -> _Filled:
    shape = batch.log_probs.shape
    if len(shape) != 2:
        raise ValueError(f"log_probs must have the shape [outputs, tokens], got {list(shape)}")
    given = {"reference": batch.reference, "mask": batch.mask, "old": batch.old, "rollout": batch.rollout}
    for name, part in given.items():
        if part is not None and part.shape != shape:
            raise ValueError(f"{name} must have the shape of log_probs, {list(shape)}, got {list(part.shape)}")
    for name, part in {"rewards": batch.rewards, "weights": batch.weights}.items():
        if part is not None and part.shape != shape[:1]:
            raise ValueError(f"{name} must have one number an output, {list(shape[:1])}, got {list(part.shape)}")
    if batch.rewards is not None and not bool(torch.isfinite(batch.rewards).all()):
        raise ValueError(f"rewards must be finite numbers, got {batch.rewards.tolist()}")
    if batch.weights is not None and not bool((torch.isfinite(batch.weights) & (batch.weights >= 0)).all()):
        raise ValueError(f"weights must be finite and not negative, got {batch.weights.tolist()}")
    mask = batch.mask.bool()
    if not bool(mask.any(1).all()):
        empty = int(torch.nonzero(~mask.any(1))[0])
        raise ValueError(
            f"mask must leave every output at least one token, got none at output {empty}; leave such outputs out (TRL "
            "makes them where mask_truncated_completions=True)"
        )
    group = shape[0] if batch.group_size is None else batch.group_size
    if group < 1 or shape[0] % group:
        raise ValueError(f"group_size must divide the {shape[0]} outputs, got {group}")
    dtype = torch.promote_types(batch.log_probs.dtype, torch.float32)
    log_probs = _tokens(batch.log_probs, mask, dtype)
    old = log_probs.detach() if batch.old is None else _tokens(batch.old, mask, dtype)
    row = log_probs.detach()[:, 0]
    vocabulary, reference_vocabulary = _vocabularies(configuration, batch, mask, dtype)
    return _Filled(
        log_probs=log_probs,
        reference=_tokens(batch.reference, mask, dtype),
        mask=mask,
        rewards=torch.zeros_like(row) if batch.rewards is None else batch.rewards.to(dtype),
        old=old,
        rollout=old if batch.rollout is None else _tokens(batch.rollout, mask, dtype),
        vocabulary=vocabulary,
        reference_vocabulary=reference_vocabulary,
        group_size=group,
        shares=torch.full_like(row, 1 / len(row)) if batch.weights is None else batch.weights.to(dtype),
        weighted=batch.weights is not None,
    )


def _tokens(values: Tensor, mask: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.where(mask, values.to(dtype), 0.0)


def _vocabularies(
    configuration: KLConfiguration, batch: Batch, mask: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    if configuration.estimator != "full":
        return batch.log_probs.new_empty(0), batch.log_probs.new_empty(0)
    if batch.vocabulary is None or batch.reference_vocabulary is None:
        raise ValueError("estimator='full' needs vocabulary and reference_vocabulary, [N, T, V]")
    whole = [*mask.shape, batch.vocabulary.shape[-1] if batch.vocabulary.ndim else 0]
    for name, part in {"vocabulary": batch.vocabulary, "reference_vocabulary": batch.reference_vocabulary}.items():
        if list(part.shape) != whole:
            raise ValueError(f"{name} must have the shape [N, T, V], here {whole}, got {list(part.shape)}")
    kept = mask[..., None]
    return _tokens(batch.vocabulary, kept, dtype), _tokens(batch.reference_vocabulary, kept, dtype)


def _ratio(configuration: KLConfiguration, batch: _Filled) -> Tensor:
    """Importance weight of each token, ``[N, T]``, not clipped."""
    if configuration.ratio == "none":
        return torch.ones_like(batch.log_probs)
    under = {"on-policy": batch.log_probs.detach(), "old-policy": batch.old, "rollout-engine": batch.rollout}
    log_ratio = batch.log_probs - under[configuration.sampler]
    if configuration.ratio == "prefix":
        log_ratio = log_ratio.cumsum(1)
    elif configuration.ratio in ("sequence", "geometric"):
        total = log_ratio.sum(1, keepdim=True)
        count = batch.mask.sum(1, keepdim=True) if configuration.ratio == "geometric" else 1
        log_ratio = (total / count).expand_as(log_ratio)
    ratio = log_ratio.exp()
    _check_finite(ratio, "the importance ratio")
    return ratio


def _penalty(configuration: KLConfiguration, batch: _Filled, difference: Tensor, ratio: Tensor) -> Tensor:
    """The KL term that is differentiated in place, without its coefficient."""
    weight = ratio if configuration.ratio_clip is None else ratio.clamp(*configuration.ratio_clip)
    if not configuration.ratio_differentiated:
        weight = weight.detach()
    if configuration.level == "token":
        return _aggregate(configuration, batch, weight * _token_divergence(configuration, batch, difference))
    return _mean(batch, weight[:, 0] * estimate(configuration, difference.sum(1)))


def _token_divergence(configuration: KLConfiguration, batch: _Filled, difference: Tensor) -> Tensor:
    if configuration.estimator == "full":
        return full_divergence(batch.vocabulary, batch.reference_vocabulary)
    return estimate(configuration, difference)


@torch.no_grad()
def _advantages(configuration: KLConfiguration, batch: _Filled, difference: Tensor) -> tuple[Tensor, Tensor]:
    """Shaped rewards and advantages, ``[N, T]`` each."""
    if configuration.penalty_policy == "old":
        difference = batch.old - batch.reference
    last = _last_tokens(batch.mask)
    charge = torch.zeros_like(difference)
    if configuration.in_reward and configuration.level == "token":
        charge = configuration.coefficient * _token_divergence(configuration, batch, difference)
    elif configuration.in_reward:
        charge = last * (configuration.coefficient * estimate(configuration, difference.sum(1)))[:, None]
    charged = _propagated(configuration, charge)
    shaped = batch.rewards if configuration.penalty_after_scaling else batch.rewards - charge.sum(1)
    centred = batch.rewards - _baseline(configuration, batch, shaped if _whole(configuration) else batch.rewards)
    scale = _scale(configuration, batch, shaped)[:, None]
    if configuration.penalty_after_scaling:
        advantages = centred[:, None] / scale - charged
    else:
        advantages = (centred[:, None] - charged) / scale
    return last * batch.rewards[:, None] - charge, advantages * batch.mask


def _whole(configuration: KLConfiguration) -> bool:
    """Whether each token is charged with the KL of its whole output."""
    return configuration.returns == "full" or configuration.level == "sequence"


def _propagated(configuration: KLConfiguration, charge: Tensor) -> Tensor:
    """What each token is charged with, from what arises at each."""
    if _whole(configuration):
        return charge.sum(1, keepdim=True).expand_as(charge)
    if configuration.returns == "to-go":
        behind = charge.flip(1).cumsum(1).flip(1)
        # A token does not change its own full KL, which would be noise in its return.
        return behind - charge if configuration.estimator == "full" else behind
    return charge


def _baseline(configuration: KLConfiguration, batch: _Filled, rewards: Tensor) -> Tensor:
    """Mean of `rewards` ``[N]`` over the outputs of each group, of any length, given back to each output."""
    if configuration.baseline == "none":
        return torch.zeros_like(rewards)
    groups, shares = rewards.view(-1, batch.group_size), batch.shares.view(-1, batch.group_size)
    # From the first output of the group on: rewards that tie have a baseline that is equal to them, bit for bit.
    first = groups[:, :1]
    summed, mass = (shares * (groups - first)).sum(1, keepdim=True), shares.sum(1, keepdim=True)
    if configuration.baseline == "leave-one-out" and not batch.weighted:
        if batch.group_size == 1:
            return torch.zeros_like(rewards)
        summed, mass = summed - shares * (groups - first), mass - shares
    found = first + summed / mass.clamp_min(torch.finfo(mass.dtype).tiny)
    return found.expand_as(groups).reshape_as(rewards)


def _scale(configuration: KLConfiguration, batch: _Filled, rewards: Tensor) -> Tensor:
    """What each output's advantages are divided by, ``[N]``, from the standard deviation of `rewards` ``[N]``."""
    if configuration.scaling == "none":
        return torch.ones_like(rewards)
    size = batch.group_size if configuration.scaling == "group" else len(rewards)
    return _std(batch, rewards, size) + configuration.std_floor


def _std(batch: _Filled, totals: Tensor, size: int) -> Tensor:
    """Standard deviation within consecutive `size` rows, given back to each row; of the sample unless weighted."""
    groups = totals.view(-1, size)
    groups = groups - groups[:, :1]  # rewards that tie have none, bit for bit
    if not batch.weighted:
        std = groups.std(1, keepdim=True) if size > 1 else torch.zeros_like(groups)
    else:
        share = batch.shares.view(-1, size)
        share = share / share.sum(1, keepdim=True)
        mean = (share * groups).sum(1, keepdim=True)
        std = (share * (groups - mean) ** 2).sum(1, keepdim=True).sqrt()
    return std.expand_as(groups).reshape_as(totals)


def _clipped(configuration: KLConfiguration, ratio: Tensor, advantages: Tensor) -> Tensor:
    """Weight of each token's policy gradient: PPO's pessimistic clip."""
    ratio = ratio.detach()
    if configuration.ratio_clip is None:
        return ratio
    low, high = configuration.ratio_clip
    beyond = ((advantages > 0) & (ratio > high)) | ((advantages < 0) & (ratio < low))
    return torch.where(beyond, 0.0, ratio)


def _aggregate(configuration: KLConfiguration, batch: _Filled, values: Tensor) -> Tensor:
    """One number of a term a token."""
    totals, lengths = (values * batch.mask).sum(1), batch.mask.sum(1).to(values.dtype)
    if configuration.aggregation == "sequence-mean-token-mean":
        return _mean(batch, totals / lengths)
    if configuration.aggregation == "token-mean":
        return _mean(batch, totals) / _mean(batch, lengths)
    if configuration.aggregation == "constant":
        return _mean(batch, totals) / (configuration.constant_length or values.shape[1])
    return _mean(batch, totals)


def _mean(batch: _Filled, values: Tensor) -> Tensor:
    return (batch.shares * values).sum()


def _last_tokens(mask: Tensor) -> Tensor:
    """1 at the last token of each output."""
    behind = mask.flip(1).cumsum(1).flip(1)
    return mask & (behind == 1)


def _check_finite(values: Tensor, what: str) -> None:
    if bool(torch.isfinite(values).all()):
        return
    where = torch.nonzero(~torch.isfinite(values))[0].tolist()
    place = f" (first at output {where[0]}, token {where[1]})" if len(where) == 2 else ""
    raise KLDivergedError(
        f"{what} is no longer finite{place}: the run has diverged. Lower the learning rate, check that the "
        "reference gives every sampled token a probability, and see wis.lm.kl.explain for objectives without a minimum"
    )
